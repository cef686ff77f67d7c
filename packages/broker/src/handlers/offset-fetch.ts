// OffsetFetch, versions 1 to 10: a group's offsets, of some partitions or, from version 2 on, of all; of several groups from version 8 on
// (KIP-709), of topics by id from version 10 on. Version 1 has no error of its own, so there every partition gets the group's. What a
// request names twice is answered once, so that an answer stays in proportion to what is stored.
import { ErrorCode, KafkaError, offsetFetchApi, type OffsetFetchRequest, type OffsetFetchResponseInit, ZERO_UUID } from '@ottla/protocol'
import type { ClusterImage } from '@ottla/metadata'
import type { Slices } from '../replica/slices.ts'
import { handler, type Handler } from '../requests/handler.ts'
import { failureOf, type GroupParts } from './group-calls.ts'
import { inPieces, isLarge } from './offset-pieces.ts'

type Group = OffsetFetchRequest['groups'][number]
type Topic = NonNullable<Group['topics']>[number]
type FetchedGroup = NonNullable<OffsetFetchResponseInit['groups']>[number]
type FetchedTopic = FetchedGroup['topics'][number]

/** After so many offsets an answer has no further groups: it is encoded in one step. */
const MAX_OFFSETS = 300_000

const FIRST_WITH_ERROR = 2
const FIRST_OF_SEVERAL = 8
const FIRST_WITH_TOPIC_IDS = 10

const failedTopic = ({ name, topicId, partitions }: Asked, errorCode: number): FetchedTopic => ({
  name,
  topicId,
  partitions: partitions.map(partitionIndex => {
    return { partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode }
  }),
})

/** The answer for a group that has none: the error, in each partition where it has no place of its own. */
function refuse({ groupId, topics }: Group, errorCode: number, apiVersion: number): FetchedGroup {
  const failed =
    apiVersion < FIRST_WITH_ERROR
      ? (topics ?? []).map(topic => failedTopic({ ...topic, partitions: topic.partitionIndexes }, errorCode))
      : []
  return { groupId, errorCode, topics: failed }
}

/** A request of any version as groups. */
function groupsOf(request: OffsetFetchRequest, apiVersion: number): readonly Group[] {
  if (apiVersion >= FIRST_OF_SEVERAL) return request.groups
  const topics = request.topics?.map(topic => ({ ...topic, topicId: ZERO_UUID })) ?? null
  return [{ groupId: request.groupId, memberId: null, memberEpoch: -1, topics }]
}

/** A topic of a group, each partition once. */
interface Asked {
  readonly name: string
  readonly topicId: string
  readonly partitions: readonly number[]
}

/** Each topic and partition once. */
async function once(topics: readonly Topic[], slices: Slices): Promise<Asked[]> {
  const byTopic = new Map<string, { readonly name: string; readonly topicId: string; readonly partitions: Set<number> }>()
  await slices.each(topics, ({ name, topicId, partitionIndexes }) => {
    const key = `${topicId}/${name}`
    const before = byTopic.get(key)
    if (before === undefined) byTopic.set(key, { name, topicId, partitions: new Set(partitionIndexes) })
    else for (const partition of partitionIndexes) before.partitions.add(partition)
  })
  return slices.map(byTopic.values(), topic => ({ ...topic, partitions: [...topic.partitions] }))
}

/** Topics by id with their names, and those whose id nobody knows. */
async function resolve(topics: readonly Asked[], image: ClusterImage, slices: Slices): Promise<{ known: Asked[]; unknown: Asked[] }> {
  const known: Asked[] = []
  const unknown: Asked[] = []
  await slices.each(topics, topic => {
    const found = image.topicById(topic.topicId)
    if (found === undefined) unknown.push({ ...topic, name: '' })
    else known.push({ ...topic, name: found.name })
  })
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

interface Fetching {
  readonly requireStable: boolean
  readonly apiVersion: number
  readonly parts: GroupParts
}

/** What the coordinator says of a group, of all topics where `topics` is null. Throws KafkaError, or rejects with it. */
async function ask(group: Group, topics: readonly Asked[] | null, { requireStable, parts }: Fetching): Promise<readonly FetchedTopic[]> {
  const asked = topics?.map(({ name, topicId, partitions }) => ({ name, topicId, partitionIndexes: [...partitions] })) ?? null
  const answer = await parts.groups.run(group.groupId, state => state.offsets.fetch({ ...group, topics: asked }, requireStable))
  const { errorCode = ErrorCode.NONE } = answer
  if (errorCode !== ErrorCode.NONE) throw new KafkaError(errorCode)
  return answer.topics
}

async function fetchGroup(group: Group, fetching: Fetching): Promise<FetchedGroup> {
  const { apiVersion, parts } = fetching
  const { slices, metadata } = parts
  const { groupId } = group
  const byId = apiVersion >= FIRST_WITH_TOPIC_IDS
  try {
    if (group.topics === null) {
      const topics = await ask(group, null, fetching)
      return { groupId, errorCode: ErrorCode.NONE, topics: byId ? withIds(topics, metadata.image) : topics }
    }
    const asked = await once(group.topics, slices)
    const { known, unknown } = byId ? await resolve(asked, metadata.image, slices) : { known: asked, unknown: [] }
    const topics = isLarge(known)
      ? await inPieces({ slices, topics: known, ask: some => ask(group, some, fetching) })
      : await ask(group, known, fetching)
    const others = unknown.map(topic => failedTopic(topic, ErrorCode.UNKNOWN_TOPIC_ID))
    return { groupId, errorCode: ErrorCode.NONE, topics: others.length === 0 ? topics : [...topics, ...others] }
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
    async handle(request, { apiVersion }) {
      const fetching: Fetching = { requireStable: request.requireStable, apiVersion, parts }
      const seen = new Set<string>()
      let offsets = 0
      const answers = await parts.slices.gather(groupsOf(request, apiVersion), async group => {
        if (seen.has(group.groupId)) return refuse(group, ErrorCode.INVALID_REQUEST, apiVersion)
        seen.add(group.groupId)
        // Clients ask again about these groups alone.
        if (offsets >= MAX_OFFSETS) return refuse(group, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, apiVersion)
        const answer = await fetchGroup(group, fetching)
        for (const { partitions } of answer.topics) offsets += partitions.length
        return answer
      })
      return response(answers, apiVersion)
    },
    onError: (code, request, { apiVersion }) => {
      const groups = groupsOf(request, apiVersion).map(group => refuse(group, code, apiVersion))
      return response(groups, apiVersion)
    },
  })
}
