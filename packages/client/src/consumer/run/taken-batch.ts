// What eachBatch sees of the records of one fetch (KafkaJS's Batch).
import type { KafkaMessage } from '../fetch/message.ts'
import type { FetchedRecords } from '../parts.ts'
import type { Batch } from '../types.ts'

/** Messages of one partition as one fetch brought them; those of aborted transactions and control records are gone already. */
export class TakenBatch implements Batch {
  readonly topic: string
  readonly partition: number
  readonly highWatermark: string
  readonly messages: KafkaMessage[]
  readonly #first: number
  readonly #last: number
  readonly #highWatermark: number

  constructor(
    taken: Pick<FetchedRecords, 'topic' | 'partition' | 'highWatermark' | 'fetchOffset' | 'nextOffset'>,
    messages: KafkaMessage[],
  ) {
    this.topic = taken.topic
    this.partition = taken.partition
    this.highWatermark = String(taken.highWatermark)
    this.messages = messages
    this.#first = messages[0] === undefined ? taken.fetchOffset : Number(messages[0].offset)
    this.#last = taken.nextOffset - 1
    this.#highWatermark = taken.highWatermark
  }

  isEmpty(): boolean {
    return this.messages.length === 0
  }

  firstOffset(): string | null {
    return String(this.#first)
  }

  lastOffset(): string {
    return String(this.#last)
  }

  offsetLag(): string {
    return String(this.#highWatermark - 1 - this.#last)
  }

  offsetLagLow(): string {
    return String(this.#highWatermark - 1 - this.#first)
  }

  /** The payload of the events START_BATCH_PROCESS and END_BATCH_PROCESS. */
  facts() {
    return {
      topic: this.topic,
      partition: this.partition,
      highWatermark: this.highWatermark,
      offsetLag: this.offsetLag(),
      offsetLagLow: this.offsetLagLow(),
      batchSize: this.messages.length,
      firstOffset: this.firstOffset(),
      lastOffset: this.lastOffset(),
    }
  }
}
