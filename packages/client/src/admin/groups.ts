// Groups of KafkaJS's admin: list, describe and delete them. A group of the KIP-848 protocol is listed here and, to classic requests, dead: what
// it is made of tells consumer-groups.ts.
import { deleteGroupsApi, describeGroupsApi, ErrorCode, listGroupsApi } from '@ottla/protocol'
import type { ConsumerGroupState, GroupDescription } from '../consumer/types.ts'
import type { KafkaJSProtocolError } from '../errors/index.ts'
import { check, KafkaJSDeleteGroupsError, protocolError } from '../errors/index.ts'
import type { AdminParts } from './calls.ts'
import { byCoordinator, everyBroker, invalid } from './calls.ts'
import { checkGroupId, isList, shown } from './checks.ts'

/** A group in a list. */
export interface GroupOverview {
  groupId: string
  protocolType: string
  /** Where the broker tells it (KIP-518), such as Stable or Empty. */
  groupState?: string
  /** Where the broker tells it (KIP-848): Classic, Consumer, Share or Streams. */
  groupType?: string
}

/** Descriptions of groups. */
export interface GroupDescriptions {
  groups: GroupDescription[]
}

/** What became of a group that was to be deleted. */
export interface DeleteGroupsResult {
  groupId: string
  errorCode?: number
  error?: KafkaJSProtocolError
}

/** What an admin does with groups. */
export interface GroupAdmin {
  /** Of all brokers; of these states and types only, where the brokers can tell. */
  listGroups(options?: { states?: string[]; types?: string[] }): Promise<{ groups: GroupOverview[] }>
  describeGroups(groupIds: string[]): Promise<GroupDescriptions>
  /** Rejects with KafkaJSDeleteGroupsError when one was not deleted; the others were. */
  deleteGroups(groupIds: string[]): Promise<DeleteGroupsResult[]>
}

const listGroups =
  (parts: AdminParts): GroupAdmin['listGroups'] =>
  async ({ states = [], types = [] } = {}) => {
    const lists = await everyBroker(parts, 'Could not list groups', async nodeId => {
      const { body, version } = await parts.cluster.request(nodeId, listGroupsApi, {
        ...(states.length > 0 && { statesFilter: states }),
        ...(types.length > 0 && { typesFilter: types }),
      })
      check(body.errorCode)
      return body.groups.map(({ groupId, protocolType, groupState, groupType }) => ({
        groupId,
        protocolType,
        ...(version >= 4 && { groupState }),
        ...(version >= 5 && { groupType }),
      }))
    })
    return { groups: lists.flat() }
  }

/** Groups as the requests of the classic protocol describe them, with their error codes. */
export const classicGroups = (parts: AdminParts, groupIds: readonly string[]) =>
  byCoordinator(parts, {
    what: 'Could not describe groups',
    kind: 'group',
    keys: groupIds,
    ask: async (nodeId, keys) => {
      const { body } = await parts.cluster.request(nodeId, describeGroupsApi, { groups: keys })
      return new Map(body.groups.map(group => [group.groupId, group]))
    },
  })

const states: readonly ConsumerGroupState[] = ['PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead', 'Empty']
const stateFrom = (name: string): ConsumerGroupState => states.find(state => state === name) ?? 'Unknown'

const describeGroups =
  (parts: AdminParts): GroupAdmin['describeGroups'] =>
  async groupIds => {
    if (!isList(groupIds)) invalid(`Invalid groupIds array ${shown(groupIds)}`)
    for (const groupId of groupIds) checkGroupId(groupId)
    const answers = await classicGroups(parts, groupIds)
    const groups = [...answers.values()].map(group => {
      const dead = group.errorCode === ErrorCode.GROUP_ID_NOT_FOUND
      if (!dead) check(group.errorCode, group.errorMessage, { groupId: group.groupId })
      return {
        errorCode: 0,
        groupId: group.groupId,
        state: dead ? 'Dead' : stateFrom(group.groupState),
        protocolType: dead ? '' : group.protocolType,
        protocol: dead ? '' : group.protocolData,
        members: group.members.map(({ memberId, clientId, clientHost, memberMetadata, memberAssignment }) => ({
          memberId,
          clientId,
          clientHost,
          memberMetadata,
          memberAssignment,
        })),
      }
    })
    return { groups }
  }

const deleteGroups =
  (parts: AdminParts): GroupAdmin['deleteGroups'] =>
  async groupIds => {
    if (!isList(groupIds)) invalid(`Invalid groupIds array ${shown(groupIds)}`)
    const odd: unknown[] = groupIds.filter(groupId => typeof groupId !== 'string')
    if (odd.length > 0) invalid(`Invalid groupId name: ${JSON.stringify(odd[0])}`)
    if (groupIds.length === 0) return []
    const answers = await byCoordinator(parts, {
      what: 'Could not delete groups',
      kind: 'group',
      keys: groupIds,
      ask: async (nodeId, keys) => {
        const { body } = await parts.cluster.request(nodeId, deleteGroupsApi, { groupsNames: keys })
        return new Map(body.results.map(result => [result.groupId, result]))
      },
    })
    const failed = [...answers.values()].filter(({ errorCode }) => errorCode !== ErrorCode.NONE)
    if (failed.length > 0) {
      const groups = failed.map(({ groupId, errorCode }) => ({ groupId, errorCode, error: protocolError(errorCode) }))
      throw new KafkaJSDeleteGroupsError('Error in DeleteGroups', groups)
    }
    return [...answers.values()].map(({ groupId, errorCode }) => ({ groupId, errorCode }))
  }

/** Makes the part of an admin that deals with groups as KafkaJS does. */
export const groupAdmin = (parts: AdminParts): GroupAdmin => ({
  listGroups: listGroups(parts),
  describeGroups: describeGroups(parts),
  deleteGroups: deleteGroups(parts),
})
