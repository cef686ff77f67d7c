// Consumer groups of both protocols, classic and KIP-848, described alike; members removed from the outside (KIP-345); offsets deleted (KIP-496).
import { consumerGroupDescribeApi, ErrorCode, leaveGroupApi, offsetDeleteApi } from '@ottla/protocol'
import { parseAssignment } from '../consumer/assignors/consumer-protocol.ts'
import { groupedByTopic } from '../consumer/assignors/topic-partitions.ts'
import type { TopicPartitions } from '../consumer/types.ts'
import { check, KafkaJSServerDoesNotSupportApiKey, protocolError } from '../errors/index.ts'
import type { AdminParts } from './calls.ts'
import { byCoordinator, invalid, ofCoordinator } from './calls.ts'
import { checkGroupId, checkTopic, isList, shown } from './checks.ts'
import { classicGroups } from './groups.ts'

/** A member of a consumer group. */
export interface ConsumerGroupMember {
  memberId: string
  /** Of static members. */
  groupInstanceId: string | null
  clientId: string
  clientHost: string
  rackId: string | null
  assignment: TopicPartitions[]
  /** What the member will have when the group is done with rebalancing; KIP-848 only. */
  targetAssignment: TopicPartitions[] | null
  /** KIP-848 only. */
  memberEpoch: number | null
  subscribedTopicNames: string[] | null
  subscribedTopicRegex: string | null
}

/** A consumer group. */
export interface ConsumerGroupDescription {
  groupId: string
  type: 'classic' | 'consumer'
  state: string
  /** Assignor that the group uses; empty when it has no members. */
  assignor: string
  /** KIP-848 only. */
  groupEpoch: number | null
  assignmentEpoch: number | null
  coordinator: number
  members: ConsumerGroupMember[]
}

/** Which member is removed: by instance id, as static members are known, or by member id. */
export type MemberToRemove = { groupInstanceId: string; memberId?: never } | { memberId: string; groupInstanceId?: never }

/** What an admin does with consumer groups, beyond KafkaJS. */
export interface ConsumerGroupAdmin {
  /** Rejects when one of them is not there. */
  describeConsumerGroups(groupIds: string[]): Promise<ConsumerGroupDescription[]>
  /** Takes members out of a group, all of them unless some are named; their partitions go to others at once. */
  removeMembers(options: { groupId: string; members?: MemberToRemove[]; reason?: string }): Promise<void>
  /** Forgets what a group has committed for partitions of topics that it is not subscribed to now. */
  deleteConsumerGroupOffsets(options: { groupId: string; topics: TopicPartitions[] }): Promise<void>
}

type Answer = { readonly errorCode: number; readonly errorMessage?: string | null; readonly group: ConsumerGroupDescription | null }

/** Groups of KIP-848; none where the broker does not know the protocol. */
const newGroups = (parts: AdminParts, groupIds: readonly string[]): Promise<Map<string, Answer>> =>
  byCoordinator(parts, {
    what: 'Could not describe consumer groups',
    kind: 'group',
    keys: groupIds,
    ask: async (nodeId, keys) => {
      const { body } = await parts.cluster.request(nodeId, consumerGroupDescribeApi, { groupIds: keys, includeAuthorizedOperations: false })
      return new Map(
        body.groups.map(({ errorCode, errorMessage, ...of }): [string, Answer] => {
          const group = {
            groupId: of.groupId,
            type: 'consumer' as const,
            state: of.groupState,
            assignor: of.assignorName,
            groupEpoch: of.groupEpoch,
            assignmentEpoch: of.assignmentEpoch,
            coordinator: nodeId,
            members: of.members.map(member => ({
              memberId: member.memberId,
              groupInstanceId: member.instanceId,
              clientId: member.clientId,
              clientHost: member.clientHost,
              rackId: member.rackId,
              memberEpoch: member.memberEpoch,
              subscribedTopicNames: member.subscribedTopicNames,
              subscribedTopicRegex: member.subscribedTopicRegex,
              assignment: partitionsOf(member.assignment.topicPartitions),
              targetAssignment: partitionsOf(member.targetAssignment.topicPartitions),
            })),
          }
          return [of.groupId, { errorCode, errorMessage, group }]
        }),
      )
    },
  })

const partitionsOf = (topics: readonly { topicName: string; partitions: number[] }[]): TopicPartitions[] =>
  topics.map(({ topicName, partitions }) => ({ topic: topicName, partitions: partitions.toSorted((a, b) => a - b) }))

/** What a classic member said it consumes; nothing where that cannot be read, as of groups that are not consumers. */
function classicAssignment(bytes: Buffer): TopicPartitions[] {
  if (bytes.length === 0) return []
  try {
    return [...groupedByTopic(parseAssignment(bytes).partitions)].map(([topic, partitions]) => ({
      topic,
      partitions: partitions.toSorted((a, b) => a - b),
    }))
  } catch {
    return []
  }
}

