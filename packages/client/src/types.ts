// The types of the package: those of KafkaJS 2.2.4 under its names, and what is new. Names that several parts have are taken from one.
export type * from './admin/acls.ts'
export type { Admin, AdminConfig, AdminOptions } from './admin/admin.ts'
export type { ClusterAdmin, ClusterDescription, FeatureDescription, FeatureUpdate, LogDirDescription } from './admin/cluster-facts.ts'
export type * from './admin/configs.ts'
export type { ConsumerGroupAdmin, ConsumerGroupDescription, ConsumerGroupMember, MemberToRemove } from './admin/consumer-groups.ts'
export type { ScramCredentialChange, ScramMechanism, UserScramCredentials } from './admin/credentials.ts'
export type { AdminEvents } from './admin/events.ts'
export type { FetchOffsetsPartition } from './admin/group-offsets.ts'
export type { DeleteGroupsResult, GroupDescriptions, GroupOverview } from './admin/groups.ts'
export type { ListedOffset, OffsetSpec, SeekEntry } from './admin/offsets.ts'
export type { ClientQuota, ClientQuotaChange, QuotaEntity, QuotaFilter } from './admin/quotas.ts'
export type {
  ElectionResult,
  ListPartitionReassignmentsResponse,
  OngoingPartitionReassignment,
  OngoingTopicReassignment,
  PartitionReassignment,
} from './admin/reassignments.ts'
export type { DelegationToken, TokenPrincipal } from './admin/tokens.ts'
export type {
  ITopicConfig,
  ITopicMetadata,
  ITopicPartitionConfig,
  ReplicaAssignment,
  TopicDescription,
  TopicSelection,
} from './admin/topics.ts'
export type { ProducerState, TransactionDescription, TransactionListing } from './admin/transactions.ts'
export type { CompressionCodec, CompressionCodecFactory } from './compression.ts'
export type { AssignerBroker } from './consumer/assignors/assigner-broker.ts'
export type { AssignerCluster, AssignerCluster as Cluster } from './consumer/assignors/assigner-cluster.ts'
export type {
  Assigner,
  AssignerConfig,
  Assignment,
  GroupMember,
  GroupMemberAssignment,
  GroupState,
  ISerializer,
  MemberAssignment,
  MemberMetadata,
  MemberSubscription,
  PartitionAssigner,
  RebalanceProtocol,
  TakenAssignment,
} from './consumer/assignors/index.ts'
export type {
  DeserializationContext,
  Deserialize,
  DeserializedBy,
  Deserializer,
  DeserializingCodec,
  MessageCodecs,
  MessagesByTopic,
  MessagesOf,
  PlainMessages,
  StandardSchema,
  TypedMessage,
} from './consumer/codec.ts'
export type { PartitionMetadata } from './cluster/partition-metadata.ts'
export type {
  ConsumerCommitOffsetsEvent,
  ConsumerCrashEvent,
  ConsumerEndBatchProcessEvent,
  ConsumerEvents,
  ConsumerFetchEvent,
  ConsumerFetchStartEvent,
  ConsumerGroupJoinEvent,
  ConsumerHeartbeatEvent,
  ConsumerRebalancingEvent,
  ConsumerReceivedUnsubcribedTopicsEvent,
  ConsumerStartBatchProcessEvent,
  IMemberAssignment,
} from './consumer/events.ts'
export type { KafkaMessage, MessageSetEntry, RecordBatchEntry } from './consumer/fetch/message.ts'
export type { OffsetReset, TopicPartition } from './consumer/parts.ts'
export type { ConsumeTrace, HandlerMiddleware, MessageContext, MessageHandler } from './consumer/run/handler.ts'
export type {
  Batch,
  Consumer,
  ConsumerConfig,
  ConsumerEachBatchPayload,
  ConsumerEachMessagePayload,
  ConsumerGroupState,
  ConsumerRunConfig,
  ConsumerSubscribeTopic,
  ConsumerSubscribeTopics,
  EachBatchHandler,
  EachBatchPayload,
  EachMessageHandler,
  EachMessagePayload,
  GroupDescription,
  ManualAssignment,
  MemberDescription,
  Offsets,
  OffsetsByTopicPartition,
  PartitionLag,
  PartitionOffset,
  StreamOptions,
  TopicOffsets,
  TopicPartitionOffset,
  TopicPartitionOffsetAndMetadata,
  TopicPartitions,
} from './consumer/types.ts'
export type { InstrumentationEvent, Listener } from './events/emitter.ts'
export type * from './events/types.ts'
export type { FieldsFirstLogger, LogEntry, Logger, LoggerEntryContent, logCreator } from './logger.ts'
export type { BrokersFunction } from './network/options.ts'
export type * from './network/sasl/options.ts'
export type { ISocketFactory, ISocketFactoryArgs } from './network/socket-factory.ts'
export type { OnceMark, OnceOptions, OncePayload, OnceStore } from './once/once.ts'
export type { KafkaConfig } from './options.ts'
export type { ProducerEvents } from './producer/events.ts'
export type {
  DefaultPartitioner,
  ICustomPartitioner,
  LegacyPartitioner,
  PartitionerArgs,
} from './producer/partitioners.ts'
export type * from './producer/serializers.ts'
export type {
  ConsumerGroupMetadata,
  IHeaders,
  Message,
  MessageContent,
  Producer,
  ProducerBatch,
  ProducerConfig,
  ProducerRecord,
  RecordMetadata,
  Sender,
  SendOptions,
  TopicMessages,
  Transaction,
  TypedBatch,
  TypedTopicMessages,
} from './producer/types.ts'
export type { DeadLetter, DeadLetterQuery } from './redelivery/dead-letters.ts'
export type { RedeliveryCounts, RedeliveryEventPayloads } from './redelivery/events.ts'
export type { ExceptionFacts, Origin } from './redelivery/headers.ts'
export type {
  Backoff,
  CircuitBreaker,
  DeadLetterPolicy,
  Duration,
  FailedMessage,
  RedeliveryConfig,
  RetryPolicy,
  RetryTopics,
  TopicCreation,
} from './redelivery/policies.ts'
export type { ReplayedLetter, ReplayOptions, ReplayResult } from './redelivery/replay.ts'
export type { RetryOptions } from './retry.ts'
export type { Disconnectable, GracefulShutdownOptions } from './shutdown.ts'
