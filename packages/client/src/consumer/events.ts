// The instrumentation events of consumers: KafkaJS's names and payloads.
import type { InstrumentationEvent } from '../events/emitter.ts'
import type { RequestEvent, RequestQueueSizeEvent, RequestTimeoutEvent } from '../events/types.ts'
import type { RedeliveryEventPayloads } from '../redelivery/events.ts'
import type { TopicOffsets } from './types.ts'

/** The names of a consumer's events. */
export const consumerEvents = {
  HEARTBEAT: 'consumer.heartbeat',
  COMMIT_OFFSETS: 'consumer.commit_offsets',
  GROUP_JOIN: 'consumer.group_join',
  FETCH_START: 'consumer.fetch_start',
  FETCH: 'consumer.fetch',
  START_BATCH_PROCESS: 'consumer.start_batch_process',
  END_BATCH_PROCESS: 'consumer.end_batch_process',
  CONNECT: 'consumer.connect',
  DISCONNECT: 'consumer.disconnect',
  STOP: 'consumer.stop',
  CRASH: 'consumer.crash',
  REBALANCING: 'consumer.rebalancing',
  POLL_TIMEOUT: 'consumer.poll_timeout',
  RECEIVED_UNSUBSCRIBED_TOPICS: 'consumer.received_unsubscribed_topics',
  REQUEST: 'consumer.network.request',
  REQUEST_TIMEOUT: 'consumer.network.request_timeout',
  REQUEST_QUEUE_SIZE: 'consumer.network.request_queue_size',
  RETRY: 'consumer.retry',
  RECOVERED: 'consumer.recovered',
  DEAD_LETTER: 'consumer.dead_letter',
  CIRCUIT_OPEN: 'consumer.circuit_open',
  CIRCUIT_CLOSE: 'consumer.circuit_close',
} as const

export type ConsumerEvents = typeof consumerEvents

/** Under which name the cluster tells an event: those of the network do not say whose they are. */
export const innerEventName = (name: string): string => (name.startsWith('consumer.network.') ? name.slice('consumer.'.length) : name)

export interface IMemberAssignment {
  [topic: string]: number[]
}

interface BatchProcess {
  topic: string
  partition: number
  highWatermark: string
  offsetLag: string
  offsetLagLow: string
  batchSize: number
  firstOffset: string | null
  lastOffset: string
}

/** Payloads by the name of the event. */
export interface ConsumerEventPayloads extends RedeliveryEventPayloads {
  'consumer.heartbeat': { groupId: string; memberId: string; groupGenerationId: number }
  'consumer.commit_offsets': { groupId: string; memberId: string; groupGenerationId: number; topics: TopicOffsets[] }
  'consumer.group_join': {
    duration: number
    groupId: string
    isLeader: boolean
    leaderId: string
    groupProtocol: string
    memberId: string
    memberAssignment: IMemberAssignment
  }
  'consumer.fetch_start': { nodeId: number }
  'consumer.fetch': { numberOfBatches: number; duration: number; nodeId: number }
  'consumer.start_batch_process': BatchProcess
  'consumer.end_batch_process': BatchProcess & { duration: number }
  'consumer.poll_timeout': { groupId: string; topic: string; partition: number; offset: string; maxPollInterval: number }
  'consumer.connect': null
  'consumer.disconnect': null
  'consumer.stop': null
  'consumer.crash': { error: Error; groupId: string; restart: boolean }
  'consumer.rebalancing': { groupId: string; memberId: string }
  'consumer.received_unsubscribed_topics': {
    groupId: string
    generationId: number
    memberId: string
    assignedTopics: string[]
    topicsSubscribed: string[]
    topicsNotSubscribed: string[]
  }
  'consumer.network.request': RequestEvent['payload']
  'consumer.network.request_timeout': RequestTimeoutEvent['payload']
  'consumer.network.request_queue_size': RequestQueueSizeEvent['payload']
}

type EventOf<E extends keyof ConsumerEventPayloads> = InstrumentationEvent<ConsumerEventPayloads[E]>

/** Listeners by the name of the event. */
export type ConsumerEventListeners = { [E in keyof ConsumerEventPayloads]: (event: EventOf<E>) => void }

export type ConsumerHeartbeatEvent = EventOf<'consumer.heartbeat'>
export type ConsumerCommitOffsetsEvent = EventOf<'consumer.commit_offsets'>
export type ConsumerGroupJoinEvent = EventOf<'consumer.group_join'>
export type ConsumerFetchStartEvent = EventOf<'consumer.fetch_start'>
export type ConsumerFetchEvent = EventOf<'consumer.fetch'>
export type ConsumerStartBatchProcessEvent = EventOf<'consumer.start_batch_process'>
export type ConsumerEndBatchProcessEvent = EventOf<'consumer.end_batch_process'>
export type ConsumerCrashEvent = EventOf<'consumer.crash'>
export type ConsumerRebalancingEvent = EventOf<'consumer.rebalancing'>
export type ConsumerReceivedUnsubcribedTopicsEvent = EventOf<'consumer.received_unsubscribed_topics'>
