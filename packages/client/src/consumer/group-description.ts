// describeGroup: the group as its coordinator describes it, in KafkaJS's shape.
import { consumerGroupDescribeApi, describeGroupsApi, ErrorCode } from '@ottla/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import { protocolError } from '../errors/index.ts'
import { retrying } from '../retry.ts'
import type { ConsumerGroupState, GroupDescription } from './types.ts'

/** Asks the coordinator about a group. */
export function describeGroup(cluster: Cluster, groupId: string, protocol: 'classic' | 'consumer'): Promise<GroupDescription> {
  return retrying(cluster, async () => (protocol === 'consumer' ? describeNew(cluster, groupId) : describeClassic(cluster, groupId)))
}

/** States by the names that brokers have for them; groups of KIP-848 have two of their own. */
const states = new Map<string, ConsumerGroupState>([
  ['Unknown', 'Unknown'],
  ['PreparingRebalance', 'PreparingRebalance'],
  ['CompletingRebalance', 'CompletingRebalance'],
  ['Stable', 'Stable'],
  ['Dead', 'Dead'],
  ['Empty', 'Empty'],
  ['Assigning', 'PreparingRebalance'],
  ['Reconciling', 'CompletingRebalance'],
])

const stateOf = (group: { readonly errorCode: number; readonly groupState: string } | undefined): ConsumerGroupState =>
  group?.errorCode === ErrorCode.NONE ? (states.get(group.groupState) ?? 'Unknown') : 'Dead'

const moved: ReadonlySet<number> = new Set([ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_NOT_AVAILABLE])

/** A group that is not there is described as dead, as older brokers do. */
function ensure(cluster: Cluster, groupId: string, code: number): void {
  if (code === ErrorCode.NONE || code === ErrorCode.GROUP_ID_NOT_FOUND) return
  if (moved.has(code)) cluster.forgetCoordinator({ group: groupId })
  throw protocolError(code)
}

async function describeClassic(cluster: Cluster, groupId: string): Promise<GroupDescription> {
  const { body } = await cluster.request({ group: groupId }, describeGroupsApi, { groups: [groupId] })
  const group = body.groups.find(described => described.groupId === groupId)
  ensure(cluster, groupId, group?.errorCode ?? ErrorCode.GROUP_ID_NOT_FOUND)
  const members = (group?.members ?? []).map(({ memberId, clientId, clientHost, memberMetadata, memberAssignment }) => ({
    memberId,
    clientId,
    clientHost,
    memberMetadata: Buffer.from(memberMetadata),
    memberAssignment: Buffer.from(memberAssignment),
  }))
  const state = stateOf(group)
  return { errorCode: 0, groupId, members, protocol: group?.protocolData ?? '', protocolType: group?.protocolType ?? '', state }
}

/** Groups of KIP-848 have other states, and assignments that are not bytes: those are given as JSON. */
async function describeNew(cluster: Cluster, groupId: string): Promise<GroupDescription> {
  const { body } = await cluster.request({ group: groupId }, consumerGroupDescribeApi, {
    groupIds: [groupId],
    includeAuthorizedOperations: false,
  })
  const group = body.groups.find(described => described.groupId === groupId)
  ensure(cluster, groupId, group?.errorCode ?? ErrorCode.GROUP_ID_NOT_FOUND)
  const members = (group?.members ?? []).map(member => ({
    memberId: member.memberId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    memberMetadata: Buffer.from(JSON.stringify(member.subscribedTopicNames)),
    memberAssignment: Buffer.from(JSON.stringify(member.assignment)),
  }))
  const state = stateOf(group)
  return { errorCode: 0, groupId, members, protocol: group?.assignorName ?? '', protocolType: 'consumer', state }
}
