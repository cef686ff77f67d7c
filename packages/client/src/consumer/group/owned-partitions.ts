// The partitions that a member owns, and the listener that is told of each change.
import type { Logger } from '../../logger.ts'
import { partitionKey, without } from '../assignors/topic-partitions.ts'
import type { AssignmentListener, JoinFacts, TopicPartition } from '../parts.ts'

/** Changed by one caller at a time. */
export class OwnedPartitions {
  readonly #listener: AssignmentListener
  readonly #logger: Logger
  #partitions: readonly TopicPartition[] = []

  constructor(listener: AssignmentListener, logger: Logger) {
    this.#listener = listener
    this.#logger = logger
  }

  get all(): readonly TopicPartition[] {
    return this.#partitions
  }

  /** Adds partitions; an empty list is told too, so that the listener knows that the member has joined. Rejects with what the listener does. */
  async assign(added: readonly TopicPartition[], facts: JoinFacts): Promise<void> {
    // One that was named twice is one.
    const unique = [...new Map(added.map(partition => [partitionKey(partition), partition])).values()]
    this.#partitions = [...this.#partitions, ...unique]
    await this.#listener.assigned(unique, facts)
  }

  /** Gives partitions up; they are owned until the listener is done with them. */
  async revoke(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return
    await this.#told('revoked', partitions)
    this.#partitions = without(this.#partitions, partitions)
  }

  /** Others have them already. */
  async lose(partitions: readonly TopicPartition[] = this.#partitions): Promise<void> {
    if (partitions.length === 0) return
    this.#partitions = without(this.#partitions, partitions)
    await this.#told('lost', partitions)
  }

  async #told(what: 'revoked' | 'lost', partitions: readonly TopicPartition[]): Promise<void> {
    try {
      await this.#listener[what](partitions)
    } catch (error) {
      this.#logger.error(`The listener of an assignment failed when partitions were ${what}`, { error: String(error) })
    }
  }
}
