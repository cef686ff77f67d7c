// A partition in memory and a state that notes what is done to it, for tests of the runtime.
import { batchesIn, groupMetadataRecord, type KafkaError, type Logger, offsetCommitRecord, type RecordBatch } from '@ottla/protocol'
import type { CoordinatorLog, CoordinatorLogListener, LogSlice } from './coordinator-log.ts'
import { type CoordinatorRecord, isRecordOf, recordOf } from './record.ts'
import type { CoordinatorState, TransactionalProducer } from './state.ts'

/** A log in memory; `commit` makes appends count, `fail` takes them back. */
export class MemoryLog implements CoordinatorLog {
  batches: Buffer[] = []
  startOffset = 0
  endOffset = 0
  committedOffset = 0
  maxBatchBytes = 1000
  /** Thrown by the next append. */
  refusal: Error | null = null
  /** Bytes that reads fail with. */
  readError: Error | null = null
  #listener: CoordinatorLogListener | null = null

  append(batch: RecordBatch): number {
    const { refusal } = this
    this.refusal = null
    if (refusal !== null) throw refusal
    batch.setBaseOffset(this.endOffset)
    this.batches.push(Buffer.from(batch.bytes))
    this.endOffset = batch.nextOffset
    return this.endOffset
  }

  read(offset: number, maxBytes: number): LogSlice | Promise<LogSlice> {
    if (this.readError !== null) throw this.readError
    const chunks: Buffer[] = []
    let size = 0
    let nextOffset = offset
    for (const bytes of this.batches.slice(this.#from(offset), this.#from(offset) + 2000)) {
      const [batch] = batchesIn(bytes)
      if (batch === undefined || (size > 0 && size + bytes.length > maxBytes)) break
      size += bytes.length
      chunks.push(bytes)
      nextOffset = batch.nextOffset
    }
    return Promise.resolve({ chunks, nextOffset, release: () => undefined })
  }

  /** Number of the batch that holds an offset. */
  #from(offset: number): number {
    let [low, high] = [0, this.batches.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      const [batch] = batchesIn(this.batches[middle] ?? Buffer.alloc(0))
      if ((batch?.nextOffset ?? 0) <= offset) low = middle + 1
      else high = middle
    }
    return low
  }

  follow(listener: CoordinatorLogListener): void {
    this.#listener = listener
  }

  close(): void {
    this.#listener = null
  }

  commit(offset = this.endOffset): void {
    this.committedOffset = offset
    this.#listener?.committed(offset)
  }

  fail(error: KafkaError): void {
    while (this.endOffset > this.committedOffset) {
      const [batch] = batchesIn(this.batches.pop() ?? Buffer.alloc(0))
      this.endOffset = batch?.baseOffset ?? this.committedOffset
    }
    this.#listener?.failed(error)
  }
}

/** Keeps the last value of each group's protocol type, and notes everything. */
export class NotingState implements CoordinatorState {
  readonly notes: string[] = []
  readonly groups = new Map<string, string>()

  replay(record: CoordinatorRecord, offset: number, producer: TransactionalProducer | null): void {
    this.notes.push(`${offset} ${JSON.stringify(record.key)}${producer === null ? '' : ` of ${producer.id}`}`)
    if (!isRecordOf(record, groupMetadataRecord)) return
    if (record.key.group === 'unreplayable') throw new Error('a mistake')
    if (record.value === null) this.groups.delete(record.key.group)
    else this.groups.set(record.key.group, record.value.protocolType)
  }

  endTransaction(producer: TransactionalProducer, committed: boolean): void {
    this.notes.push(`${committed ? 'commit' : 'abort'} of ${producer.id}`)
  }

  loaded(): void {
    this.notes.push('loaded')
  }

  unloaded(errorCode: number): void {
    this.notes.push(`unloaded ${errorCode}`)
  }
}

/** A record that gives a group a protocol type. */
export const groupRecord = (group: string, protocolType: string): CoordinatorRecord =>
  recordOf(groupMetadataRecord, {
    key: { group },
    value: { protocolType, generation: 1, protocol: null, leader: null, currentStateTimestamp: 5, members: [] },
  })

/** A record of a committed offset. */
export const offsetRecord = (group: string, partition: number, offset: number): CoordinatorRecord =>
  recordOf(offsetCommitRecord, {
    key: { group, topic: 'orders', partition },
    value: {
      offset,
      leaderEpoch: -1,
      metadata: '',
      commitTimestamp: 1_700_000_000_000,
      expireTimestamp: -1,
      topicId: 'AAAAAAAAAAAAAAAAAAAAAA',
    },
    valueVersion: 3,
  })

const quiet = (): void => undefined

/** Says nothing. */
export const silentLogger: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => silentLogger }
