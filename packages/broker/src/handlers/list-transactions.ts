// ListTransactions, versions 0 to 2: the transactional ids of all partitions of __transaction_state that this broker leads, by state and
// producer (KIP-664), by how long a transaction runs (version 1, KIP-994) and by a pattern (version 2, KIP-1152). While one of the partitions
// loads, the whole answer is COORDINATOR_LOAD_IN_PROGRESS.
import type { ListedTransactions } from '@ottla/coordinator'
import { ErrorCode, KafkaError, listTransactionsApi, type ListTransactionsResponseInit } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import { type TransactionParts, transactionErrorOf } from './transaction-calls.ts'

const refuse = (errorCode: number): ListTransactionsResponseInit => ({
  throttleTimeMs: 0,
  errorCode,
  unknownStateFilters: [],
  transactionStates: [],
})

/** A partition that has just gone elsewhere has no transactions here. */
async function listed(partition: ListedTransactions | Promise<ListedTransactions>): Promise<ListedTransactions> {
  try {
    return await partition
  } catch (error) {
    if (error instanceof KafkaError && error.code === ErrorCode.NOT_COORDINATOR) return { unknownStateFilters: [], transactionStates: [] }
    throw error
  }
}

/** Serves ListTransactions. */
export function listTransactions({ transactions, replicas, logger }: TransactionParts): Handler<typeof listTransactionsApi> {
  return handler({
    api: listTransactionsApi,
    versions: [0, 2],
    async handle(request) {
      try {
        const { slices } = replicas
        const partitions: ListedTransactions[] = []
        for (const partition of transactions.eachLed(state => state.list(request))) {
          partitions.push(await listed(partition))
          if (slices.isOver) await slices.pause()
        }
        return {
          throttleTimeMs: 0,
          errorCode: ErrorCode.NONE,
          unknownStateFilters: [...new Set(partitions.flatMap(({ unknownStateFilters }) => unknownStateFilters))],
          transactionStates: partitions.flatMap(({ transactionStates }) => transactionStates),
        }
      } catch (error) {
        return refuse(transactionErrorOf(error, logger))
      }
    },
    onError: refuse,
  })
}
