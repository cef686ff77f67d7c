// What a request is about: topics, partitions, groups and transactional ids, found in any request by the names that its schema uses.
import type { FaultFilter } from './specs.ts'

type Fields = Readonly<Record<string, unknown>>

/** Fields of a message, or undefined for what is none. */
export const fieldsOf = (value: unknown): Fields | undefined => (isFields(value) ? value : undefined)

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value)

const asText = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
const elements = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** A topic that a request names, with those of its partitions that it names. */
interface NamedTopic {
  readonly name: string | undefined
  readonly id: string | undefined
  readonly partitions: readonly number[]
}

const partitionsOf = (topic: Fields): number[] =>
  Object.entries(topic)
    .filter(([name]) => /partition/i.test(name))
    .flatMap(([, value]) => elements(value))
    .map(one => {
      const fields = fieldsOf(one)
      return fields === undefined ? one : (fields['index'] ?? fields['partitionIndex'] ?? fields['partition'])
    })
    .filter(index => typeof index === 'number')

function* topicsIn(request: Fields): Generator<NamedTopic, void, undefined> {
  for (const [field, value] of Object.entries(request)) {
    const isTopics = /topic/i.test(field)
    for (const element of elements(value)) {
      const fields = fieldsOf(element)
      if (fields === undefined) {
        if (isTopics && typeof element === 'string') yield { name: element, id: undefined, partitions: [] }
      } else if (isTopics) {
        yield {
          name: asText(fields['name']) ?? asText(fields['topic']),
          id: asText(fields['topicId']),
          partitions: partitionsOf(fields),
        }
      } else {
        yield* topicsIn(fields)
      }
    }
  }
}

const says = (request: Fields, pattern: RegExp, wanted: string): boolean =>
  Object.entries(request).some(([field, value]) => {
    if (!pattern.test(field)) return false
    return elements(value).length === 0 ? value === wanted : elements(value).some(one => one === wanted || isAbout(one, pattern, wanted))
  })

const isAbout = (element: unknown, pattern: RegExp, wanted: string): boolean => {
  const fields = fieldsOf(element)
  return fields !== undefined && says(fields, pattern, wanted)
}

const groupFields = /^(?:groupId|groups|groupsNames|groupIds|key|coordinatorKeys)$/
const transactionFields = /^(?:transactionalId|transactionalIds|transactions|v3AndBelowTransactionalId|key|coordinatorKeys)$/

/** Whether a request meets a filter. `nameOf` gives the name of a topic id. */
export function matches(
  request: Fields,
  { clientId, filter, nameOf }: { filter: FaultFilter; clientId: string | null; nameOf: (topicId: string) => string | undefined },
): boolean {
  if (filter.clientId !== undefined && filter.clientId !== clientId) return false
  if (filter.group !== undefined && !says(request, groupFields, filter.group)) return false
  if (filter.transactionalId !== undefined && !says(request, transactionFields, filter.transactionalId)) return false
  const { partition, topic } = filter
  if (topic === undefined && partition === undefined) return true
  for (const named of topicsIn(request)) {
    const name = named.name ?? (named.id === undefined ? undefined : nameOf(named.id))
    if (topic !== undefined && name !== topic) continue
    if (partition === undefined || named.partitions.includes(partition)) return true
  }
  return false
}
