// Errors that the client finds by itself: connections, time-outs, metadata, calls that make no sense. KafkaJS 2.2.4's classes and fields.
import { KafkaJSError, type KafkaJSErrorMetadata, KafkaJSNonRetriableError } from './base.ts'

type Advice = Pick<KafkaJSErrorMetadata, 'cause' | 'hint'>

/** What is told when the last try failed. */
export interface KafkaJSNumberOfRetriesExceededMetadata {
  retryCount: number
  retryTime: number
}

/** The last of all tries failed; `cause` says with what. */
export class KafkaJSNumberOfRetriesExceeded extends KafkaJSNonRetriableError {
  override name = 'KafkaJSNumberOfRetriesExceeded'
  readonly retryCount: number
  readonly retryTime: number
  declare readonly stack: string

  constructor(e: Error | string, { retryCount, retryTime }: KafkaJSNumberOfRetriesExceededMetadata = { retryCount: 0, retryTime: 0 }) {
    super(e, typeof e === 'string' ? {} : { cause: e })
    this.retryCount = retryCount
    this.retryTime = retryTime
    const told = typeof e === 'string' ? e : e.stack
    this.stack = `KafkaJSNumberOfRetriesExceeded\n  Caused by: ${told ?? String(e)}`
  }
}

/** What is known of a connection that failed. */
export interface KafkaJSConnectionErrorMetadata extends Advice {
  broker?: string | undefined
  code?: string | undefined
}

/** A broker could not be reached, or a connection to it was lost. */
export class KafkaJSConnectionError extends KafkaJSError {
  override name = 'KafkaJSConnectionError'
  /** host:port. */
  declare readonly broker: string
  /** What the system calls it, such as ECONNREFUSED. */
  declare readonly code?: string

  constructor(e: Error | string, { broker, code, cause, hint }: KafkaJSConnectionErrorMetadata = {}) {
    super(e, { cause, hint })
    if (broker !== undefined) this.broker = broker
    if (code !== undefined) this.code = code
  }
}

/** A connection was closed while something was going on. */
export class KafkaJSConnectionClosedError extends KafkaJSConnectionError {
  override name = 'KafkaJSConnectionClosedError'
  declare readonly host?: string
  declare readonly port?: number

  constructor(e: Error | string, { host, port, ...advice }: Advice & { host?: string | undefined; port?: number | undefined } = {}) {
    super(e, { ...advice, broker: `${host}:${port}` })
    if (host !== undefined) this.host = host
    if (port !== undefined) this.port = port
  }
}

/** What is known of a request without an answer; times in ms since 1970, `pendingDuration` in ms. */
export interface KafkaJSRequestTimeoutErrorMetadata extends Advice {
  broker?: string
  clientId?: string
  correlationId?: number
  createdAt?: number
  sentAt?: number | null
  pendingDuration?: number
}

/** An answer did not come in time. */
export class KafkaJSRequestTimeoutError extends KafkaJSError {
  override name = 'KafkaJSRequestTimeoutError'
  declare readonly broker: string
  declare readonly correlationId: number
  declare readonly createdAt: number
  declare readonly sentAt: number
  declare readonly pendingDuration: number

  constructor(e: Error | string, { cause, hint, clientId: _clientId, ...facts }: KafkaJSRequestTimeoutErrorMetadata = {}) {
    super(e, { cause, hint })
    Object.assign(this, facts)
  }
}

/** Metadata is needed and not there. */
export class KafkaJSMetadataNotLoaded extends KafkaJSError {
  override name: string = 'KafkaJSMetadataNotLoaded'

  constructor(e: Error | string = 'Metadata is not loaded', metadata: KafkaJSErrorMetadata = {}) {
    super(e, metadata)
  }
}

/** Nothing is known of a topic yet. */
export class KafkaJSTopicMetadataNotLoaded extends KafkaJSMetadataNotLoaded {
  override name = 'KafkaJSTopicMetadataNotLoaded'
  declare readonly topic: string

  constructor(e: Error | string, { topic }: { topic?: string } = {}) {
    super(e)
    if (topic !== undefined) this.topic = topic
  }
}

/** Partitions were assigned that metadata does not have. */
export class KafkaJSStaleTopicMetadataAssignment extends KafkaJSError {
  override name = 'KafkaJSStaleTopicMetadataAssignment'
  declare readonly topic: string
  readonly unknownPartitions: readonly unknown[]

  constructor(e: Error | string, { topic, unknownPartitions = [] }: { topic?: string; unknownPartitions?: readonly unknown[] } = {}) {
    super(e)
    if (topic !== undefined) this.topic = topic
    this.unknownPartitions = unknownPartitions
  }
}

/** A broker is too old, or too new, for an API. */
export class KafkaJSServerDoesNotSupportApiKey extends KafkaJSNonRetriableError {
  override name = 'KafkaJSServerDoesNotSupportApiKey'
  declare readonly apiKey: number
  declare readonly apiName: string

  constructor(e: Error | string, { apiKey, apiName, ...advice }: Advice & { apiKey?: number; apiName?: string } = {}) {
    super(e, advice)
    if (apiKey !== undefined) this.apiKey = apiKey
    if (apiName !== undefined) this.apiName = apiName
  }
}

/** The broker that is needed is not among those of the cluster. */
export class KafkaJSBrokerNotFound extends KafkaJSError {
  override name = 'KafkaJSBrokerNotFound'

  constructor(e: Error | string = 'Broker not found', metadata: KafkaJSErrorMetadata = {}) {
    super(e, metadata)
  }
}

/** None of the brokers can be used. */
export class KafkaJSNoBrokerAvailableError extends KafkaJSError {
  override name = 'KafkaJSNoBrokerAvailableError'

  constructor(e: Error | string = 'No broker available', metadata: KafkaJSErrorMetadata = {}) {
    super(e, metadata)
  }
}

/** The broker did not accept the credentials, or does not speak the mechanism. */
export class KafkaJSSASLAuthenticationError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSSASLAuthenticationError'

  constructor(e: Error | string = 'SASL authentication failed', advice: Advice = {}) {
    super(e, advice)
  }
}

/** A group's coordinator cannot be found. */
export class KafkaJSGroupCoordinatorNotFound extends KafkaJSNonRetriableError {
  override name = 'KafkaJSGroupCoordinatorNotFound'

  constructor(e: Error | string = 'Group coordinator not found', advice: Advice = {}) {
    super(e, advice)
  }
}

/** The client does not do this. */
export class KafkaJSNotImplemented extends KafkaJSNonRetriableError {
  override name = 'KafkaJSNotImplemented'

  constructor(e: Error | string = 'Not implemented', advice: Advice = {}) {
    super(e, advice)
  }
}

/** Something was waited for and did not come about. */
export class KafkaJSTimeout extends KafkaJSNonRetriableError {
  override name: string = 'KafkaJSTimeout'

  constructor(e: Error | string = 'Timed out', advice: Advice = {}) {
    super(e, advice)
  }
}

/** A turn was waited for and did not come. */
export class KafkaJSLockTimeout extends KafkaJSTimeout {
  override name = 'KafkaJSLockTimeout'
}
