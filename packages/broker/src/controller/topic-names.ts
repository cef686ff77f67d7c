// Rules for names of topics, as in org.apache.kafka.common.internals.Topic.
import type { ClusterImage, Metadata } from '@ottla/metadata'

/** Kafka's own metadata log; nobody may make a topic of this name. */
export const CLUSTER_METADATA_TOPIC = '__cluster_metadata'

const INTERNAL_TOPICS: ReadonlySet<string> = new Set(['__consumer_offsets', '__transaction_state', '__share_group_state'])

const MAX_LENGTH = 249

/** Whether clients are told that a topic is internal. */
export const isInternalTopic = (name: string): boolean => INTERNAL_TOPICS.has(name)

/** What is wrong with a name, as Kafka words it; null if nothing. */
export function topicNameProblem(name: string): string | null {
  const reason = reasonInvalid(name)
  return reason === null ? null : `Topic name is invalid: ${reason}`
}

function reasonInvalid(name: string): string | null {
  if (name === '') return 'the empty string is not allowed'
  if (name === '.' || name === '..') return `'${name}' is not allowed`
  if (name.length > MAX_LENGTH) return `the length of '${name}' is longer than the max allowed length ${MAX_LENGTH}`
  if (/^[a-zA-Z0-9._-]+$/.test(name)) return null
  return `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
}

const unified = (name: string): string => name.replaceAll('.', '_')
const canCollide = (name: string): boolean => name.includes('.') || name.includes('_')

/**
 * Finds topics whose names differ only by '.' and '_', which metrics could not tell apart. Follows the metadata, so that a
 * look-up costs the same however many topics there are.
 */
export class CollidingNames {
  readonly #names = new Map<string, Set<string>>()
  readonly #stop: () => void

  constructor(metadata: Metadata) {
    this.#load(metadata.image)
    this.#stop = metadata.onChange(({ topicsDeleted, topicsCreated }) => {
      for (const { name } of topicsDeleted) this.#remove(name)
      for (const { name } of topicsCreated) this.#add(name)
    })
  }

  /** A topic that a new one of this name would collide with. */
  collision(name: string): string | undefined {
    if (!canCollide(name)) return undefined
    return this.#names.get(unified(name))?.values().next().value
  }

  close(): void {
    this.#stop()
  }

  #load(image: ClusterImage): void {
    for (const { name } of image.topics()) this.#add(name)
  }

  #add(name: string): void {
    if (!canCollide(name)) return
    const names = this.#names.get(unified(name)) ?? new Set<string>()
    this.#names.set(unified(name), names.add(name))
  }

  #remove(name: string): void {
    const names = this.#names.get(unified(name))
    if (names?.delete(name) && names.size === 0) this.#names.delete(unified(name))
  }
}
