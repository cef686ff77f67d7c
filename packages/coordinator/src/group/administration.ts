// Groups as tools see them: lists, descriptions, deletion (methods listGroups, describeGroups, consumerGroupDescribe and deleteGroups of classes
// GroupMetadataManager and GroupCoordinatorShard).

import {
  type ConsumerGroupDescribeResponseInit,
  type DeleteGroupsResponseInit,
  type DescribeGroupsResponseInit,
  ErrorCode,
  KafkaError,
  type ListGroupsRequest,
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

/** Requests about groups, from who is in none of them. */
export class GroupAdministration {
  readonly #world: GroupWorld
  readonly #parts: AdministrationParts

  constructor(world: GroupWorld, parts: AdministrationParts) {
    this.#world = world
    this.#parts = parts
  }

  /** All groups, or those in any of these states and of any of these types; a state or type that nobody knows matches no group. */
  list({ statesFilter, typesFilter }: Pick<ListGroupsRequest, 'statesFilter' | 'typesFilter'>): Decision<ListedGroup[]> {
    const states = new Set(statesFilter.map(state => state.toLowerCase().trim()))
    const types = new Set(typesFilter.map(type => type.toLowerCase()))
    const listed: ListedGroup[] = []
    for (const { groupId, protocolType, state: groupState, kind: groupType } of this.#parts.groups.values())
      if ((states.size === 0 || states.has(groupState.toLowerCase())) && (types.size === 0 || types.has(groupType)))
        listed.push({ groupId, protocolType, groupState, groupType })
    return answered(listed)
  }

  /** Classic groups; a group that is none, or not there, is dead, and as DescribeGroups tells from version 6 on, not found (KIP-1043). */
  describeClassic(groupIds: readonly string[]): Decision<DescribedClassicGroup[]> {
    const { describeClassic } = this.#parts
    const describe = (groupId: string): DescribedClassicGroup => {
      const { described, missing } = this.#described(groupId, describeClassic, 'classic')
      if (described !== undefined) return described
      const dead = { groupId, groupState: 'Dead', protocolType: '', protocolData: '', members: [] }
      return { ...dead, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: missing }
    }
    return answered(groupIds.map(describe))
  }

  /** Consumer groups. */
  describeConsumer(groupIds: readonly string[]): Decision<DescribedConsumerGroup[]> {
    const { describeConsumer } = this.#parts
    const describe = (groupId: string): DescribedConsumerGroup => {
      const nothing = { groupId, groupState: '', groupEpoch: 0, assignmentEpoch: 0, assignorName: '', members: [] }
      if (groupId === '') return { ...nothing, errorCode: ErrorCode.INVALID_GROUP_ID }
      const { described, missing } = this.#described(groupId, describeConsumer, 'consumer')
      return described ?? { ...nothing, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: missing }
    }
    return answered(groupIds.map(describe))
  }

  /** Deletes groups without members, with their offsets. */
  delete(groupIds: readonly string[]): Decision<DeleteGroupsResponseInit['results']> {
    const { groups, offsets } = this.#parts
    const records: CoordinatorRecord[] = []
    const deleted: string[] = []
    let deletedOffsets = 0
    const results = [...new Set(groupIds)].map(groupId => {
      const group = groups.get(groupId)
      const errorCode = group === undefined ? ErrorCode.GROUP_ID_NOT_FOUND : refusal(group)
      if (group === undefined || errorCode !== ErrorCode.NONE) return { groupId, errorCode }
      const ofOffsets = offsets.tombstonesOf(groupId)
      for (const record of ofOffsets) records.push(record)
      for (const record of group.tombstones()) records.push(record)
      deletedOffsets += ofOffsets.length
      deleted.push(groupId)
      return { groupId, errorCode }
    })
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
