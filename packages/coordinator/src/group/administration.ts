// Groups as tools see them: lists, descriptions, deletion (methods listGroups, describeGroups, consumerGroupDescribe and deleteGroups of classes
// GroupMetadataManager and GroupCoordinatorShard).

import {
  type ConsumerGroupDescribeResponseInit,
  type DeleteGroupsResponseInit,
  type DescribeGroupsResponseInit,
  ErrorCode,
  KafkaError,
  type ListGroupsResponseInit,
} from '@ottla/protocol'
import { answered, type Decision } from '../decision.ts'
import type { CoordinatorRecord } from '../record.ts'
import type { Group, Groups } from './group.ts'
import type { OffsetRequests } from './offsets/index.ts'
import type { GroupWorld } from './world.ts'

/** One group of a ListGroups answer. */
export type ListedGroup = ListGroupsResponseInit['groups'][number]
/** One group of a DescribeGroups answer. */
export type DescribedClassicGroup = DescribeGroupsResponseInit['groups'][number]
/** One group of a ConsumerGroupDescribe answer. */
export type DescribedConsumerGroup = ConsumerGroupDescribeResponseInit['groups'][number]

/** Which groups ListGroups is about, by names made comparable; none for all. */
export interface GroupFilter {
  readonly states: ReadonlySet<string>
  readonly types: ReadonlySet<string>
}

/** A state as clients name it, made comparable. */
export const normalizedState = (state: string): string => state.toLowerCase().trim()
/** A type as clients name it, made comparable. */
export const normalizedType = (type: string): string => type.toLowerCase()

/** What administration works on. */
export interface AdministrationParts {
  readonly groups: Groups
  readonly offsets: OffsetRequests
  /** Undefined for a group of another kind. */
  readonly describeClassic: (group: Group) => DescribedClassicGroup | undefined
  readonly describeConsumer: (group: Group) => DescribedConsumerGroup | undefined
}

/** How many of the deleted groups a line of the log names. */
const namedGroups = 20

// Who asks about many groups asks again about those that are not among the answers, so that nobody else waits for all of it.
const describedMembers = 500
const deletionRecords = 1_000

/** Requests about groups, from who is in none of them. */
export class GroupAdministration {
  readonly #world: GroupWorld
  readonly #parts: AdministrationParts

  constructor(world: GroupWorld, parts: AdministrationParts) {
    this.#world = world
    this.#parts = parts
  }

  /** All groups, or those in any of these states and of any of these types; a state or type that nobody knows matches no group. */
  list({ states, types }: GroupFilter): Decision<ListedGroup[]> {
    const listed: ListedGroup[] = []
    for (const { groupId, protocolType, state: groupState, kind: groupType } of this.#parts.groups.values())
      if ((states.size === 0 || states.has(normalizedState(groupState))) && (types.size === 0 || types.has(groupType)))
        listed.push({ groupId, protocolType, groupState, groupType })
    return answered(listed)
  }

  /** Classic groups, the first ones where they have many members; a group that is none, or not there, is dead, and as DescribeGroups tells from version 6 on, not found (KIP-1043). */
  describeClassic(groupIds: readonly string[]): Decision<DescribedClassicGroup[]> {
    const { describeClassic } = this.#parts
    return answered(
      untilMuch(groupIds, groupId => {
        const { described, missing } = this.#described(groupId, describeClassic, 'classic')
        if (described !== undefined) return described
        const dead = { groupId, groupState: 'Dead', protocolType: '', protocolData: '', members: [] }
        return { ...dead, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: missing }
      }),
    )
  }

  /** Consumer groups, the first ones where they have many members. */
  describeConsumer(groupIds: readonly string[]): Decision<DescribedConsumerGroup[]> {
    const { describeConsumer } = this.#parts
    return answered(
      untilMuch(groupIds, groupId => {
        const nothing = { groupId, groupState: '', groupEpoch: 0, assignmentEpoch: 0, assignorName: '', members: [] }
        if (groupId === '') return { ...nothing, errorCode: ErrorCode.INVALID_GROUP_ID }
        const { described, missing } = this.#described(groupId, describeConsumer, 'consumer')
        return described ?? { ...nothing, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: missing }
      }),
    )
  }

  /** Deletes groups without members, with their offsets: the first ones where they have many. */
  delete(groupIds: readonly string[]): Decision<DeleteGroupsResponseInit['results']> {
    const { groups, offsets } = this.#parts
    const records: CoordinatorRecord[] = []
    const deleted: string[] = []
    let deletedOffsets = 0
    const results: DeleteGroupsResponseInit['results'][number][] = []
    for (const groupId of new Set(groupIds)) {
      // A group alone is always taken: only the log can say whether it is too large.
      if (results.length > 0 && records.length + offsets.sizeOf(groupId) > deletionRecords) break
      const group = groups.get(groupId)
      const errorCode = group === undefined ? ErrorCode.GROUP_ID_NOT_FOUND : refusal(group)
      results.push({ groupId, errorCode })
      if (group === undefined || errorCode !== ErrorCode.NONE) continue
      const ofOffsets = offsets.tombstonesOf(groupId)
      for (const record of ofOffsets) records.push(record)
      for (const record of group.tombstones()) records.push(record)
      deletedOffsets += ofOffsets.length
      deleted.push(groupId)
    }
    if (deleted.length > 0)
      this.#world.logger.info(
        { groups: deleted.slice(0, namedGroups), count: deleted.length, offsets: deletedOffsets },
        'groups are deleted',
      )
    return { records, reply: results }
  }

  #described<T>(
    groupId: string,
    describe: (group: Group) => T | undefined,
    kind: Group['kind'],
  ): { readonly described: T | undefined; readonly missing: string } {
    const group = this.#parts.groups.get(groupId)
    if (group === undefined) return { described: undefined, missing: `Group ${groupId} not found.` }
    return { described: describe(group), missing: `Group ${groupId} is not a ${kind} group.` }
  }
}

/** Describes groups until they have many members. */
function untilMuch<D extends { readonly members: readonly unknown[] }>(groupIds: readonly string[], describe: (groupId: string) => D): D[] {
  const described: D[] = []
  let members = 0
  for (const groupId of groupIds) {
    const group = describe(groupId)
    described.push(group)
    members += group.members.length
    if (members >= describedMembers) break
  }
  return described
}

/** Why a group may not be deleted; NONE if it may. */
function refusal(group: Group): number {
  try {
    group.ensureMayBeDeleted()
    return ErrorCode.NONE
  } catch (error) {
    if (error instanceof KafkaError) return error.code
    throw error
  }
}
