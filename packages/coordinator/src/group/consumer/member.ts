// A member of a consumer group (class ConsumerGroupMember): an unchanging object, replaced whenever a record says something new about it.

import { NO_PARTITIONS, type OwnedPartitions, sameOwned, sameSet } from './assignment.ts'

/** Where a member is on its way to its target assignment; the numbers are those of the records. */
export const MemberState = {
  /** It has what it should have at its epoch. */
  STABLE: 0,
  /** It was told to give partitions up, and has not said yet that it did. */
  UNREVOKED_PARTITIONS: 1,
  /** It waits for partitions that others still have. */
  UNRELEASED_PARTITIONS: 2,
  /** Written by a newer version. */
  UNKNOWN: 127,
} as const
export type MemberState = (typeof MemberState)[keyof typeof MemberState]

/** The state of a record's number. */
export const memberStateOf = (value: number): MemberState => {
  if (value === MemberState.STABLE || value === MemberState.UNREVOKED_PARTITIONS || value === MemberState.UNRELEASED_PARTITIONS)
    return value
  return MemberState.UNKNOWN
}

/** Epoch of a member that left for good. */
export const LEAVE_GROUP_MEMBER_EPOCH = -1
/** Epoch of a static member that will come back. */
export const LEAVE_GROUP_STATIC_MEMBER_EPOCH = -2

/** What is known besides of a member that speaks the classic protocol. */
export interface ClassicMember {
  readonly sessionTimeoutMs: number
  readonly supportedProtocols: readonly { readonly name: string; readonly metadata: Buffer }[]
}

/**
 * A member. What clients say of themselves is bounded before it comes here: ids, racks, client ids and topic names are strings of at most 32,767
 * bytes, as everywhere in the protocol; all lists of a request together have at most `MAX_ARRAY_ELEMENTS` elements and as many bytes as
 * `socket.request.max.bytes` allows; a pattern is bounded by `TopicPattern`. A group has at most `group.consumer.max.size` members.
 */
export interface ConsumerGroupMember {
  readonly memberId: string
  readonly memberEpoch: number
  readonly previousMemberEpoch: number
  readonly state: MemberState
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly rebalanceTimeoutMs: number
  readonly clientId: string
  readonly clientHost: string
  readonly subscribedTopicNames: ReadonlySet<string>
  /** A pattern; empty or null for none. */
  readonly subscribedTopicRegex: string | null
  readonly serverAssignor: string | null
  readonly assignedPartitions: OwnedPartitions
  /** Still the member's until it says that it gave them up. */
  readonly partitionsPendingRevocation: OwnedPartitions
  /** Null for a member that speaks the consumer protocol. */
  readonly classic: ClassicMember | null
}

/** A member of which nothing is known yet. */
export const newMember = (memberId: string): ConsumerGroupMember => ({
  memberId,
  memberEpoch: 0,
  previousMemberEpoch: -1,
  state: MemberState.STABLE,
  instanceId: null,
  rackId: null,
  rebalanceTimeoutMs: -1,
  clientId: '',
  clientHost: '',
  subscribedTopicNames: new Set(),
  subscribedTopicRegex: '',
  serverAssignor: null,
  assignedPartitions: NO_PARTITIONS,
  partitionsPendingRevocation: NO_PARTITIONS,
  classic: null,
})

/** Whether nothing is different. */
export const sameMember = (a: ConsumerGroupMember, b: ConsumerGroupMember): boolean =>
  a === b ||
  (a.memberId === b.memberId &&
    a.memberEpoch === b.memberEpoch &&
    a.previousMemberEpoch === b.previousMemberEpoch &&
    a.state === b.state &&
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    a.subscribedTopicRegex === b.subscribedTopicRegex &&
    a.serverAssignor === b.serverAssignor &&
    sameSet(a.subscribedTopicNames, b.subscribedTopicNames) &&
    sameOwned(a.assignedPartitions, b.assignedPartitions) &&
    sameOwned(a.partitionsPendingRevocation, b.partitionsPendingRevocation) &&
    sameClassic(a.classic, b.classic))

const sameClassic = (a: ClassicMember | null, b: ClassicMember | null): boolean => {
  if (a === b) return true
  if (a === null || b === null) return false
  return (
    a.sessionTimeoutMs === b.sessionTimeoutMs &&
    a.supportedProtocols.length === b.supportedProtocols.length &&
    a.supportedProtocols.every((protocol, at) => {
      const other = b.supportedProtocols[at]
      return other !== undefined && protocol.name === other.name && protocol.metadata.equals(other.metadata)
    })
  )
}

/** Whether the member has all that it should have at this epoch. */
export const isReconciledTo = (member: ConsumerGroupMember, assignmentEpoch: number): boolean =>
  member.state === MemberState.STABLE && member.memberEpoch === assignmentEpoch

/** The member's pattern, or null. */
export const patternOf = (member: ConsumerGroupMember | undefined): string | null => member?.subscribedTopicRegex || null
