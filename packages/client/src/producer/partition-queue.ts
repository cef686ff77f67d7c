// The batches of one partition, in the order in which their records were given to `send`, and where the partition is in its producer's sequence.
import { type BatchProducer, nextSequence } from '@ottla/protocol'
import type { ProducerBatch } from './batch.ts'

/** In whose name batches are sent. */
export interface ProducerName {
  readonly producerId: number
  readonly producerEpoch: number
}

/**
 * A broker knows so many batches of a producer again (class ProducerStateEntry), so that not more are sent after one that is not answered. The
 * bound on requests for each broker is not enough: while a partition moves, one broker takes many while the other owes an answer.
 */
const REMEMBERED_BATCHES = 5

/** See the top of the file. */
export class PartitionQueue {
  readonly topic: string
  readonly partition: number
  /** To be sent, in order; the last may be open. */
  readonly waiting: ProducerBatch[] = []
  /** In requests under way. */
  readonly inFlight: ProducerBatch[] = []
  /** Nothing is sent before this (monotonic, in ms): the distance between tries. */
  retryAtMs = 0
  /** Size of the batch before, as a guess at the next one's. */
  usualBytes = 0
  /**
   * The broker's idea of the sequence is not this one's any more: when nothing is under way, the partition goes on in a new epoch (KIP-360).
   */
  isLost = false
  /**
   * A batch with a sequence was given up. What was sent after it is still tried with the sequence it has, as it may have been written; then the
   * partition goes on in a new epoch.
   */
  isGapped = false
  #name: ProducerName | undefined
  #nextSequence = 0
  /** Batches that got a sequence so far. */
  #assigned = 0

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  /** The batch that records are added to, if there is one. */
  get open(): ProducerBatch | undefined {
    const last = this.waiting.at(-1)
    return last === undefined || last.isClosed ? undefined : last
  }

  /** Whether the first batch may go before the answers to those under way: one that is sent again must be the earliest (class Sender). */
  get mayPipeline(): boolean {
    const [head] = this.waiting
    if (head === undefined) return false
    if (head.producer === undefined) return this.inFlight.every(({ ordinal }) => this.#assigned - ordinal < REMEMBERED_BATCHES)
    return this.inFlight.every(batch => batch.order > head.order)
  }

  /** Puts a batch back, where it was. */
  putBack(batch: ProducerBatch): void {
    const at = this.waiting.findIndex(({ order }) => order > batch.order)
    if (at < 0) this.waiting.push(batch)
    else this.waiting.splice(at, 0, batch)
  }

  /** Takes a batch away that waits. */
  remove(batch: ProducerBatch): void {
    const at = this.waiting.indexOf(batch)
    if (at >= 0) this.waiting.splice(at, 1)
  }

  /** An answer came, or will not come. */
  landed(batch: ProducerBatch): void {
    const at = this.inFlight.indexOf(batch)
    if (at >= 0) this.inFlight.splice(at, 1)
  }

  /** Whether batches with sequences of another name than this are not acknowledged yet: they go first, under the old name. */
  #hasOlder(name: ProducerName): boolean {
    if (this.#name === undefined || isSame(this.#name, name)) return false
    return this.inFlight.some(({ producer }) => producer !== undefined) || this.waiting.some(({ producer }) => producer !== undefined)
  }

  /** The sequence of a batch that is sent for the first time. */
  assign(name: ProducerName, batch: ProducerBatch): BatchProducer {
    if (this.#name === undefined || (!isSame(this.#name, name) && !this.#hasOlder(name))) {
      this.#name = name
      this.#nextSequence = 0
    }
    const { producerId, producerEpoch } = this.#name
    const baseSequence = this.#nextSequence
    this.#nextSequence = nextSequence(baseSequence, batch.count)
    batch.ordinal = this.#assigned++
    return { producerId, producerEpoch, baseSequence }
  }

  /** Whether no acknowledged or waiting batch is missing before this one: the broker should have taken it as the next. */
  isFirst(batch: ProducerBatch): boolean {
    const earlier = (other: ProducerBatch): boolean => other.order < batch.order && other.producer !== undefined
    return !this.inFlight.some(earlier) && !this.waiting.some(earlier)
  }

  /** Forgets all sequences: batches get new ones, under the next name. */
  restart(): void {
    this.#name = undefined
    this.#nextSequence = 0
    this.isLost = false
    this.isGapped = false
    for (const batch of this.waiting) batch.producer = undefined
  }
}

const isSame = (one: ProducerName, other: ProducerName): boolean =>
  one.producerId === other.producerId && one.producerEpoch === other.producerEpoch
