// The types of this client held against those of KafkaJS 2.2.4, by the compiler: what programs give to KafkaJS they may give to this client,
// and what they get from it is what they expect. Runs as part of `tsc -b`; there is nothing to execute.
//
// Where the two cannot be exact, and why:
// - KafkaJS's enums (logLevel, CompressionTypes, ...) are const objects here with the same numbers, since the package runs without a compile
//   step. Values of KafkaJS's own enums are not taken: programs change all imports at once. `Numbers` replaces them in what is compared.
// - What is `any` there is `unknown` here: contents of log entries, the answer of alterConfigs, codecs.
// - `Broker` and most of `Cluster`, which no documented call gives to a program, do not exist; custom assigners are given `AssignerCluster`.
// - KafkaJSStaleTopicMetadataAssignment.unknownPartitions is declared a number there and is an array at run time; here it is declared so.
// - Messages of record batches have a `size` here, which is declared `never` there; what has messages in it is compared without them.
// - Ids of instrumentation events are declared strings there and are numbers at run time; here they are declared so.
import type * as ours from '@ottla/client'
import type * as theirs from 'kafkajs'

/** Compiles only when what is given is of type `To`. */
type Goes<From extends To, To> = From

/** The enums of KafkaJS as numbers, everywhere in a type that is data. */
type Numbers<T> = T extends number
  ? number extends T
    ? T
    : T extends { toFixed: unknown } & (theirs.logLevel | theirs.CompressionTypes | Kinds)
      ? number
      : T
  : T extends Buffer | ((...args: never[]) => unknown)
    ? T
    : T extends object
      ? { [K in keyof T]: Numbers<T[K]> }
      : T

type Kinds =
  | theirs.AclResourceTypes
  | theirs.AclOperationTypes
  | theirs.AclPermissionTypes
  | theirs.ResourcePatternTypes
  | theirs.ConfigResourceTypes
  | theirs.ConfigSource

/** What programs give. */
export type Given = [
  Goes<Omit<theirs.KafkaConfig, 'logLevel' | 'logCreator'>, ours.KafkaConfig>,
  Goes<theirs.ProducerConfig, ours.ProducerConfig>,
  Goes<Omit<theirs.ConsumerConfig, 'partitionAssigners'>, ours.ConsumerConfig>,
  Goes<theirs.AdminConfig, ours.AdminConfig>,
  Goes<theirs.RetryOptions, ours.RetryOptions>,
  Goes<theirs.SASLOptions, ours.SASLOptions>,
  Goes<theirs.ISocketFactory, ours.ISocketFactory>,
  Goes<theirs.ICustomPartitioner, ours.ICustomPartitioner>,
  Goes<theirs.Assigner, ours.Assigner>,
  Goes<theirs.Message, ours.Message>,
  Goes<theirs.IHeaders, ours.IHeaders>,
  Goes<theirs.TopicMessages, ours.TopicMessages>,
  Goes<Omit<theirs.ProducerRecord, 'compression'>, ours.ProducerRecord>,
  Goes<Omit<theirs.ProducerBatch, 'compression'>, ours.ProducerBatch>,
  Goes<theirs.ConsumerSubscribeTopics, ours.ConsumerSubscribeTopics>,
  Goes<theirs.ConsumerSubscribeTopic, ours.ConsumerSubscribeTopic>,
  Goes<Omit<theirs.ConsumerRunConfig, 'eachMessage' | 'eachBatch'>, ours.ConsumerRunConfig>,
  Goes<theirs.TopicPartitionOffsetAndMetadata, ours.TopicPartitionOffsetAndMetadata>,
  Goes<theirs.ITopicConfig, ours.ITopicConfig>,
  Goes<theirs.ITopicPartitionConfig, ours.ITopicPartitionConfig>,
  Goes<theirs.PartitionReassignment, ours.PartitionReassignment>,
  Goes<theirs.MemberMetadata, ours.MemberMetadata>,
  Goes<theirs.MemberAssignment, ours.MemberAssignment>,
]

