// The error of an error code: `protocolError` is where all codes that brokers answer with go through. `name` of these errors stays
// KafkaJSProtocolError (what programs written for KafkaJS compare with); their classes are those of protocol-classes.ts.
import { ErrorCode } from '@ottla/protocol'
import { KafkaJSProtocolError } from './base.ts'
import type { AnyProtocolError, ProtocolErrorDetails } from './protocol-class.ts'
import { protocolErrorClasses } from './protocol-class.ts'
import { UnknownServerError } from './protocol-classes.ts'

export type { AnyProtocolError, ProtocolErrorClass, ProtocolErrorDetails, ProtocolErrorOf } from './protocol-class.ts'
export * from './protocol-classes.ts'

/**
 * The error of a code, an instance of its own class. `message` is what the broker said, else the code's meaning. An unknown code gives an
 * UnknownServerError that names it.
 */
export function protocolError(code: number, message?: string | null, details: ProtocolErrorDetails = {}): AnyProtocolError {
  const Class = protocolErrorClasses.get(code)
  const text = message ?? undefined
  if (Class !== undefined) return new Class(text, details)
  return new UnknownServerError(text ?? `The broker answered with error code ${code}, which this client does not know`, details)
}

/** Throws the error of a code, if it is one. */
export function check(code: number, message?: string | null, details?: ProtocolErrorDetails): void {
  if (code !== ErrorCode.NONE) throw protocolError(code, message, details)
}

/** Whether an error says that the group is rebalancing, or that its coordinator moved. */
export const isRebalancing = (e: unknown): boolean =>
  e instanceof KafkaJSProtocolError &&
  (e.code === ErrorCode.REBALANCE_IN_PROGRESS || e.code === ErrorCode.NOT_COORDINATOR || e.code === ErrorCode.ILLEGAL_GENERATION)
