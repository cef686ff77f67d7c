// InitProducerId, versions 0 to 6, advertised up to 5 as by Kafka: an id for an idempotent producer, never given to anybody before (KIP-98).
// Its epoch begins at 0; a producer that comes with an id of its own gets a new one, as from Kafka. Producers with a transactional id get
// theirs from the coordinator, which fences whoever had it before.
import type { InitProducerIdRequest, InitProducerIdResponseInit, Logger } from '@ottla/protocol'
import { ErrorCode, initProducerIdApi, KafkaError } from '@ottla/protocol'
import type { TransactionService } from '../coordinator/transaction-coordinator.ts'
import type { AnyHandler } from '../requests/handler.ts'
import { handler } from '../requests/handler.ts'
import { attemptTransaction } from './transaction-calls.ts'

/** Gives out producer ids. */
export interface ProducerIdSource {
  /** An id that nobody was given. Throws or rejects with KafkaError, retriable, when none can be had. */
  next(): number | Promise<number>
}

const failed = (errorCode: number) => ({ throttleTimeMs: 0, errorCode, producerId: -1, producerEpoch: -1 })

/** Error of a request that means nothing, NONE for others. */
const refusalOf = ({ producerEpoch, producerId, transactionalId }: InitProducerIdRequest): number => {
  if ((producerId === -1) !== (producerEpoch === -1)) return ErrorCode.INVALID_REQUEST
  return transactionalId === '' ? ErrorCode.INVALID_REQUEST : ErrorCode.NONE
}

/** Makes the handler. */
export const initProducerId = (parts: {
  producerIds: ProducerIdSource
  transactions: Pick<TransactionService, 'run'>
  logger: Logger
}): AnyHandler =>
  handler({
    api: initProducerIdApi,
    versions: [0, 6],
    advertised: [0, 5],
    async handle(request, { apiVersion }) {
      const refusal = refusalOf(request)
      if (refusal !== ErrorCode.NONE) return failed(refusal)
      const { transactionalId } = request
      if (transactionalId !== null)
        return attemptTransaction<InitProducerIdResponseInit>(
          parts.logger,
          () => parts.transactions.run(transactionalId, state => state.initProducerId(request, { apiVersion })),
          failed,
        )
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
