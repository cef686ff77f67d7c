// Control records: what brokers write between users' records (class ControlRecordType, KIP-98). Key: version 2 bytes, type 2 bytes.

import { ErrorCode, KafkaError } from '../errors.ts'
import type { RecordBatch } from './batch.ts'
import { BatchBuilder, type BatchOptions } from './builder.ts'
import { int16At, int32At, putInt16, putInt32 } from './numbers.ts'
import type { RecordView } from './record.ts'

/** Types of control records by number. */
export const ControlType = {
  ABORT: 0,
  COMMIT: 1,
  LEADER_CHANGE: 2,
  SNAPSHOT_HEADER: 3,
  SNAPSHOT_FOOTER: 4,
  KRAFT_VERSION: 5,
  KRAFT_VOTERS: 6,
} as const

/**
 * Type of a control record, by its key; numbers that are not in `ControlType` are for readers to skip.
 * @throws KafkaError INVALID_RECORD when the key is not that of a control record.
 */
export const controlTypeOf = (record: RecordView): number => {
  const { key } = record
  if (key === null || key.length < 4) throw new KafkaError(ErrorCode.INVALID_RECORD, 'A control record has no type')
  if (int16At(key, 0) < 0) throw new KafkaError(ErrorCode.INVALID_RECORD, `A control record has the version ${int16At(key, 0)}`)
  return int16At(key, 2)
}

/** A batch with one control record; `value` with its version prefix. */
export const controlBatch = (type: number, value: Buffer, options: BatchOptions & { readonly timestamp: number }): RecordBatch => {
  const key = Buffer.alloc(4)
  putInt16(key, 2, type)
  return new BatchBuilder({ ...options, isControl: true }, 64).append({ timestamp: options.timestamp, key, value }).build()
}

/** The end of a transaction, for one partition. */
export interface EndTransaction {
  readonly isCommit: boolean
  readonly coordinatorEpoch: number
}

/** The batch that ends a producer's transaction on a partition; its sequence is -1. */
export const endTransactionMarker = (
  end: EndTransaction,
  options: {
    readonly producerId: number
    readonly producerEpoch: number
    readonly timestamp: number
    readonly partitionLeaderEpoch?: number
    readonly baseOffset?: number
  },
): RecordBatch => {
  const value = Buffer.alloc(6)
  putInt32(value, 2, end.coordinatorEpoch)
  return controlBatch(end.isCommit ? ControlType.COMMIT : ControlType.ABORT, value, { ...options, isTransactional: true })
}

/**
 * What a COMMIT or ABORT record says, undefined for other control records.
 * @throws KafkaError INVALID_RECORD when it is malformed.
 */
export const readEndTransaction = (record: RecordView): EndTransaction | undefined => {
  const type = controlTypeOf(record)
  if (type !== ControlType.COMMIT && type !== ControlType.ABORT) return undefined
  const { value } = record
  if (value === null || value.length < 6 || int16At(value, 0) < 0)
    throw new KafkaError(ErrorCode.INVALID_RECORD, 'An end of transaction is malformed')
  return { isCommit: type === ControlType.COMMIT, coordinatorEpoch: int32At(value, 2) }
}
