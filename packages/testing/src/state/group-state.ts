// A group as it is described by the broker, of whichever protocol.
import {
  consumerGroupDescribeApi,
  consumerGroupHeartbeatApi,
  consumerProtocolAssignment,
  describeGroupsApi,
  ErrorCode,
  leaveGroupApi,
  listGroupsApi,
  offsetFetchApi,
  Reader,
  storedCodec,
} from '@ottla/protocol'
import { throwIfError, type WireClient } from '../wire/wire-client.ts'

/** Partitions by topic. */
export type Assignment = Readonly<Record<string, readonly number[]>>

/** A member of a group. */
export interface GroupMember {
  readonly memberId: string
  readonly clientId: string
  /** Of a static member. */
  readonly instanceId: string | null
  readonly assignment: Assignment
}

/** What is known of a group. */
export interface GroupState {
  /** 'Stable', 'Empty', 'PreparingRebalance', 'Dead' (there is no such group), ... */
  readonly state: string
  readonly type: 'classic' | 'consumer'
  readonly members: readonly GroupMember[]
  /** Whether every member has what it is to have. */
  readonly isSettled: boolean
}

/** Names of topics instead of ids. */
const OFFSETS_BY_NAME = 9
/** How a member of the new protocol leaves (KIP-848). */
const LEAVE_EPOCH = -1

const merged = (parts: readonly { readonly topic: string; readonly partitions: readonly number[] }[]): Assignment => {
  const assignment: Record<string, number[]> = {}
  for (const { partitions, topic } of parts) assignment[topic] = [...(assignment[topic] ?? []), ...partitions].toSorted((a, b) => a - b)
  return assignment
}

function readAssignment(bytes: Buffer): Assignment {
  if (bytes.length < 2) return {}
  const version = Math.min(bytes.readInt16BE(0), 3)
  const { assignedPartitions } = storedCodec(consumerProtocolAssignment, version).read(new Reader(bytes, 2))
  return merged(assignedPartitions)
}

const assignmentOf = (parts: readonly { topicName: string; partitions: number[] }[]): Assignment =>
  merged(parts.map(({ partitions, topicName }) => ({ topic: topicName, partitions })))

const inText = (assignment: Assignment): string =>
  Object.entries(assignment)
    .map(([topic, partitions]) => `${topic}:${partitions.join()}`)
    .toSorted((one, other) => one.localeCompare(other))
    .join(' ')

async function consumerGroup(wire: WireClient, group: string): Promise<GroupState> {
  const answer = await wire.request(consumerGroupDescribeApi, { groupIds: [group], includeAuthorizedOperations: false })
  const [described] = answer.groups
  throwIfError(described?.errorCode ?? 0, `describing the group ${group}`, described?.errorMessage)
  const members = described?.members ?? []
  return {
    state: described?.groupState ?? 'Dead',
    type: 'consumer',
    isSettled: members.every(({ assignment, targetAssignment }) => {
      const [actual, target] = [assignmentOf(assignment.topicPartitions), assignmentOf(targetAssignment.topicPartitions)]
      return inText(actual) === inText(target)
    }),
    members: members.map(({ assignment, clientId, instanceId, memberId }) => ({
      memberId,
      clientId,
      instanceId,
      assignment: assignmentOf(assignment.topicPartitions),
    })),
  }
}

/** State and members of a group. */
export async function describeGroup(wire: WireClient, group: string): Promise<GroupState> {
  const { groups } = await wire.request(listGroupsApi, {})
  if (groups.find(({ groupId }) => groupId === group)?.groupType?.toLowerCase() === 'consumer') return consumerGroup(wire, group)
  const answer = await wire.request(describeGroupsApi, { groups: [group], includeAuthorizedOperations: false })
  const [described] = answer.groups
  const isUnknown = described === undefined || described.errorCode !== 0
  if (isUnknown) return { state: 'Dead', type: 'classic', members: [], isSettled: true }
  return {
    state: described.groupState,
    type: 'classic',
    isSettled: true,
    members: described.members.map(({ clientId, groupInstanceId, memberAssignment, memberId }) => ({
      memberId,
      clientId,
      instanceId: groupInstanceId,
      assignment: readAssignment(memberAssignment),
    })),
  }
}

/** Committed offsets by topic and partition; of a group that is not there, none. */
export async function committedOffsets(wire: WireClient, group: string): Promise<Record<string, Record<number, number>>> {
  const answer = await wire.request(offsetFetchApi, { groups: [{ groupId: group, topics: null }] }, OFFSETS_BY_NAME)
  const [found] = answer.groups
  const noCoordinator = found?.errorCode === ErrorCode.NOT_COORDINATOR || found?.errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE
  if (found === undefined || noCoordinator || found.errorCode === ErrorCode.GROUP_ID_NOT_FOUND) return {}
  throwIfError(found.errorCode, `offsets of the group ${group}`)
  const offsets: Record<string, Record<number, number>> = {}
  for (const { name, partitions } of found.topics) {
    const committed = partitions.filter(({ committedOffset }) => committedOffset >= 0)
    if (committed.length > 0) offsets[name] = Object.fromEntries(committed.map(one => [one.partitionIndex, one.committedOffset]))
  }
  return offsets
}

/** Takes members out of a group, as the end of their session does. Returns how many. */
export async function removeMembers(wire: WireClient, group: string, memberId: string | undefined): Promise<number> {
  const { members, type } = await describeGroup(wire, group)
  const leaving = members.filter(member => memberId === undefined || member.memberId === memberId)
  if (leaving.length === 0) return 0
  if (type === 'consumer') {
    for (const { instanceId, memberId: id } of leaving) {
      const request = { groupId: group, memberId: id, memberEpoch: LEAVE_EPOCH, instanceId }
      const answer = await wire.request(consumerGroupHeartbeatApi, request)
      throwIfError(answer.errorCode, `ending the session of ${id}`, answer.errorMessage)
    }
    return leaving.length
  }
  const answer = await wire.request(leaveGroupApi, {
    groupId: group,
    members: leaving.map(({ instanceId, memberId: id }) => ({ memberId: id, groupInstanceId: instanceId, reason: 'session expired' })),
  })
  throwIfError(answer.errorCode, `ending sessions of the group ${group}`)
  return leaving.length
}
