// What the handlers of the transaction APIs have in common.
import type { Metadata } from '@ottla/metadata'
import { ErrorCode, KafkaError, type Logger } from '@ottla/protocol'
import type { BrokerConfig } from '../config/index.ts'
import type { GroupService } from '../coordinator/group-coordinator.ts'
import type { TransactionAdmission } from '../coordinator/transaction-admission.ts'
import type { TransactionService } from '../coordinator/transaction-coordinator.ts'
import type { LocalMarkers } from '../coordinator/transaction-markers.ts'
import type { Replicas } from '../replica/replicas.ts'

/** What the handlers of the transaction APIs need. */
export interface TransactionParts {
  readonly transactions: TransactionService
  readonly admission: TransactionAdmission
  readonly markers: LocalMarkers
  readonly groups: GroupService
  readonly metadata: Metadata
  readonly replicas: Replicas
  readonly config: BrokerConfig
  readonly logger: Logger
}

/** What clients are told of an error. */
export function transactionErrorOf(error: unknown, logger: Logger): number {
  if (!(error instanceof KafkaError)) {
    logger.error({ err: error }, 'the transaction coordinator failed')
    return ErrorCode.UNKNOWN_SERVER_ERROR
  }
  if (error.code !== ErrorCode.MESSAGE_TOO_LARGE && error.code !== ErrorCode.RECORD_LIST_TOO_LARGE) return error.code
  logger.warn({ error: error.errorName, reason: error.message }, 'the transaction coordinator cannot do what it was asked')
  return ErrorCode.UNKNOWN_SERVER_ERROR
}

/** What `run` comes to, at once where it can; `failed` makes an answer of an error. */
export function attemptTransaction<R>(logger: Logger, run: () => R | Promise<R>, failed: (errorCode: number) => R): R | Promise<R> {
  const fail = (error: unknown): R => failed(transactionErrorOf(error, logger))
  try {
    const outcome = run()
    return outcome instanceof Promise ? outcome.catch(fail) : outcome
  } catch (error) {
    return fail(error)
  }
}
