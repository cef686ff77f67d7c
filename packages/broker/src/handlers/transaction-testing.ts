// For tests of handlers over partitions without a transaction coordinator.
import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { ProduceParts } from './produce.ts'

const refused = [{ errorCode: ErrorCode.INVALID_TXN_STATE }]

/** Knows of no transaction. */
export const noTransactions: ProduceParts['admission'] = {
  admit: ({ partitions }) => partitions.flatMap(() => refused),
  admitPatiently: async (_request, first) => first,
}

/** Nothing is led here. */
export const noCoordinator = {
  run(): never {
    throw new KafkaError(ErrorCode.NOT_COORDINATOR)
  },
}
