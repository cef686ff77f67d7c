// Errors of a log as clients of a coordinator know them (class CoordinatorOperationExceptionHelper).

import { ErrorCode, KafkaError } from '@ottla/protocol'

const meanings = new Map<number, number>([
  [ErrorCode.NETWORK_EXCEPTION, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS],
  [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.COORDINATOR_NOT_AVAILABLE],
  [ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.COORDINATOR_NOT_AVAILABLE],
  [ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND, ErrorCode.COORDINATOR_NOT_AVAILABLE],
  [ErrorCode.REQUEST_TIMED_OUT, ErrorCode.COORDINATOR_NOT_AVAILABLE],
  [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR],
  [ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.NOT_COORDINATOR],
])

/** The code that clients of a coordinator know for one of a log. */
export const coordinatorCode = (code: number): number => meanings.get(code) ?? code

/** The error that the writing of a decision failed with, for who asked for it; what is no KafkaError stays what it is. */
export const coordinatorError = (error: unknown): KafkaError => {
  if (!(error instanceof KafkaError)) throw error
  const code = coordinatorCode(error.code)
  return code === error.code ? error : new KafkaError(code)
}
