// A classic group of consumers becomes a consumer group, as the first member that speaks the consumer protocol joins (GroupMetadataManager,
// convertToConsumerGroup; ConsumerGroup, fromClassicGroup). Its members keep what their leader assigned last, and go on in the classic protocol.

import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { CoordinatorRecord } from '../../record.ts'
import { ClassicGroup } from '../classic/classic-group.ts'
import type { ClassicMember } from '../classic/classic-member.ts'
import { CONSUMER_PROTOCOL_TYPE, parseAssignment, parseSubscription } from '../consumer-protocol.ts'
import type { Topics } from '../world.ts'
import { NO_TARGET, ownedSince } from './assignment.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerGroupMember, newMember } from './member.ts'
import { currentRecord, epochRecord, memberRecord, targetEpochRecord, targetRecord } from './records.ts'
import type { Scope } from './scope.ts'

/** A group that is made of a classic one. It counts once its records are replayed. */
export interface Upgrade {
  readonly group: ConsumerGroup
  readonly records: CoordinatorRecord[]
}

const refusal = (groupId: string, because: string): KafkaError =>
  new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `Cannot upgrade classic group ${groupId} to consumer group because ${because}`)

/** @throws KafkaError GROUP_ID_NOT_FOUND */
export const upgrade = (scope: Scope, classic: ClassicGroup): Upgrade => {
  ensureMayUpgrade(scope, classic)
  const { groupId, generation } = classic
  const group = new ConsumerGroup(groupId, scope.subscribed)
  group.groupEpoch = generation
  group.assignmentEpoch = generation
  const protocolName = classic.protocolName ?? classic.electProtocol()
  const sources = { protocolName, generation, topics: scope.world.topics }
  for (const member of classic.members.values()) {
    const assigned = assignedTo(groupId, member, sources.topics)
    group.setTarget(member.memberId, assigned)
    group.update({ ...memberOf(groupId, member, sources), assignedPartitions: ownedSince(assigned, generation) })
  }
  group.metadataHash = scope.subscribed.hashOf(group.subscriptions.keys())
  return { group, records: [...classic.tombstones(), ...recordsOf(group)] }
}

/** The members have the session times that they asked for. */
export const watchClassicMembers = (scope: Scope, group: ConsumerGroup): void => {
  for (const { memberId, classic } of group.members.values())
    if (classic !== null) scope.timers.session(group.groupId, memberId, classic.sessionTimeoutMs)
}

const ensureMayUpgrade = ({ world: { settings, logger }, classic }: Scope, group: ClassicGroup): void => {
  const { groupId } = group
  const policy = settings.groupConsumerMigrationPolicy
  let because: string | null = null
  if (classic === null || (policy !== 'upgrade' && policy !== 'bidirectional')) because = 'online upgrade is disabled.'
  else if (group.protocolType !== CONSUMER_PROTOCOL_TYPE) because = 'the group does not use the consumer embedded protocol.'
  else if (group.memberCount > settings.groupConsumerMaxSize) because = 'the group size exceeds the consumer group maximum size.'
  if (because === null) return
  logger.info({ groupId, because }, 'a classic group cannot become a consumer group')
  throw refusal(groupId, because)
}

const malformed = 'the embedded consumer protocol is malformed.'
const customAssignor =
  'an unsupported custom assignor is in use. Please refer to the documentation or switch to a default assignor before re-attempting the upgrade.'

const assignedTo = (groupId: string, { assignment }: ClassicMember, topics: Topics): ReadonlyMap<string, ReadonlySet<number>> => {
  // Who has just joined and not synced yet has nothing.
  if (assignment.length === 0) return NO_TARGET
  const { assignedPartitions, userData } = readable(groupId, () => parseAssignment(assignment))
  if (userData !== null && userData.length > 0) throw refusal(groupId, customAssignor)
  const assigned = new Map<string, Set<number>>()
  for (const { topic, partitions } of assignedPartitions) {
    const id = topics.topic(topic)?.id
    if (id !== undefined) assigned.set(id, new Set(partitions))
  }
  return assigned
}

const memberOf = (
  groupId: string,
  member: ClassicMember,
  { protocolName, generation }: { readonly protocolName: string; readonly generation: number },
): ConsumerGroupMember => {
  const subscription = readable(groupId, () => parseSubscription(member.metadata(protocolName)))
  const { rebalanceTimeoutMs, sessionTimeoutMs, protocols } = member.terms
  return {
    ...newMember(member.memberId),
    memberEpoch: generation,
    previousMemberEpoch: generation,
    instanceId: member.groupInstanceId,
    rackId: subscription.rackId,
    rebalanceTimeoutMs,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: new Set(subscription.topics),
    classic: { sessionTimeoutMs, supportedProtocols: protocols },
  }
}

const readable = <T>(groupId: string, read: () => T): T => {
  try {
    return read()
  } catch (error) {
    if (error instanceof KafkaError) throw refusal(groupId, malformed)
    throw error
  }
}

const recordsOf = (group: ConsumerGroup): CoordinatorRecord[] => {
  const { groupId } = group
  const members = [...group.members.values()]
  return [
    ...members.map(member => memberRecord(groupId, member)),
    epochRecord(groupId, group.groupEpoch, group.metadataHash),
    ...members.map(({ memberId }) => targetRecord(groupId, memberId, group.targets.get(memberId) ?? NO_TARGET)),
    targetEpochRecord(groupId, group.assignmentEpoch, group.assignmentTimestampMs),
    ...members.map(member => currentRecord(groupId, member)),
  ]
}
