// Errors about records and about the parts of admin calls: KafkaJS 2.2.4's classes and fields, and KafkaJSCorruptRecordError.
import { KafkaJSError, type KafkaJSErrorMetadata, KafkaJSNonRetriableError, KafkaJSProtocolError, type ProtocolErrorLike } from './base.ts'

type Advice = Pick<KafkaJSErrorMetadata, 'cause' | 'hint'>

/** A consumer asked for an offset that the log does not hold. */
export class KafkaJSOffsetOutOfRange extends KafkaJSProtocolError {
  override name = 'KafkaJSOffsetOutOfRange'
  declare readonly topic: string
  declare readonly partition: number

  constructor(e: ProtocolErrorLike | Error | string, { topic, partition, ...metadata }: KafkaJSErrorMetadata & PlaceOfError = {}) {
    super(e, metadata)
    placed(this, { topic, partition })
  }
}

/** The coordinator gave the member an id to join with (KIP-394). */
export class KafkaJSMemberIdRequired extends KafkaJSProtocolError {
  override name = 'KafkaJSMemberIdRequired'
  declare readonly memberId: string

  constructor(
    e: ProtocolErrorLike | Error | string,
    { memberId, ...metadata }: KafkaJSErrorMetadata & { memberId?: string | undefined } = {},
  ) {
    super(e, metadata)
    if (memberId !== undefined) this.memberId = memberId
  }
}

/** A topic could not be created. */
export class KafkaJSCreateTopicError extends KafkaJSProtocolError {
  override name = 'KafkaJSCreateTopicError'
  readonly topic: string

  constructor(e: ProtocolErrorLike | Error | string, topic: string) {
    super(e)
    this.topic = topic
  }
}

/** Replicas of a partition could not be moved. */
export class KafkaJSAlterPartitionReassignmentsError extends KafkaJSProtocolError {
  override name = 'KafkaJSAlterPartitionReassignmentsError'
  declare readonly topic?: string
  declare readonly partition?: number

  constructor(e: ProtocolErrorLike | Error | string, topic?: string, partition?: number) {
    super(e)
    placed(this, { topic, partition })
  }
}

/** One group of a KafkaJSDeleteGroupsError. */
export interface KafkaJSDeleteGroupsErrorGroups {
  groupId: string
  errorCode?: number
  error?: KafkaJSProtocolError
}

/** Groups could not be deleted. */
export class KafkaJSDeleteGroupsError extends KafkaJSError {
  override name = 'KafkaJSDeleteGroupsError'
  readonly groups: KafkaJSDeleteGroupsErrorGroups[]

  constructor(e: Error | string, groups: KafkaJSDeleteGroupsErrorGroups[] = []) {
    super(e)
    this.groups = groups
  }
}

/** One partition of a KafkaJSDeleteTopicRecordsError. */
export interface KafkaJSDeleteTopicRecordsErrorPartition {
  partition: number
  offset: string
  error?: KafkaJSError | null
}

/** The partitions of a topic whose records could not be deleted. */
export interface KafkaJSDeleteTopicRecordsErrorTopic {
  topic?: string
  partitions: KafkaJSDeleteTopicRecordsErrorPartition[]
}

/** Records could not be deleted; retriable when every partition's error is. */
export class KafkaJSDeleteTopicRecordsError extends KafkaJSError {
  override name = 'KafkaJSDeleteTopicRecordsError'
  readonly partitions: KafkaJSDeleteTopicRecordsErrorPartition[]

  constructor({ partitions }: KafkaJSDeleteTopicRecordsErrorTopic) {
    super('Error while deleting records', {
      retriable: partitions.every(({ error }) => (error ?? null) === null || error?.retriable === true),
    })
    this.partitions = partitions
  }
}

/** Where in the log an error is. */
export interface PlaceOfError {
  topic?: string | undefined
  partition?: number | undefined
}

/** A batch of records that cannot be read: its checksum, codec or contents are wrong. */
export class KafkaJSCorruptRecordError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSCorruptRecordError'
  readonly topic: string
  readonly partition: number
  /** Offset of the first record that cannot be read. */
  readonly offset: string

  constructor(
    e: Error | string,
    { topic, partition, offset, ...advice }: Advice & { topic: string; partition: number; offset: string | number },
  ) {
    super(e, advice)
    this.topic = topic
    this.partition = partition
    this.offset = String(offset)
  }
}

/** An answer ends in the middle of a batch. */
export class KafkaJSPartialMessageError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSPartialMessageError'

  constructor(e: Error | string = 'The batch is not there as a whole', advice: Advice = {}) {
    super(e, advice)
  }
}

/** A batch has a format that nobody knows. */
export class KafkaJSUnsupportedMagicByteInMessageSet extends KafkaJSNonRetriableError {
  override name = 'KafkaJSUnsupportedMagicByteInMessageSet'

  constructor(e: Error | string = 'The batch has an unknown magic byte', advice: Advice = {}) {
    super(e, advice)
  }
}

/** A varint does not fit its type. */
export class KafkaJSInvalidVarIntError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSInvalidVarIntError'
}

/** A number does not fit 64 bits. */
export class KafkaJSInvalidLongError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSInvalidLongError'
}

/** What must never happen did. */
export class KafkaJSInvariantViolation extends KafkaJSNonRetriableError {
  override name = 'KafkaJSInvariantViolation'

  constructor(e: Error | string) {
    super(
      `Invariant violated: ${typeof e === 'string' ? e : e.message}. This is a bug of the client.`,
      e instanceof Error ? { cause: e } : {},
    )
  }
}

/** Fetched records are no longer wanted, since the group rebalances. */
export class KafkaJSFetcherRebalanceError extends Error {
  override name = 'KafkaJSFetcherRebalanceError'
}

function placed(error: object, { topic, partition }: PlaceOfError): void {
  if (topic !== undefined) Object.assign(error, { topic })
  if (partition !== undefined) Object.assign(error, { partition })
}
