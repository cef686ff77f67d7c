// Ids of idempotent producers, in blocks that are taken from the store before they are used.
import { keys, type MetadataStore } from '@ottla/metadata'
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { commitOrThrow } from './store-failures.ts'

/** Ids that are taken from the store at a time, as in Kafka (ProducerIdsBlock). */
const BLOCK_SIZE = 1000

/** Ids left at which the next block is fetched, so that few producers wait for the store. */
const FETCH_AHEAD = 100

const ATTEMPTS = 20

/**
 * Hands out producer ids, each at most once in the life of the cluster: a block is written to the store before its first
 * id is used, and a block of which that is not certain is never used.
 */
export class ProducerIds {
  readonly #store: MetadataStore
  #next = 0
  #end = 0
  #following: { readonly start: number } | undefined
  #fetching: Promise<void> | undefined

  constructor(store: MetadataStore) {
    this.#store = store
  }

  /** The next id: at once while there are any. Rejects with a retriable KafkaError when the store gives none. */
  next(): number | Promise<number> {
    if (this.#next === this.#end && this.#following) {
      this.#next = this.#following.start
      this.#end = this.#next + BLOCK_SIZE
      this.#following = undefined
    }
    if (this.#end - this.#next <= FETCH_AHEAD && !this.#following) void this.#fetch()
    return this.#next < this.#end ? this.#next++ : this.#afterFetch()
  }

  async #afterFetch(): Promise<number> {
    await this.#fetch()
    return this.next()
  }

  #fetch(): Promise<void> {
    if (!this.#fetching) {
      const fetching = this.#takeBlock().then(start => {
        this.#following = { start }
      })
      this.#fetching = fetching.finally(() => {
        this.#fetching = undefined
      })
      // Whoever waits for an id hears of a failure; a fetch ahead just comes again with the next id.
      this.#fetching.catch(() => undefined)
    }
    return this.#fetching
  }

  async #takeBlock(): Promise<number> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const entry = await this.#store.get(keys.nextProducerId)
      const start = Number(entry?.value ?? 0)
      const { succeeded } = await commitOrThrow(this.#store, {
        checks: [{ key: keys.nextProducerId, value: entry?.value ?? null }],
        writes: [{ key: keys.nextProducerId, value: String(start + BLOCK_SIZE) }],
      })
      if (succeeded) return start
    }
    throw new KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, 'Could not get a block of producer ids.')
  }
}
