// The handlers of the APIs of transactions (KIP-98, 664, 890).
import type { AnyHandler } from '../requests/handler.ts'
import { addOffsetsToTxn } from './add-offsets-to-txn.ts'
import { addPartitionsToTxn } from './add-partitions-to-txn.ts'
import { describeProducers } from './describe-producers.ts'
import { describeTransactions } from './describe-transactions.ts'
import { endTxn } from './end-txn.ts'
import { listTransactions } from './list-transactions.ts'
import type { TransactionParts } from './transaction-calls.ts'
import { txnOffsetCommit } from './txn-offset-commit.ts'
import { writeTxnMarkers } from './write-txn-markers.ts'

/** All of them, over one coordinator. */
export const transactionHandlers = (parts: TransactionParts): readonly AnyHandler[] => [
  addPartitionsToTxn(parts),
  addOffsetsToTxn(parts),
  endTxn(parts),
  txnOffsetCommit(parts),
  writeTxnMarkers(parts),
  describeProducers(parts),
  describeTransactions(parts),
  listTransactions(parts),
]
