// What a log remembers of one producer: its epoch and its last five batches, enough to recognise a batch that is sent again
// (KIP-98, KIP-360; org.apache.kafka.storage.internals.log.ProducerStateEntry).

/** Java producers have at most five requests in flight, so five batches are enough to recognise any retry. */
export const BATCHES_RETAINED = 5
export const NO_PRODUCER_EPOCH = -1
export const NO_SEQUENCE = -1
const NO_OFFSET = -1
/** Sequences count from 0 to 2^31-1 and then begin again with 0. */
const MAX_SEQUENCE = 0x7fffffff

/** The sequence that lies `count` before another one. */
export const decrementSequence = (sequence: number, count: number): number =>
  sequence < count ? MAX_SEQUENCE - (count - sequence) + 1 : sequence - count

/** Whether one sequence is the next after another; -1 is before 0. */
export const isNextSequence = (last: number, next: number): boolean => next === last + 1 || (next === 0 && last === MAX_SEQUENCE)

/** A batch that was appended. It belongs to the entry, which uses it again for a later batch: do not keep it. */
export class BatchMetadata {
  lastSequence: number
  lastOffset: number
  /** Offsets in the batch less one. */
  offsetDelta: number
  /** The largest timestamp in the batch. */
  timestamp: number

  constructor(lastSequence: number, lastOffset: number, rest: { offsetDelta: number; timestamp: number }) {
    this.lastSequence = lastSequence
    this.lastOffset = lastOffset
    this.offsetDelta = rest.offsetDelta
    this.timestamp = rest.timestamp
  }

  get firstSequence(): number {
    return decrementSequence(this.lastSequence, this.offsetDelta)
  }

  get firstOffset(): number {
    return this.lastOffset - this.offsetDelta
  }
}

/** What the state needs to know of a batch. A RecordBatch is one, so nothing is copied; the offsets must be the final ones for an update. */
export interface ProducerBatch {
  /** -1 when the batch has no producer id. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly maxTimestamp: number
  readonly isTransactional: boolean
}

export class ProducerEntry {
  readonly producerId: number
  producerEpoch = NO_PRODUCER_EPOCH
  /** Epoch of the transaction coordinator that wrote the last marker, -1 before the first one. */
  coordinatorEpoch = -1
  /** Largest timestamp of the last batch or marker, in milliseconds; -1 before the first one. */
  lastTimestamp = -1
  /** First offset of the open transaction, -1 when there is none. */
  transactionFirstOffset = NO_OFFSET
  /** At most five, of the current epoch; the oldest is at `oldest`. An array is never emptied but replaced, so that an undo can put it back. */
  batches: BatchMetadata[] = []
  oldest = 0
  /** Used since the last search for a producer to forget. */
  touched = false

  constructor(producerId: number) {
    this.producerId = producerId
  }

  /** The newest batch of the current epoch. */
  get last(): BatchMetadata | undefined {
    const { length } = this.batches
    return this.batches[length < BATCHES_RETAINED ? length - 1 : (this.oldest + BATCHES_RETAINED - 1) % BATCHES_RETAINED]
  }

  get lastSequence(): number {
    return this.last?.lastSequence ?? NO_SEQUENCE
  }

  get lastOffset(): number {
    return this.last?.lastOffset ?? NO_OFFSET
  }

  /** The batches from the oldest to the newest. */
  get batchesInOrder(): BatchMetadata[] {
    return [...this.batches.slice(this.oldest), ...this.batches.slice(0, this.oldest)]
  }

  /** The remembered batch of this epoch with exactly these sequences: the same batch, sent before. */
  findDuplicate(batch: ProducerBatch): BatchMetadata | undefined {
    if (batch.producerEpoch !== this.producerEpoch) return undefined
    const { baseSequence, lastSequence } = batch
    for (const known of this.batches) if (known.lastSequence === lastSequence && known.firstSequence === baseSequence) return known
    return undefined
  }

  /** Begins a new epoch, if it is one: batches of the old one are forgotten. */
  enterEpoch(epoch: number): void {
    if (this.producerEpoch === epoch) return
    this.producerEpoch = epoch
    if (this.batches.length > 0) this.batches = []
    this.oldest = 0
  }

  /** Where the next batch goes: the slot of the oldest one, or one behind the last. */
  get nextSlot(): number {
    return this.batches.length < BATCHES_RETAINED ? this.batches.length : this.oldest
  }

  /** Remembers a batch of the current epoch; the oldest of five makes room. */
  addBatch(batch: ProducerBatch): void {
    const { lastOffset, lastSequence, maxTimestamp: timestamp } = batch
    const offsetDelta = lastOffset - batch.baseOffset
    const reused = this.batches[this.nextSlot]
    if (reused === undefined) {
      this.batches.push(new BatchMetadata(lastSequence, lastOffset, { offsetDelta, timestamp }))
    } else {
      reused.lastSequence = lastSequence
      reused.lastOffset = lastOffset
      reused.offsetDelta = offsetDelta
      reused.timestamp = timestamp
      this.oldest = (this.oldest + 1) % BATCHES_RETAINED
    }
    this.lastTimestamp = timestamp
  }
}
