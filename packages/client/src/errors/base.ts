// The roots of all errors of the client: names, `retriable`, `helpUrl` and `cause` are those of KafkaJS 2.2.4, so that programs which look
// at them go on working. New: `hint`, a sentence on what to do. Names are spelled out, since bundlers rename classes.

/** What may be told about an error beside its message. */
export interface KafkaJSErrorMetadata {
  /** Whether the same call may succeed when it is made again. */
  retriable?: boolean | undefined
  /** What led to it. */
  cause?: Error | undefined
  /** What to do about it, in one sentence. */
  hint?: string | undefined
  /** A page that tells more. */
  helpUrl?: string | undefined
}

/** An error of the client. Where it does not say otherwise it is one that a new try may not meet again. */
export class KafkaJSError extends Error {
  override name = 'KafkaJSError'
  readonly retriable: boolean
  declare readonly helpUrl?: string
  declare readonly cause?: Error
  /** What to do about it, in one sentence. */
  declare readonly hint?: string

  constructor(e: Error | string, { retriable = true, cause, hint, helpUrl }: KafkaJSErrorMetadata = {}) {
    super(messageOf(e))
    this.retriable = retriable
    const url = helpUrl ?? (e instanceof KafkaJSError ? e.helpUrl : undefined)
    if (url !== undefined) this.helpUrl = url
    const advice = hint ?? (e instanceof KafkaJSError ? e.hint : undefined)
    if (advice !== undefined) this.hint = advice
    if (cause !== undefined) Object.defineProperty(this, 'cause', { value: cause, writable: true, configurable: true })
  }
}

/** An error that a new try would meet again. */
export class KafkaJSNonRetriableError extends KafkaJSError {
  override name = 'KafkaJSNonRetriableError'

  constructor(e: Error | string, { cause, hint }: Pick<KafkaJSErrorMetadata, 'cause' | 'hint'> = {}) {
    super(e, { retriable: false, cause, hint })
  }
}

/** What makes a protocol error: its facts, or an error that has them. */
export interface ProtocolErrorLike {
  readonly message: string
  readonly helpUrl?: string
  readonly type?: string
  readonly code?: number
  readonly retriable?: boolean
}

/** An error that a broker answered with. Each code has a class of its own (see `protocolError`). */
export class KafkaJSProtocolError extends KafkaJSError {
  override name = 'KafkaJSProtocolError'
  /** The error's name, as KafkaJS spells it. */
  readonly type: string
  readonly code: number

  constructor(e: ProtocolErrorLike | Error | string, metadata: KafkaJSErrorMetadata = {}) {
    const facts: ProtocolErrorLike = typeof e === 'string' ? { message: e } : e
    const cause = metadata.cause ?? (e instanceof Error ? e : undefined)
    const hint = metadata.hint ?? (e instanceof KafkaJSError ? e.hint : undefined)
    const helpUrl = metadata.helpUrl ?? facts.helpUrl
    super(facts.message, { retriable: metadata.retriable ?? facts.retriable ?? false, cause, hint, helpUrl })
    this.type = facts.type ?? 'UNKNOWN'
    this.code = facts.code ?? -1
  }
}

/** What several tries or parts of one call failed with. */
export class KafkaJSAggregateError extends Error {
  override name = 'KafkaJSAggregateError'
  readonly errors: (Error | string)[]

  constructor(message: Error | string, errors: (Error | string)[]) {
    super(messageOf(message))
    this.errors = errors
  }
}

/** Whether an error is one of the client's own. */
export const isKafkaJSError = (e: unknown): e is KafkaJSError => e instanceof KafkaJSError

const messageOf = (e: Error | string): string => (typeof e === 'string' ? e : e.message)