/** What programs get. */
export type Got = [
  Goes<ours.Logger, Pick<theirs.Logger, 'debug' | 'info' | 'warn' | 'error'>>,
  Goes<ours.LogEntry, theirs.LogEntry>,
  Goes<ours.RecordMetadata, theirs.RecordMetadata>,
  Goes<Omit<ours.KafkaMessage, 'size'>, Omit<theirs.KafkaMessage, 'size'>>,
  Goes<Omit<ours.Batch, 'messages'>, Omit<theirs.Batch, 'messages'>>,
  Goes<Omit<ours.EachMessagePayload, 'message'>, Omit<theirs.EachMessagePayload, 'message'>>,
  Goes<Omit<ours.EachBatchPayload, 'batch'>, Omit<theirs.EachBatchPayload, 'batch'>>,
  Goes<ours.GroupDescription, theirs.GroupDescription>,
  Goes<ours.PartitionMetadata, theirs.PartitionMetadata>,
  Goes<ours.ITopicMetadata, theirs.ITopicMetadata>,
  Goes<ours.GroupOverview, theirs.GroupOverview>,
  Goes<ours.GroupDescriptions, theirs.GroupDescriptions>,
  Goes<ours.DeleteGroupsResult, theirs.DeleteGroupsResult>,
  Goes<ours.FetchOffsetsPartition, theirs.FetchOffsetsPartition>,
  Goes<ours.ListPartitionReassignmentsResponse, theirs.ListPartitionReassignmentsResponse>,
  Goes<ours.DescribeConfigResponse, theirs.DescribeConfigResponse>,
  Goes<ours.DescribeAclResponse, theirs.DescribeAclResponse>,
  Goes<ours.DeleteAclResponse, theirs.DeleteAclResponse>,
  Goes<ours.ConsumerEvents, theirs.ConsumerEvents>,
  Goes<ours.ProducerEvents, theirs.ProducerEvents>,
  Goes<ours.AdminEvents, theirs.AdminEvents>,
]

/** Calls whose parameters have enums; those are compared in `Given`. */
type WithEnums = 'createAcls' | 'deleteAcls' | 'describeAcls' | 'describeConfigs' | 'alterConfigs' | 'on' | 'logger'

/** What programs call. */
export type Called = [
  Goes<Pick<ours.Admin, Exclude<keyof theirs.Admin, WithEnums>>, Omit<theirs.Admin, WithEnums>>,
  Goes<Pick<ours.Consumer, Exclude<keyof theirs.Consumer, 'on' | 'logger' | 'run'>>, Omit<theirs.Consumer, 'on' | 'logger' | 'run'>>,
  Goes<
    Pick<ours.Producer, 'connect' | 'disconnect' | 'isIdempotent' | 'events'>,
    Pick<theirs.Producer, 'connect' | 'disconnect' | 'isIdempotent' | 'events'>
  >,
  Goes<
    Pick<ours.Transaction, 'commit' | 'abort' | 'isActive' | 'sendOffsets'>,
    Pick<theirs.Transaction, 'commit' | 'abort' | 'isActive' | 'sendOffsets'>
  >,
]

/** Enums have the same numbers. */
export type Numbered = [
  Goes<ours.logLevel, `${theirs.logLevel}` extends `${infer N extends number}` ? N : never>,
  Goes<ours.CompressionTypes, `${theirs.CompressionTypes}` extends `${infer N extends number}` ? N : never>,
  Goes<ours.AclOperationTypes, number>,
]

/** Errors are caught as they were. */
export type Caught = [
  Goes<ours.KafkaJSError, theirs.KafkaJSError>,
  Goes<ours.KafkaJSNonRetriableError, theirs.KafkaJSNonRetriableError>,
  Goes<ours.KafkaJSProtocolError, theirs.KafkaJSProtocolError>,
  Goes<ours.KafkaJSAggregateError, theirs.KafkaJSAggregateError>,
  Goes<ours.KafkaJSOffsetOutOfRange, theirs.KafkaJSOffsetOutOfRange>,
  Goes<ours.KafkaJSNumberOfRetriesExceeded, theirs.KafkaJSNumberOfRetriesExceeded>,
  Goes<ours.KafkaJSConnectionError, theirs.KafkaJSConnectionError>,
  Goes<ours.KafkaJSRequestTimeoutError, theirs.KafkaJSRequestTimeoutError>,
  Goes<ours.KafkaJSTopicMetadataNotLoaded, theirs.KafkaJSTopicMetadataNotLoaded>,
  Goes<ours.KafkaJSServerDoesNotSupportApiKey, theirs.KafkaJSServerDoesNotSupportApiKey>,
  Goes<ours.KafkaJSDeleteGroupsError, theirs.KafkaJSDeleteGroupsError>,
  Goes<ours.KafkaJSAlterPartitionReassignmentsError, theirs.KafkaJSAlterPartitionReassignmentsError>,
  Goes<Numbers<ours.KafkaJSTimeout>, Numbers<theirs.KafkaJSTimeout>>,
]
