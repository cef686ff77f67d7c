// One record batch from its first record to its acknowledgement (class ProducerBatch). Records go straight into the bytes that leave through the
// socket; a checksum is made once, and again only where a new epoch or sequence has to be written.
import { BatchBuilder, type BatchProducer, type CompressionName, type RecordBatch, recordsOf } from '@ottla/protocol'
import type { BufferPool } from './buffer-pool.ts'
import type { DeliveryPart, Placement } from './delivery.ts'

/** Two batches of different kinds never become one, nor one request where acks or timeout differ. */
export interface BatchKind {
  readonly acks: number
  readonly timeoutMs: number
  readonly compression: CompressionName
  readonly compressionLevel: number | undefined
  readonly isTransactional: boolean
}

/** A record as the builder takes it. */
export type RecordContent = Parameters<BatchBuilder['add']>[0]

interface Entry {
  readonly part: DeliveryPart
  /** Its messages are those from `first` up to the next entry's. */
  readonly first: number
}

/** What a batch begins with. */
export interface BatchStart {
  readonly kind: BatchKind
  /** Place in the order of the partition's batches, and how much of that it takes: the parts of a batch share its place. */
  readonly order: number
  readonly span: number
  /** Monotonic, in ms. */
  readonly createdMs: number
  readonly deadlineMs: number
}

/** See the top of the file. */
export class ProducerBatch {
  readonly kind: BatchKind
  readonly order: number
  readonly #span: number
  readonly createdMs: number
  readonly deadlineMs: number
  readonly #entries: Entry[] = []
  readonly #pool: BufferPool
  #memory: Buffer | undefined
  #builder: BatchBuilder | undefined
  #records: RecordBatch | undefined
  #count = 0
  #lastPart: DeliveryPart | undefined
  #sizeBytes: number
  /** Whose it is, once it was sent with a sequence; the same on every try. */
  producer: BatchProducer | undefined
  /** Which of its partition's batches with a sequence it is, counted up. */
  ordinal = Number.POSITIVE_INFINITY
  /** Another thread compresses it: it cannot be sent yet. */
  isCompressing = false
  #wasOffered = false
  /** Tries so far. */
  attempts = 0
  /** Nothing is added any more. */
  isClosed = false
  /** It was written or given up. */
  isDone = false
  /** Why it is sent again. */
  lastError: Error | undefined
  /** Bytes to be given back to the bound on memory. */
  heldBytes = 0
  /** Who wants to know when it is done. */
  onDone: (() => void)[] | undefined

  /** @param roomBytes How large it will probably be. */
  constructor({ kind, order, span, createdMs, deadlineMs }: BatchStart, pool: BufferPool, roomBytes: number) {
    this.kind = kind
    this.order = order
    this.#span = span
    this.createdMs = createdMs
    this.deadlineMs = deadlineMs
    this.#pool = pool
    this.#memory = pool.take(roomBytes)
    const { compression, compressionLevel, isTransactional } = kind
    const level = compressionLevel === undefined ? {} : { compressionLevel }
    this.#builder = new BatchBuilder({ compression, isTransactional, ...level }, this.#memory)
    this.#sizeBytes = this.#builder.sizeInBytes
  }

