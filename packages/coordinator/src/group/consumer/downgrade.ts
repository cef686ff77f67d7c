// A consumer group becomes a classic one again, when its last member that speaks the consumer protocol leaves or is replaced by one that does not
// (GroupMetadataManager, convertToClassicGroup; ClassicGroup, fromConsumerGroup). The state is changed at once, as classic groups are:
// the records are only replayed when the partition is loaded.

import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { Decision } from '../../decision.ts'
import type { CoordinatorRecord } from '../../record.ts'
import { ClassicGroup } from '../classic/classic-group.ts'
import { groupMetadataOf } from '../classic/group-metadata.ts'
import { CONSUMER_PROTOCOL_TYPE, encodeAssignment, parseConsumerProtocolVersion } from '../consumer-protocol.ts'
import type { Topics } from '../world.ts'
import { NO_TARGET } from './assignment.ts'
import { type ConsumerGroup, isConsumerGroup } from './consumer-group.ts'
import type { ConsumerGroupMember } from './member.ts'
import type { Cause } from './rebalances.ts'
import type { Scope } from './scope.ts'
import { tombstonesOf } from './tombstones.ts'

/** Who leaves, or who takes the place of whom, and what the members are told to do. */
export interface Downgrade {
  readonly leaving: ReadonlySet<ConsumerGroupMember>
  readonly replaced: { readonly old: ConsumerGroupMember; readonly joining: ConsumerGroupMember } | null
  /** Why the classic group rebalances at once; null when it need not. */
  readonly cause: Cause | null
  /** What is to be written before. */
  readonly records: readonly CoordinatorRecord[]
}

/** Whether only classic members are left without these, and a classic group may be made of them. */
export const mayDowngrade = (scope: Scope, group: ConsumerGroup, without: readonly ConsumerGroupMember[], joining = 0): boolean => {
  const { settings, logger } = scope.world
  const leavingClassic = without.filter(({ classic }) => classic !== null).length
  const remaining = group.memberCount - without.length
  if (group.classicMemberCount - leavingClassic !== remaining || remaining + joining <= 0 || scope.classic === null) return false
  const policy = settings.groupConsumerMigrationPolicy
  const because =
    policy !== 'downgrade' && policy !== 'bidirectional'
      ? 'the online downgrade is disabled'
      : remaining + joining > settings.groupMaxSize
        ? 'its group size is greater than classic group max size'
        : null
  if (because === null) return true
  logger.info({ groupId: group.groupId, because }, 'a consumer group cannot become a classic group')
  return false
}

/** Makes a classic group of a consumer group. @throws KafkaError GROUP_ID_NOT_FOUND */
export const downgrade = (scope: Scope, group: ConsumerGroup, change: Downgrade): Omit<Decision<void>, 'reply'> => {
  const { groups, timers, rebalances, classic: classicRequests } = scope
  const { groupId } = group
  if (classicRequests === null) throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, 'There are no classic groups.')
  const classic = classicGroupOf(scope, group, change)
  const { replaced } = change
  const records = [
    ...change.records,
    ...tombstonesOf(group, replaced === null ? null : { leavingId: replaced.old.memberId, joiningId: replaced.joining.memberId }),
    groupMetadataOf(classic, member => member.assignment),
  ]
  for (const memberId of group.members.keys()) timers.cancel(groupId, memberId)
  rebalances.forget(groupId)
  const stored = classicRequests.adopt(classic, change.cause)
  scope.world.logger.info({ groupId, generation: classic.generation }, 'a consumer group became a classic group')
  return {
    records: [...records, ...(stored?.records ?? [])],
    replays: false,
    settled: error => {
      stored?.settled(error)
      if (error !== null && groups.get(groupId) === classic) {
        // It was never written: the group is what it was.
        classicRequests.release(classic)
        groups.set(groupId, group)
        const sessionMs = scope.world.settings.consumerSessionTimeoutMs(groupId)
        for (const memberId of group.members.keys()) timers.session(groupId, memberId, sessionMs)
      } else if (!isConsumerGroup(groups.get(groupId))) group.dispose()
    },
  }
}

const classicGroupOf = (scope: Scope, group: ConsumerGroup, { leaving, replaced }: Downgrade): ClassicGroup => {
  const { world } = scope
  const classic = new ClassicGroup(world, group.groupId, {
    state: 'Stable',
    generation: group.groupEpoch,
    protocolType: CONSUMER_PROTOCOL_TYPE,
    protocolName: null,
    leaderId: null,
    stateSinceMs: world.clock.now(),
  })
  const add = (member: ConsumerGroupMember): void => {
    if (member.classic === null) return
    const { memberId, clientId, clientHost, rebalanceTimeoutMs } = member
    const { sessionTimeoutMs, supportedProtocols: protocols } = member.classic
    classic.add(
      { memberId, groupInstanceId: member.instanceId, clientId, clientHost, protocolType: CONSUMER_PROTOCOL_TYPE },
      { rebalanceTimeoutMs, sessionTimeoutMs, protocols },
    )
  }
  for (const member of group.members.values()) if (!leaving.has(member) && member !== replaced?.old) add(member)
  if (replaced !== null) add(replaced.joining)
  classic.protocolName = classic.electProtocol()
  try {
    for (const member of classic.members.values()) {
      // Who joins in the place of another one gets what that one had.
      const targetId = member.memberId === replaced?.joining.memberId ? replaced.old.memberId : member.memberId
      const assignedPartitions = named(group.targets.get(targetId) ?? NO_TARGET, world.topics)
      member.assignment = encodeAssignment(parseConsumerProtocolVersion(member.metadata(classic.protocolName)), { assignedPartitions })
    }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    throw new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `Cannot downgrade the classic group ${group.groupId}: ${error.message}.`)
  }
  return classic
}

/** Partitions by topic name; topics that are gone are left out. */
export const named = (partitions: ReadonlyMap<string, ReadonlySet<number> | ReadonlyMap<number, number>>, topics: Topics) =>
  Array.from(partitions).flatMap(([topicId, ids]) => {
    const topic = topics.topicById(topicId)?.name
    return topic === undefined ? [] : [{ topic, partitions: [...ids.keys()] }]
  })
