// Brings the state of a coordinator partition back by replaying its log from the start (class CoordinatorLoaderImpl), in slices that leave
// the event loop to others in between. Transactional records are replayed with their producer; markers of their ends follow as they lie.

import {
  batchesIn,
  ErrorCode,
  KafkaError,
  type Logger,
  readEndTransaction,
  type RecordBatch,
  type RecordView,
  recordsOf,
} from '@ottla/protocol'
import type { CoordinatorLog } from './coordinator-log.ts'
import type { RecordDecoder } from './record.ts'
import type { CoordinatorState, TransactionalProducer } from './state.ts'
import type { Turns } from './turns.ts'

/** Bytes that are read at once; Kafka's `offsets.load.buffer.size` is 5 MiB, of which a slice of time would only see a part. */
const READ_BYTES = 1024 * 1024
/** The clock is asked after so many records. */
const RECORDS_PER_LOOK = 64

/** What a load is made of. */
export interface LoadOptions {
  readonly log: CoordinatorLog
  readonly state: CoordinatorState
  readonly decoder: RecordDecoder
  /** Knows topic and partition. */
  readonly logger: Logger
  readonly turns: Turns
  /** False once nobody wants the state any more: the load ends early then. */
  readonly isWanted: () => boolean
}

/** What was loaded. */
export interface LoadSummary {
  readonly records: number
  readonly bytes: number
  /** The end of the log as of then. */
  readonly endOffset: number
}

/**
 * Loads a state. Null when it is not wanted any more.
 * @throws KafkaError (as a rejection) CORRUPT_MESSAGE for bytes that mean nothing, and what reads of the log throw.
 */
export const load = (options: LoadOptions): Promise<LoadSummary | null> => new Load(options).run()

class Load {
  readonly #options: LoadOptions
  /** Records of types that nobody knows, by type: a newer version wrote them (KIP-915). */
  readonly #unknown = new Map<number, number>()
  #records = 0
  #bytes = 0
  #looks = 0

  constructor(options: LoadOptions) {
    this.#options = options
  }

  async run(): Promise<LoadSummary | null> {
    const { log, logger } = this.#options
    let offset = log.startOffset
    // An empty log is read as well: that tells whether it can be read at all.
    do {
      const from = offset
      const slice = await log.read(from, READ_BYTES)
      try {
        if (!(await this.#take(slice.chunks, from))) return null
      } finally {
        slice.release()
      }
      // A compacted log may end with offsets that nothing is left of.
      if (slice.nextOffset <= from) break
      offset = slice.nextOffset
    } while (offset < log.endOffset)
    if (!this.#options.isWanted()) return null
    for (const [type, records] of this.#unknown)
      logger.warn({ type, records }, 'records of a type that this version does not know are skipped')
    return { records: this.#records, bytes: this.#bytes, endOffset: log.endOffset }
  }

  async #take(chunks: readonly Buffer[], from: number): Promise<boolean> {
    const { turns } = this.#options
    const [first, ...others] = chunks
    if (first === undefined) return true
    const bytes = others.length === 0 ? first : Buffer.concat(chunks)
    this.#bytes += bytes.length
    for (const batch of batchesIn(bytes)) {
      batch.ensureValid()
      // The first batch read is the one that holds an offset, which may lie in its middle: records may have been deleted up to there.
      const producer = batch.isTransactional ? { id: batch.producerId, epoch: batch.producerEpoch } : null
      for (const record of recordsOf(batch)) {
        if (++this.#looks % RECORDS_PER_LOOK === 0 && turns.isOver) await turns.pause()
        if (!this.#options.isWanted()) return false
        if (record.offset < from) continue
        this.#records++
        if (batch.isControl) this.#takeControl(batch, record)
        else this.#takeRecord(record, producer)
      }
    }
    return true
  }

  #takeRecord(record: RecordView, producer: TransactionalProducer | null): void {
    const { decoder, state } = this.#options
    const { key, value, offset } = record
    if (key === null || key.length < 2) throw new KafkaError(ErrorCode.CORRUPT_MESSAGE, `the record at offset ${offset} has no key`)
    const decoded = decoder.decode(key, value)
    if (decoded === null) {
      const type = key.readInt16BE(0)
      this.#unknown.set(type, (this.#unknown.get(type) ?? 0) + 1)
      return
    }
    state.replay(decoded, offset, producer)
  }

  #takeControl(batch: RecordBatch, record: RecordView): void {
    const end = readEndTransaction(record)
    if (end === undefined) return
    this.#options.state.endTransaction({ id: batch.producerId, epoch: batch.producerEpoch }, end.isCommit)
  }
}