  /** Records in it. */
  get count(): number {
    return this.#count
  }
  /** Bytes before compression while it is open, then of what is sent. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  add(record: RecordContent, timestampMs: number, part: DeliveryPart): void {
    const builder = this.#builder
    if (builder === undefined) throw new Error('A record was added to a closed batch')
    builder.add(record, timestampMs)
    this.#sizeBytes = builder.sizeInBytes
    if (part !== this.#lastPart) {
      this.#lastPart = part
      this.#entries.push({ part, first: this.#count })
      part.joined()
    }
    this.#count++
  }

  /** Lets another thread compress it, once, if that is worth its while: then `isCompressing` until `done` is called. */
  compress(done: (error?: Error) => void): void {
    this.isClosed = true
    if (this.#wasOffered) return
    this.#wasOffered = true
    const compressed = this.#builder?.compressAside()
    if (compressed === undefined) return
    this.isCompressing = true
    const ended = (error?: Error): void => {
      this.isCompressing = false
      done(error)
    }
    compressed.then(() => ended(), ended)
  }

  /** The bytes to be sent in this producer's name; made once. */
  sealed(producer: BatchProducer | undefined): Buffer {
    this.isClosed = true
    const builder = this.#builder
    if (builder !== undefined) {
      this.producer = producer
      if (producer !== undefined) builder.setProducer(producer)
      this.#records = builder.build()
      this.#builder = undefined
      this.#sizeBytes = this.#records.sizeInBytes
      if (this.#records.buffer.buffer !== this.#memory?.buffer) this.#recycle()
    } else if (producer !== undefined && !isSame(producer, this.producer)) this.#records?.setProducer(producer)
    this.producer = producer
    if (this.#records === undefined) throw new Error('A batch was sent after it was done')
    return this.#records.bytes
  }

  /** All of it was written. */
  written(placement: Placement | undefined): void {
    if (this.isDone) return
    this.#end()
    for (const { part, first } of this.#entries) part.written(first, placement)
    this.#recycle()
    this.#tell()
  }

  /** Nothing of it will be sent again. `about` makes the error of those whose records are `[first, end)` of the batch. */
  failed(about: Error | ((first: number, end: number) => Error)): void {
    if (this.isDone) return
    this.#end()
    this.#entries.forEach(({ part, first }, index) => {
      const end = this.#entries[index + 1]?.first ?? this.#count
      part.failed(typeof about === 'function' ? about(first, end) : about)
    })
    this.#tell()
  }

  /** The same records in several batches, each with about `1/parts` of them; this one is done with. */
  split(parts: number): ProducerBatch[] {
    const records = this.#records === undefined ? [] : [...recordsOf(this.#records)]
    const share = Math.max(1, Math.ceil(records.length / parts))
    const span = this.#span / parts
    const batches: ProducerBatch[] = []
    let entry = -1
    records.forEach((record, index) => {
      while (this.#entries[entry + 1] !== undefined && (this.#entries[entry + 1]?.first ?? 0) <= index) entry++
      const part = this.#entries[entry]?.part
      if (index % share === 0) {
        const { kind, createdMs, deadlineMs } = this
        const start = { kind, order: this.order + batches.length * span, span, createdMs, deadlineMs }
        batches.push(new ProducerBatch(start, this.#pool, Math.ceil(this.#sizeBytes / parts)))
      }
      if (part !== undefined) batches.at(-1)?.add(record, record.timestamp, part)
    })
    const { heldBytes } = this
    for (const batch of batches) {
      batch.isClosed = true
      batch.heldBytes = heldBytes / batches.length
    }
    this.heldBytes = 0
    const waiting = this.onDone
    this.onDone = undefined
    if (waiting === undefined) return batches
    let left = batches.length
    const done = (): void => {
      if (--left === 0) for (const run of waiting) run()
    }
    for (const batch of batches) batch.onDone = [done]
    return batches
  }

  /** After a split: the entries are in the new batches now. */
  replaced(): void {
    this.#end()
    for (const { part } of this.#entries) part.written(0, undefined)
  }

  #end(): void {
    this.isDone = true
    this.isClosed = true
    this.#builder = undefined
    this.#records = undefined
    this.#lastPart = undefined
  }

  /** The memory may be used for another batch: only where nobody can be sending it any more. */
  #recycle(): void {
    if (this.#memory !== undefined && this.attempts <= 1) this.#pool.give(this.#memory)
    this.#memory = undefined
  }

  #tell(): void {
    const waiting = this.onDone
    this.onDone = undefined
    if (waiting !== undefined) for (const run of waiting) run()
  }
}

const isSame = (one: BatchProducer, other: BatchProducer | undefined): boolean =>
  one.baseSequence === other?.baseSequence && one.producerEpoch === other.producerEpoch && one.producerId === other.producerId
