// Reads records of partitions from their beginning on, as a consumer of committed records does (KIP-98): of aborted transactions nothing is seen.
import { batchesIn, ErrorCode, fetchApi, KafkaError, type RecordBatch, recordsOf } from '@ottla/protocol'
import { throwIfError, type WireClient } from '../wire/wire-client.ts'
import { type RawRecord, rawRecord } from './records.ts'

const READ_COMMITTED = 1
/** Names of topics instead of ids. */
const FETCH_BY_NAME = 12
const MAX_BYTES = 64 * 1024 * 1024

/** Where reading is in one partition. */
interface Position {
  readonly partition: number
  offset: number
  /** Producers whose transaction at this place was aborted. */
  readonly aborting: Set<number>
}

/** What reading may see. */
export type Isolation = 'committed' | 'uncommitted'

/** See the top of the file. */
export class PartitionReader {
  readonly #wire: WireClient
  readonly #topic: string
  readonly #isolation: Isolation
  readonly #positions: readonly Position[]

  constructor(wire: WireClient, topic: string, from: { readonly offsets: ReadonlyMap<number, number>; readonly isolation: Isolation }) {
    this.#wire = wire
    this.#topic = topic
    this.#isolation = from.isolation
    this.#positions = [...from.offsets].map(([partition, offset]) => ({ partition, offset, aborting: new Set() }))
  }

  /** Where reading is, by partition. */
  get offsets(): ReadonlyMap<number, number> {
    return new Map(this.#positions.map(({ offset, partition }) => [partition, offset]))
  }

  /** The next records that there are; waits up to `maxWaitMs` of the broker's time for some. */
  async read(maxWaitMs: number): Promise<readonly RawRecord[]> {
    const isolationLevel = this.#isolation === 'committed' ? READ_COMMITTED : 0
    const partitions = this.#positions.map(({ offset, partition }) => ({ partition, fetchOffset: offset, partitionMaxBytes: MAX_BYTES }))
    const topics = [{ topic: this.#topic, partitions }]
    const request = { maxWaitMs, minBytes: 1, maxBytes: MAX_BYTES, isolationLevel, topics, forgottenTopicsData: [] }
    const answer = await this.#wire.request(fetchApi, request, FETCH_BY_NAME)
    throwIfError(answer.errorCode, `reading ${this.#topic}`)
    const records: RawRecord[] = []
    for (const part of answer.responses[0]?.partitions ?? []) {
      const position = this.#positions.find(({ partition }) => partition === part.partitionIndex)
      if (position === undefined) continue
      if (part.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE && part.logStartOffset > position.offset) {
        position.offset = part.logStartOffset
        continue
      }
      throwIfError(part.errorCode, `reading ${this.#topic}-${part.partitionIndex}`)
      this.#take(position, { bytes: part.records ?? Buffer.alloc(0), aborted: part.abortedTransactions ?? [] }, records)
    }
    return records
  }

  #take(
    position: Position,
    from: { readonly bytes: Buffer; readonly aborted: readonly { producerId: number; firstOffset: number }[] },
    to: RawRecord[],
  ): void {
    const aborted = [...from.aborted].toSorted((one, other) => one.firstOffset - other.firstOffset)
    for (const batch of batchesIn(from.bytes)) {
      while (aborted[0] !== undefined && aborted[0].firstOffset <= batch.lastOffset)
        position.aborting.add(aborted.shift()?.producerId ?? -1)
      if (batch.lastOffset < position.offset) continue
      if (batch.isControl) position.aborting.delete(batch.producerId)
      else if (!batch.isTransactional || !position.aborting.has(batch.producerId)) this.#takeBatch(position, batch, to)
      position.offset = batch.lastOffset + 1
    }
  }

  #takeBatch(position: Position, batch: RecordBatch, to: RawRecord[]): void {
    if (!batch.checksumMatches()) {
      throw new KafkaError(ErrorCode.CORRUPT_MESSAGE, `${this.#topic}-${position.partition}: wrong checksum at offset ${batch.baseOffset}`)
    }
    for (const record of recordsOf(batch)) {
      if (record.offset >= position.offset) to.push(rawRecord(this.#topic, position.partition, record))
    }
  }
}
