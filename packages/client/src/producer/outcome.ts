// What follows from a broker's answer about one batch (classes Sender and TransactionManager, KIP-360).
import { ErrorCode, errorOf } from '@ottla/protocol'
import { KafkaJSConnectionError, protocolError } from '../errors/index.ts'
import type { ProducerBatch } from './batch.ts'
import type { Placement } from './delivery.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { PartitionResult } from './produce-request.ts'

/** What happens to a batch next. */
export type Outcome =
  | { readonly kind: 'written'; readonly placement: Placement }
  | { readonly kind: 'split' }
  | {
      readonly kind: 'again'
      readonly error: Error
      /** Metadata should be asked for first. */
      readonly isStale: boolean
      /** The partition needs a new epoch. */
      readonly isLost: boolean
      /** How long to wait, in ms, where it is not the delay between tries. */
      readonly waitMs: number | undefined
    }
  | { readonly kind: 'failed'; readonly error: Error; readonly about: Error | ((first: number, end: number) => Error) }

/** How long Java's clients wait before they ask again whether a transaction has ended. */
const CONCURRENT_WAIT_MS = 20

const again = (error: Error, how: { isStale?: boolean; isLost?: boolean; waitMs?: number | undefined } = {}): Outcome => ({
  kind: 'again',
  error,
  isStale: how.isStale ?? false,
  isLost: how.isLost ?? false,
  waitMs: how.waitMs,
})

/** What follows for a batch from what the broker said about it. */
export function outcomeOf(queue: PartitionQueue, batch: ProducerBatch, result: PartitionResult | undefined): Outcome {
  const { topic, partition } = queue
  if (result === undefined)
    return again(new KafkaJSConnectionError(`The broker's answer says nothing about ${topic}-${partition}`), { isStale: true })
  const { errorCode: code, baseOffset, logAppendTimeMs, logStartOffset } = result
  if (code === ErrorCode.NONE) return { kind: 'written', placement: { baseOffset, logAppendTimeMs, logStartOffset } }
  if (code === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) {
    return { kind: 'written', placement: { baseOffset: -1, logAppendTimeMs: -1, logStartOffset } }
  }
  if (code === ErrorCode.MESSAGE_TOO_LARGE && batch.count > 1) return { kind: 'split' }
  const error = protocolError(code, result.errorMessage, { topic, partition })
  if (batch.producer !== undefined && (code === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER || code === ErrorCode.UNKNOWN_PRODUCER_ID)) {
    if (!queue.isFirst(batch)) return again(error, { waitMs: 0 })
    if (!batch.kind.isTransactional) return again(error, { isLost: true, waitMs: batch.attempts < 3 ? 0 : undefined })
  }
  // The transaction before is still being ended.
  if (code === ErrorCode.CONCURRENT_TRANSACTIONS) return again(error, { waitMs: CONCURRENT_WAIT_MS })
  const facts = errorOf(code)
  const isLeaderTold = result.currentLeader.leaderId >= 0 && batch.attempts < 3
  if (facts.retriable) return again(error, { isStale: facts.refreshMetadata, waitMs: isLeaderTold ? 0 : undefined })
  return { kind: 'failed', error, about: aboutRecords(result, error, { topic, partition }) }
}

/** Where the broker names records (KIP-467), their sends are told which, and the others of the batch that they were not at fault. */
function aboutRecords(
  { recordErrors, errorCode }: PartitionResult,
  error: Error,
  place: { topic: string; partition: number },
): Error | ((first: number, end: number) => Error) {
  if (recordErrors.length === 0) return error
  return (first, end) => {
    const own = recordErrors.filter(({ batchIndex }) => batchIndex >= first && batchIndex < end)
    const told = own
      .slice(0, 5)
      .map(({ batchIndex, batchIndexErrorMessage }) => `message ${batchIndex - first}: ${batchIndexErrorMessage ?? error.message}`)
    const text =
      own.length > 0 ? told.join('; ') : 'These messages were in one batch with others that the broker refused; they can be sent again'
    return protocolError(errorCode, text, place)
  }
}
