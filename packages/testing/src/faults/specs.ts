// What a scripted fault is made of: plain data, so that it can be sent to a broker in a worker thread.
import { ErrorCode, type ErrorName } from '@ottla/protocol'

/** Names in the protocol of the APIs that the broker serves. */
export const apiNames = [
  'Produce',
  'Fetch',
  'ListOffsets',
  'Metadata',
  'OffsetCommit',
  'OffsetFetch',
  'FindCoordinator',
  'JoinGroup',
  'Heartbeat',
  'LeaveGroup',
  'SyncGroup',
  'DescribeGroups',
  'ListGroups',
  'ApiVersions',
  'CreateTopics',
  'DeleteTopics',
  'DeleteRecords',
  'InitProducerId',
  'OffsetForLeaderEpoch',
  'AddPartitionsToTxn',
  'AddOffsetsToTxn',
  'EndTxn',
  'WriteTxnMarkers',
  'TxnOffsetCommit',
  'DescribeConfigs',
  'AlterConfigs',
  'DescribeLogDirs',
  'CreatePartitions',
  'DeleteGroups',
  'IncrementalAlterConfigs',
  'OffsetDelete',
  'DescribeCluster',
  'DescribeProducers',
  'UnregisterBroker',
  'DescribeTransactions',
  'ListTransactions',
  'ConsumerGroupHeartbeat',
  'ConsumerGroupDescribe',
  'ListConfigResources',
  'DescribeTopicPartitions',
] as const

/** An API by its name in the protocol. */
export type ApiName = (typeof apiNames)[number]

/** An error of the protocol by name, every one but NONE. */
export type FaultErrorName = Exclude<ErrorName, 'NONE'>

/** Which requests a fault is for: those that meet all that is given. */
export interface FaultFilter {
  /** The request names this topic. */
  readonly topic?: string
  /** The request names this partition (of `topic`, where that is given). */
  readonly partition?: number
  /** The request is about this group. */
  readonly group?: string
  /** The request is about this transactional id. */
  readonly transactionalId?: string
  /** The client called itself so. */
  readonly clientId?: string
}

/** Which of these requests, and how many. */
export interface FaultOptions extends FaultFilter {
  /** Begins with the n-th request that is meant, counted from 1: the first by default. */
  readonly nth?: number
  /** So many requests in a row, 1 by default; Infinity: until the fault is lifted. */
  readonly times?: number
}

/** What happens to a request. */
export type FaultAction =
  /** Not handled, answered with an error in every place of the answer that can hold one. */
  | { readonly kind: 'error'; readonly code: number }
  /** Handled later. */
  | { readonly kind: 'delay'; readonly delayMs: number; readonly jitterMs: number }
  /** The connection is closed instead of handling it ('before') or of answering it ('after'). */
  | { readonly kind: 'drop'; readonly when: 'before' | 'after' }
  /** Handled, and answered when the fault is lifted; the connection stays. */
  | { readonly kind: 'hang' }
  /** A batch of records in the answer gets a wrong checksum. */
  | { readonly kind: 'corrupt' }

/** A fault as the broker's side knows it. */
export interface FaultSpec {
  readonly id: number
  /** null: all APIs. */
  readonly api: ApiName | null
  readonly action: FaultAction
  readonly filter: FaultFilter
  readonly nth: number
  readonly times: number
}

/** Kinds of faults that chance may choose. */
export type RandomFaultKind = 'error' | 'delay' | 'drop before' | 'drop after' | 'corrupt'

/** Faults by chance. */
export interface RandomFaultSpec {
  readonly id: number
  readonly seed: number
  /** Of all requests that are meant, this part fails: 0 to 1. */
  readonly rate: number
  readonly kinds: readonly RandomFaultKind[]
  readonly apis: readonly ApiName[]
  readonly maxDelayMs: number
}

const coordinatorApis: ReadonlySet<string> = new Set<ApiName>([
  'OffsetCommit',
  'OffsetFetch',
  'JoinGroup',
  'Heartbeat',
  'LeaveGroup',
  'SyncGroup',
  'ConsumerGroupHeartbeat',
  'InitProducerId',
  'AddPartitionsToTxn',
  'AddOffsetsToTxn',
  'EndTxn',
  'TxnOffsetCommit',
])

/** A retriable error that a healthy cluster may answer to such a request now and then. */
export const passingErrorFor = (api: string): number =>
  coordinatorApis.has(api)
    ? ErrorCode.NOT_COORDINATOR
    : api === 'FindCoordinator'
      ? ErrorCode.COORDINATOR_NOT_AVAILABLE
      : api === 'Metadata'
        ? ErrorCode.LEADER_NOT_AVAILABLE
        : ErrorCode.NOT_LEADER_OR_FOLLOWER

/** APIs that random faults are for, unless said otherwise: those that running producers and consumers use. */
export const randomFaultApis: readonly ApiName[] = [
  'Produce',
  'Fetch',
  'ListOffsets',
  'Metadata',
  'FindCoordinator',
  'OffsetCommit',
  'OffsetFetch',
  'Heartbeat',
  'JoinGroup',
  'SyncGroup',
]
