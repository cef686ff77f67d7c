// AddOffsetsToTxn, versions 0 to 4: adds the partition that has a group's offsets to a transaction (KIP-98). Producers of transactions version 2
// do not ask.
import { addOffsetsToTxnApi, type AddOffsetsToTxnResponseInit } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import { attemptTransaction, type TransactionParts } from './transaction-calls.ts'

const failed = (errorCode: number): AddOffsetsToTxnResponseInit => ({ throttleTimeMs: 0, errorCode })

/** Serves AddOffsetsToTxn. */
export const addOffsetsToTxn = ({ transactions, groups, logger }: TransactionParts): Handler<typeof addOffsetsToTxnApi> =>
  handler({
    api: addOffsetsToTxnApi,
    versions: [0, 4],
    handle(request, { apiVersion }) {
      const caller = { apiVersion, offsetsPartition: groups.partitionOf(request.groupId) }
      return attemptTransaction<AddOffsetsToTxnResponseInit>(
        logger,
        () => transactions.run(request.transactionalId, state => state.addOffsets(request, caller)),
        failed,
      )
    },
    onError: failed,
  })