async function oldGroups(parts: AdminParts, groupIds: readonly string[]): Promise<Map<string, Answer>> {
  const answers = await classicGroups(parts, groupIds)
  const described = [...answers].map(async ([groupId, of]): Promise<[string, Answer]> => {
    if (of.errorCode !== ErrorCode.NONE) return [groupId, { errorCode: of.errorCode, errorMessage: of.errorMessage, group: null }]
    if (of.groupState === 'Dead') return [groupId, { errorCode: ErrorCode.GROUP_ID_NOT_FOUND, group: null }]
    const group = {
      groupId,
      type: 'classic' as const,
      state: of.groupState,
      assignor: of.protocolData,
      groupEpoch: null,
      assignmentEpoch: null,
      coordinator: await parts.cluster.coordinatorOf({ group: groupId }),
      members: of.members.map(member => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rackId: null,
        assignment: classicAssignment(member.memberAssignment),
        targetAssignment: null,
        memberEpoch: null,
        subscribedTopicNames: null,
        subscribedTopicRegex: null,
      })),
    }
    return [groupId, { errorCode: ErrorCode.NONE, group }]
  })
  return new Map(await Promise.all(described))
}

/** Groups of either protocol, with their error codes. */
export async function anyGroups(parts: AdminParts, groupIds: readonly string[]): Promise<Map<string, Answer>> {
  const found = await newGroups(parts, groupIds).catch((error: unknown) => {
    if (error instanceof KafkaJSServerDoesNotSupportApiKey) return new Map<string, Answer>()
    throw error
  })
  const classic = groupIds.filter(groupId => {
    const code = found.get(groupId)?.errorCode
    return code === undefined || code === ErrorCode.GROUP_ID_NOT_FOUND || code === ErrorCode.UNSUPPORTED_VERSION
  })
  return classic.length === 0 ? found : new Map([...found, ...(await oldGroups(parts, classic))])
}

const describeConsumerGroups =
  (parts: AdminParts): ConsumerGroupAdmin['describeConsumerGroups'] =>
  async groupIds => {
    if (!isList(groupIds)) invalid(`Invalid groupIds array ${shown(groupIds)}`)
    for (const groupId of groupIds) checkGroupId(groupId)
    const answers = await anyGroups(parts, groupIds)
    return groupIds.map(groupId => {
      const { errorCode = ErrorCode.GROUP_ID_NOT_FOUND, errorMessage, group } = answers.get(groupId) ?? {}
      check(errorCode, errorMessage, { groupId })
      return group ?? invalid(`Invalid groupId ${groupId}`)
    })
  }

const removeMembers =
  (parts: AdminParts): ConsumerGroupAdmin['removeMembers'] =>
  async ({ groupId, members, reason }) => {
    checkGroupId(groupId)
    const named =
      members ??
      ((await anyGroups(parts, [groupId])).get(groupId)?.group?.members ?? []).map(({ groupInstanceId, memberId }) =>
        groupInstanceId === null ? { memberId } : { groupInstanceId },
      )
    if (named.length === 0) return
    const body = await ofCoordinator(parts, {
      what: 'Could not remove members',
      kind: 'group',
      key: groupId,
      ask: async nodeId => {
        const { body: answer } = await parts.cluster.request(nodeId, leaveGroupApi, version => {
          if (version < 3)
            throw protocolError(ErrorCode.UNSUPPORTED_VERSION, 'The broker is older than Kafka 2.4 and cannot remove members of a group')
          const leaving = named.map(of => ({
            memberId: of.memberId ?? '',
            groupInstanceId: of.groupInstanceId ?? null,
            reason: reason ?? 'member was removed by an admin',
          }))
          return { groupId, members: leaving }
        })
        return answer
      },
    })
    check(body.errorCode, undefined, { groupId })
    for (const { errorCode, memberId, groupInstanceId } of body.members)
      check(errorCode, undefined, { groupId, memberId: groupInstanceId ?? memberId })
  }

const deleteConsumerGroupOffsets =
  (parts: AdminParts): ConsumerGroupAdmin['deleteConsumerGroupOffsets'] =>
  async ({ groupId, topics }) => {
    checkGroupId(groupId)
    if (!isList(topics)) invalid(`Invalid topics array ${shown(topics)}`)
    for (const { topic } of topics) checkTopic(topic)
    const body = await ofCoordinator(parts, {
      what: 'Could not delete offsets of a group',
      kind: 'group',
      key: groupId,
      ask: async nodeId => {
        const { body: answer } = await parts.cluster.request(nodeId, offsetDeleteApi, {
          groupId,
          topics: topics.map(({ topic, partitions }) => ({
            name: topic,
            partitions: partitions.map(partitionIndex => ({ partitionIndex })),
          })),
        })
        return answer
      },
    })
    check(body.errorCode, undefined, { groupId })
    for (const { name, partitions } of body.topics)
      for (const { errorCode, partitionIndex } of partitions)
        check(errorCode, undefined, { groupId, topic: name, partition: partitionIndex })
  }

/** Makes the part of an admin that deals with consumer groups of both protocols. */
export const consumerGroupAdmin = (parts: AdminParts): ConsumerGroupAdmin => ({
  describeConsumerGroups: describeConsumerGroups(parts),
  removeMembers: removeMembers(parts),
  deleteConsumerGroupOffsets: deleteConsumerGroupOffsets(parts),
})
