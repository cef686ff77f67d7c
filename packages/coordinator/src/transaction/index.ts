export { additionResult, additionsOf, type TransactionAddition, type TransactionAdditionResult } from './add-partitions.ts'
export {
  type DescribedTransaction,
  type ListedTransactions,
  type OpenTransaction,
  type TransactionFilters,
  undescribed,
} from './description.ts'
export type { TransactionStateName } from './states.ts'
export { TransactionPartition } from './transaction-partition.ts'
export type {
  EndMarkers,
  MarkerOutcome,
  MarkerWriter,
  ProducerIdSource,
  TopicPartitions,
  TransactionCaller,
  TransactionSettings,
  TransactionWorld,
} from './world.ts'
