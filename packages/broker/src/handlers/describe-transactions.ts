// DescribeTransactions, version 0: what is known of transactional ids (KIP-664). An id that is named twice is answered once, so that an answer
// stays in proportion to what there is.
import { type DescribedTransaction, undescribed } from '@ottla/coordinator'
import { describeTransactionsApi, ErrorCode } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import { attemptTransaction, type TransactionParts } from './transaction-calls.ts'

/** Serves DescribeTransactions. */
export function describeTransactions({ transactions, replicas, logger }: TransactionParts): Handler<typeof describeTransactionsApi> {
  const describe = async (transactionalId: string): Promise<DescribedTransaction> =>
    transactionalId === ''
      ? undescribed(transactionalId, ErrorCode.INVALID_REQUEST)
      : attemptTransaction<DescribedTransaction>(
          logger,
          () => transactions.run(transactionalId, state => state.describe(transactionalId)),
          errorCode => undescribed(transactionalId, errorCode),
        )
  return handler({
    api: describeTransactionsApi,
    versions: [0, 0],
    async handle({ transactionalIds }) {
      return { throttleTimeMs: 0, transactionStates: await replicas.slices.gather(new Set(transactionalIds), describe) }
    },
    onError: (errorCode, { transactionalIds }) => ({
      throttleTimeMs: 0,
      transactionStates: transactionalIds.map(transactionalId => undescribed(transactionalId, errorCode)),
    }),
  })
}
