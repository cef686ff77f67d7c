// InitProducerId, versions 0 to 5: an id for an idempotent producer, never given to anybody before (KIP-98). Its epoch begins at 0; a
// producer that comes with an id of its own gets a new one, as from Kafka. Transactions are not there yet: with a transactional id the
// answer is TRANSACTIONAL_ID_AUTHORIZATION_FAILED, which clients do not try again.
import type { InitProducerIdRequest, Logger } from '@ottla/protocol'
import { ErrorCode, initProducerIdApi, KafkaError } from '@ottla/protocol'
import type { AnyHandler } from '../requests/handler.ts'
import { handler } from '../requests/handler.ts'

/** Gives out producer ids. */
export interface ProducerIdSource {
  /** An id that nobody was given. Throws or rejects with KafkaError, retriable, when none can be had. */
  next(): number | Promise<number>
}

const failed = (errorCode: number) => ({ throttleTimeMs: 0, errorCode, producerId: -1, producerEpoch: -1 })

/** Error of a request that cannot be served, NONE for others. */
const refusalOf = ({ producerEpoch, producerId, transactionalId }: InitProducerIdRequest): number => {
  if ((producerId === -1) !== (producerEpoch === -1)) return ErrorCode.INVALID_REQUEST
  if (transactionalId === '') return ErrorCode.INVALID_REQUEST
  return transactionalId === null ? ErrorCode.NONE : ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
}

/** Makes the handler. */
export const initProducerId = (parts: { producerIds: ProducerIdSource; logger: Logger }): AnyHandler =>
  handler({
    api: initProducerIdApi,
    versions: [0, 5],
    async handle(request) {
      const refusal = refusalOf(request)
      if (refusal !== ErrorCode.NONE) return failed(refusal)
      try {
        return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerId: await parts.producerIds.next(), producerEpoch: 0 }
      } catch (error) {
        if (error instanceof KafkaError) return failed(error.code)
        parts.logger.error({ err: error }, 'no producer id could be had')
        return failed(ErrorCode.COORDINATOR_NOT_AVAILABLE)
      }
    },
    onError: code => failed(code),
  })
