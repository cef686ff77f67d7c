// Errors as the protocol knows them, and the one error class that carries them.
import type { ErrorName } from './error-codes.ts'
import { ErrorCode } from './error-codes.ts'
import { errorMeanings } from './error-meanings.ts'

export type { ErrorName } from './error-codes.ts'
export { ErrorCode } from './error-codes.ts'
export type { ProtocolErrorKind } from './wire/protocol-error.ts'
export { ProtocolError } from './wire/protocol-error.ts'

/** An error of the protocol. */
export interface ErrorFacts {
  readonly name: ErrorName
  readonly code: number
  /** Whether the same request may succeed when it is sent again. */
  readonly retriable: boolean
  /** Whether a client should fetch metadata before it tries again. */
  readonly refreshMetadata: boolean
  /** One sentence for people. */
  readonly message: string
}

/** Every error, by code from -1 on. */
export const errors: readonly ErrorFacts[] = errorMeanings.map(([name, remedy, message]) => ({
  name,
  code: ErrorCode[name],
  retriable: remedy !== 'none',
  refreshMetadata: remedy === 'refresh',
  message,
}))
const unknown: ErrorFacts = {
  name: 'UNKNOWN_SERVER_ERROR',
  code: ErrorCode.UNKNOWN_SERVER_ERROR,
  retriable: false,
  refreshMetadata: false,
  message: errorMeanings[0]?.[2] ?? '',
}
const byCode = new Map(errors.map(facts => [facts.code, facts]))

/** The error of a code; a code that nobody knows is UNKNOWN_SERVER_ERROR, as in Kafka's clients. */
export const errorOf = (code: number): ErrorFacts => byCode.get(code) ?? unknown

/** An error with a code of the protocol: what storage and handlers throw and responses carry. */
export class KafkaError extends Error {
  readonly code: number
  /** Without a message, that of the code. */
  constructor(code: number, message?: string) {
    // Most are answers to clients, who may ask for a hundred thousand of them at once: what each was called from takes longer to find than
    // all the rest, and more memory, and is told to nobody.
    const { stackTraceLimit } = Error
    if (code !== unknown.code) Error.stackTraceLimit = 0
    super(message ?? errorOf(code).message)
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'KafkaError'
    this.code = code
  }

  /** Name of the code. */
  get errorName(): ErrorName {
    return errorOf(this.code).name
  }
  /** Whether the same request may succeed when it is sent again. */
  get retriable(): boolean {
    return errorOf(this.code).retriable
  }
}
