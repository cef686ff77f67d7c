// A classic group as the record that is kept of it (GroupMetadataKey and GroupMetadataValue), there and back.
// Written in version 3, as Kafka does; read in all versions. Version 0 has no rebalance time-out, 0 and 1 no time of the state.

import { type GroupMetadataValue, groupMetadataRecord } from '@ottla/protocol'
import { type CoordinatorRecord, recordOf } from '../../record.ts'
import type { GroupWorld } from '../world.ts'
import { ClassicGroup } from './classic-group.ts'
import { type ClassicMember, NO_ASSIGNMENT } from './classic-member.ts'

const VALUE_VERSION = 3

/** Record of a group as it is now, with these assignments by member id; a member without one gets an empty one. */
export const groupMetadataOf = (group: ClassicGroup, assignmentOf: (member: ClassicMember) => Buffer): CoordinatorRecord =>
  recordOf(groupMetadataRecord, {
    key: { group: group.groupId },
    value: {
      protocolType: group.protocolType,
      generation: group.generation,
      protocol: group.protocolName,
      leader: group.leaderId,
      currentStateTimestamp: group.stateSinceMs ?? -1,
      members: Array.from(group.members.values(), member => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.terms.rebalanceTimeoutMs,
        sessionTimeout: member.terms.sessionTimeoutMs,
        subscription: member.metadata(group.protocolName ?? ''),
        assignment: assignmentOf(member),
      })),
    },
    valueVersion: VALUE_VERSION,
  })

/** Record of a group that has just been made and has no generation yet. */
export const newGroupMetadata = (groupId: string, nowMs: number): CoordinatorRecord =>
  recordOf(groupMetadataRecord, {
    key: { group: groupId },
    value: { protocolType: '', generation: 0, protocol: null, leader: null, currentStateTimestamp: nowMs, members: [] },
    valueVersion: VALUE_VERSION,
  })

/** The group that a record tells of. Its timers do not run yet. */
export const groupOf = (world: GroupWorld, groupId: string, value: GroupMetadataValue): ClassicGroup => {
  const group = new ClassicGroup(world, groupId, {
    state: value.members.length === 0 ? 'Empty' : 'Stable',
    generation: value.generation,
    protocolType: value.protocolType,
    protocolName: value.protocol,
    leaderId: value.leader,
    stateSinceMs: value.currentStateTimestamp === -1 ? null : value.currentStateTimestamp,
  })
  for (const kept of value.members) {
    const member = group.add(
      {
        memberId: kept.memberId,
        groupInstanceId: kept.groupInstanceId,
        clientId: kept.clientId,
        clientHost: kept.clientHost,
        protocolType: value.protocolType,
      },
      {
        rebalanceTimeoutMs: kept.rebalanceTimeout === -1 ? kept.sessionTimeout : kept.rebalanceTimeout,
        sessionTimeoutMs: kept.sessionTimeout,
        protocols: [{ name: value.protocol ?? '', metadata: kept.subscription }],
      },
    )
    member.assignment = kept.assignment.length === 0 ? NO_ASSIGNMENT : kept.assignment
  }
  return group
}
