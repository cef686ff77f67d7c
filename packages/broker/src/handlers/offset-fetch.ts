// OffsetFetch, versions 1 to 10: a group's offsets, of some partitions or, from version 2 on, of all; of several groups from version 8 on
// (KIP-709), of topics by id from version 10 on. Version 1 has no error of its own, so there every partition gets the group's. What a
// request names twice is answered once, so that an answer stays in proportion to what is stored.
import { ErrorCode, offsetFetchApi, type OffsetFetchRequest, type OffsetFetchResponseInit, ZERO_UUID } from '@ottla/protocol'
import type { ClusterImage } from '@ottla/metadata'
import { handler, type Handler, type RequestContext } from '../requests/handler.ts'
import { failureOf, type GroupParts } from './group-calls.ts'

type Group = OffsetFetchRequest['groups'][number]
type Topic = NonNullable<Group['topics']>[number]
type FetchedGroup = NonNullable<OffsetFetchResponseInit['groups']>[number]
type FetchedTopic = FetchedGroup['topics'][number]

const FIRST_WITH_ERROR = 2
const FIRST_OF_SEVERAL = 8
const FIRST_WITH_TOPIC_IDS = 10

const failedTopic = ({ name, topicId, partitionIndexes }: Topic, errorCode: number): FetchedTopic => ({
  name,
  topicId,
  partitions: partitionIndexes.map(partitionIndex => {
    return { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode }
  }),
})

/** The answer for a group that has none: the error, in each partition where it has no place of its own. */
function refuse({ groupId, topics }: Group, errorCode: number, apiVersion: number): FetchedGroup {
  const failed = apiVersion < FIRST_WITH_ERROR ? (topics ?? []).map(topic => failedTopic(topic, errorCode)) : []
  return { groupId, errorCode, topics: failed }
}

/** A request of any version as groups, each topic and partition once. */
function groupsOf(request: OffsetFetchRequest, apiVersion: number): Group[] {
  if (apiVersion >= FIRST_OF_SEVERAL) return request.groups.map(group => ({ ...group, topics: once(group.topics) }))
  const topics = request.topics?.map(topic => ({ ...topic, topicId: ZERO_UUID })) ?? null
  return [{ groupId: request.groupId, memberId: null, memberEpoch: -1, topics: once(topics) }]
}

function once(topics: Topic[] | null): Topic[] | null {
  if (topics === null) return null
  const byTopic = new Map<string, { topic: Topic; partitions: Set<number> }>()
  for (const topic of topics) {
    const key = `${topic.topicId}/${topic.name}`
    const before = byTopic.get(key)
    if (before === undefined) byTopic.set(key, { topic, partitions: new Set(topic.partitionIndexes) })
    else for (const partition of topic.partitionIndexes) before.partitions.add(partition)
  }
  return [...byTopic.values()].map(({ topic, partitions }) => ({ ...topic, partitionIndexes: [...partitions] }))
}

/** Topics by id with their names, and those whose id nobody knows. */
function resolve(topics: readonly Topic[], image: ClusterImage): { known: Topic[]; unknown: Topic[] } {
  const known: Topic[] = []
  const unknown: Topic[] = []
  for (const topic of topics) {
    const found = image.topicById(topic.topicId)
    if (found === undefined) unknown.push({ ...topic, name: '' })
    else known.push({ ...topic, name: found.name })
  }
  return { known, unknown }
}

/** Where all topics were asked for: they get their ids, and those that are gone since are left out. */
const withIds = (topics: readonly FetchedTopic[], image: ClusterImage): FetchedTopic[] =>
  topics.flatMap(topic => {
    const topicId = image.topic(topic.name ?? '')?.id
    return topicId === undefined ? [] : [{ ...topic, topicId }]
  })

/** Old clients do not try again after COORDINATOR_NOT_AVAILABLE here, so they are told to look for another coordinator. */
function failureCode(error: unknown, parts: GroupParts): number {
  const { code } = failureOf(error, parts.logger)
  return code === ErrorCode.COORDINATOR_NOT_AVAILABLE ? ErrorCode.NOT_COORDINATOR : code
}

async function fetchGroup(
  group: Group,
  { requireStable, context, parts }: { requireStable: boolean; context: RequestContext; parts: GroupParts },
): Promise<FetchedGroup> {
  const { groups, metadata } = parts
  const { apiVersion } = context
  const byId = apiVersion >= FIRST_WITH_TOPIC_IDS
  const { known, unknown } = byId && group.topics !== null ? resolve(group.topics, metadata.image) : { known: group.topics, unknown: [] }
  try {
    const asked = { ...group, topics: known }
    const answer = await groups.run(group.groupId, state => state.offsets.fetch(asked, requireStable))
    if (answer.errorCode !== ErrorCode.NONE && answer.errorCode !== undefined) return refuse(group, answer.errorCode, apiVersion)
    if (byId && group.topics === null) return { ...answer, topics: withIds(answer.topics, metadata.image) }
    return { ...answer, topics: [...answer.topics, ...unknown.map(topic => failedTopic(topic, ErrorCode.UNKNOWN_TOPIC_ID))] }
  } catch (error) {
    return refuse(group, failureCode(error, parts), apiVersion)
  }
}

function response(groups: readonly FetchedGroup[], apiVersion: number): OffsetFetchResponseInit {
  if (apiVersion >= FIRST_OF_SEVERAL) return { throttleTimeMs: 0, groups }
  const [one] = groups
  const topics = (one?.topics ?? []).map(({ name = '', partitions }) => ({ name, partitions }))
  return { throttleTimeMs: 0, topics, errorCode: one?.errorCode ?? ErrorCode.NONE }
}

/** Serves OffsetFetch. */
export function offsetFetch(parts: GroupParts): Handler<typeof offsetFetchApi> {
  return handler({
    api: offsetFetchApi,
    versions: [1, 10],
    async handle(request, context) {
      const { apiVersion } = context
      const { requireStable } = request
      const seen = new Set<string>()
      const answers = groupsOf(request, apiVersion).map(async group => {
        if (seen.has(group.groupId)) return refuse(group, ErrorCode.INVALID_REQUEST, apiVersion)
        seen.add(group.groupId)
        return fetchGroup(group, { requireStable, context, parts })
      })
      return response(await Promise.all(answers), apiVersion)
    },
    onError: (code, request, { apiVersion }) => {
      const groups = groupsOf(request, apiVersion).map(group => refuse(group, code, apiVersion))
      return response(groups, apiVersion)
    },
  })
}
