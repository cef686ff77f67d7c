// EndTxn, versions 0 to 5: commits or aborts a transaction (KIP-98). Answered once the outcome is decided for good; the partitions follow. From
// version 5 on the answer has the epoch, or the producer id, of the producer's next transaction (KIP-890).
import { endTxnApi, type EndTxnResponseInit } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import { attemptTransaction, type TransactionParts } from './transaction-calls.ts'

const failed = (errorCode: number): EndTxnResponseInit => ({ throttleTimeMs: 0, errorCode })

/** Serves EndTxn. */
export const endTxn = ({ transactions, logger }: TransactionParts): Handler<typeof endTxnApi> =>
  handler({
    api: endTxnApi,
    versions: [0, 5],
    handle: (request, { apiVersion }) =>
      attemptTransaction<EndTxnResponseInit>(
        logger,
        () => transactions.run(request.transactionalId, state => state.end(request, { apiVersion })),
        failed,
      ),
    onError: failed,
  })
