// What the handlers of the group APIs have in common: who asks, and what a failure becomes for clients
// (org.apache.kafka.coordinator.common.runtime.CoordinatorOperationExceptionHelper).
import { ErrorCode, KafkaError, type Logger } from '@ottla/protocol'
import { type Caller, coordinatorCode } from '@ottla/coordinator'
import type { Metadata } from '@ottla/metadata'
import type { BrokerConfig } from '../config/index.ts'
import type { GroupService } from '../coordinator/group-coordinator.ts'
import type { Slices } from '../replica/slices.ts'
import type { RequestContext } from '../requests/handler.ts'
import { hostOf } from './client-host.ts'

/** What the handlers of the group APIs need. */
export interface GroupParts {
  readonly groups: GroupService
  readonly metadata: Metadata
  readonly config: BrokerConfig
  /** The time of the event loop that large requests share. */
  readonly slices: Slices
  /** Its warnings are limited: clients cause them at will. */
  readonly logger: Logger
}

/** An error as clients of the coordinator get it. */
export interface Failure {
  readonly code: number
  /** Null where the code says all that clients shall know. */
  readonly message: string | null
}

/** Member ids begin with the client id, and no text is longer than 32767 bytes: this many characters always leave room. */
const MAX_CLIENT_ID_CHARACTERS = 10_000

/** Messages may repeat names, which are as long as a whole message may be. */
const MAX_MESSAGE_CHARACTERS = 1000

/** Whoever sent a request. No client id and an empty one are the same. */
export const callerOf = ({ apiVersion, clientId, connection }: RequestContext): Caller => ({
  apiVersion,
  clientId: (clientId ?? '').slice(0, MAX_CLIENT_ID_CHARACTERS),
  clientHost: `/${hostOf(connection.remoteAddress)}`,
})

/** What is wrong with the id of a group. */
export const groupIdError = (groupId: string): number => (groupId === '' ? ErrorCode.INVALID_GROUP_ID : ErrorCode.NONE)

/** A message for clients, with its end left out where names in it are very long. */
export const shortened = (message: string): string =>
  message.length <= MAX_MESSAGE_CHARACTERS ? message : `${message.slice(0, MAX_MESSAGE_CHARACTERS)}...`

/** What clients are told of an error of the log, or of one that nobody expected. */
export function failureOf(error: unknown, logger: Logger): Failure {
  if (!(error instanceof KafkaError)) {
    logger.error({ err: error }, 'the group coordinator failed')
    return { code: ErrorCode.UNKNOWN_SERVER_ERROR, message: null }
  }
  const code = coordinatorCode(error.code)
  if (code !== error.code) return { code, message: null }
  switch (code) {
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
    case ErrorCode.INVALID_FETCH_SIZE:
    case ErrorCode.UNKNOWN_SERVER_ERROR:
      logger.warn({ error: error.errorName, reason: shortened(error.message) }, 'the group coordinator cannot do what it was asked')
      return { code: ErrorCode.UNKNOWN_SERVER_ERROR, message: null }
    default:
      return { code, message: shortened(error.message) }
  }
}

/** What `run` comes to, at once where it can; `failed` makes an answer of an error. */
export function attempt<R>(logger: Logger, run: () => R | Promise<R>, failed: (failure: Failure) => R): R | Promise<R> {
  const fail = (error: unknown): R => failed(failureOf(error, logger))
  try {
    const outcome = run()
    return outcome instanceof Promise ? outcome.catch(fail) : outcome
  } catch (error) {
    return fail(error)
  }
}

/** Whether the new consumer protocol is on: `group.version` of the cluster, and the setting of this broker. */
export const knowsConsumerGroups = ({ metadata, config }: GroupParts): boolean =>
  (metadata.image.features.get('group.version') ?? 0) >= 1 && config.value('group.coordinator.rebalance.protocols').includes('consumer')
