// What one Fetch answer brought of one partition, from the bytes as they came to messages. Only headers are looked at when it arrives: what
// readers do not get to, because they seek or lose the partition, costs nothing.
import type { RecordBatch, RecordView } from '@ottla/protocol'
import { batchesIn, batchSizeAt, ErrorCode, errorOf, KafkaError, recordsOf } from '@ottla/protocol'
import type { FetchedRecords } from '../parts.ts'
import { type AbortedTransaction, AbortedTransactions } from './aborted.ts'
import { addMessages } from './decode.ts'
import type { FrameUse } from './memory.ts'
import type { KafkaMessage } from './message.ts'

/** What is known of a partition's answer besides its records. */
export interface FetchedFacts {
  readonly topic: string
  readonly partition: number
  readonly fetchOffset: number
  readonly endOffset: number
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly version: number
  /** Null: nothing is to be left out. */
  readonly aborted: readonly AbortedTransaction[] | null
}

/** Where reading ended early, and why. */
export interface Unreadable {
  readonly offset: number
  readonly cause: Error
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

export class Fetched implements FetchedRecords {
  readonly topic: string
  readonly partition: number
  readonly fetchOffset: number
  readonly endOffset: number
  readonly highWatermark: number
  readonly logStartOffset: number
  readonly version: number
  sizeBytes = 0
  nextOffset: number
  leaderEpoch = -1
  /** Filled by `open`. */
  messages: KafkaMessage[] = []
  /** Its share of the answer it lies in; undefined once given back. */
  frame: FrameUse | undefined
  /** Leader epoch of the batch before these, for those who have to go back to `fetchOffset`. */
  readonly epochBefore: number
  readonly #bytes: Buffer
  readonly #aborted: readonly AbortedTransaction[] | null
  #kept: RecordBatch[] = []

  constructor(facts: FetchedFacts, bytes: Buffer, epochBefore: number) {
    this.topic = facts.topic
    this.partition = facts.partition
    this.fetchOffset = facts.fetchOffset
    this.nextOffset = facts.fetchOffset
    this.endOffset = facts.endOffset
    this.highWatermark = facts.highWatermark
    this.logStartOffset = facts.logStartOffset
    this.version = facts.version
    this.epochBefore = epochBefore
    this.#bytes = bytes
    this.#aborted = facts.aborted
  }

  /** Finds the whole batches among the bytes, and with them `nextOffset`. Says where that ends early because a header cannot be read. */
  scan(): Unreadable | undefined {
    try {
      for (const batch of batchesIn(this.#bytes)) this.#take(batch)
    } catch (error) {
      return { offset: this.nextOffset, cause: asError(error) }
    }
    return undefined
  }

  #take(batch: RecordBatch): void {
    const next = batch.nextOffset
    if (batch.magic > 1 && batch.lastOffsetDelta < 0) throw new KafkaError(ErrorCode.CORRUPT_MESSAGE, 'Record batch ends before it begins')
    this.sizeBytes += batch.sizeInBytes
    // Batches before the offset asked for are there because their last one may reach it.
    if (next > this.nextOffset) this.nextOffset = next
    this.leaderEpoch = batch.partitionLeaderEpoch
  }

  /** Bytes that the first batch has, when it is not there as a whole: what the next fetch has to ask for. */
  get bytesWanted(): number {
    const bytes = this.#bytes
    if (this.sizeBytes > 0 || bytes.length < 12) return 0
    return bytes.readInt32BE(8) + 12
  }

  /**
   * Checks the batches, decompresses and decodes them. When one cannot be read, reading ends before it and says so; `nextOffset` is then the
   * offset of that batch or, where there is a gap before it, of the gap.
   */
  open(checkCrcs: boolean): Unreadable | undefined {
    const aborted = this.#aborted === null || this.#aborted.length === 0 ? undefined : new AbortedTransactions(this.#aborted)
    const bytes = this.#bytes.subarray(0, this.sizeBytes)
    const end = this.nextOffset
    this.nextOffset = this.fetchOffset
    this.leaderEpoch = this.epochBefore
    for (const batch of batchesIn(bytes)) {
      const before = this.messages.length
      try {
        if (checkCrcs) batch.ensureValid()
        else if (batch.magic > 1 && batchSizeAt(bytes, batch.at, batch.at + batch.sizeInBytes) < 61) batch.ensureValid()
        const isAborted = aborted?.holds(batch) ?? false
        if (!isAborted && !batch.isControl && batch.lastOffset >= this.fetchOffset) {
          addMessages(this.messages, batch, this.fetchOffset)
          this.#kept.push(batch)
        }
      } catch (error) {
        this.messages.length = before
        return { offset: Math.max(this.nextOffset, batch.magic > 1 ? batch.baseOffset : 0), cause: asError(error) }
      }
      this.nextOffset = Math.max(this.nextOffset, batch.nextOffset)
      this.leaderEpoch = batch.partitionLeaderEpoch
    }
    this.nextOffset = end
    return undefined
  }

  records(): RecordView[] {
    return this.#kept.flatMap(batch => [...recordsOf(batch)]).filter(({ offset }) => offset >= this.fetchOffset)
  }
}

/** One line on what is wrong with records. */
export const reasonOf = (error: Error): string =>
  error instanceof KafkaError ? `${errorOf(error.code).name}: ${error.message}` : error.message
