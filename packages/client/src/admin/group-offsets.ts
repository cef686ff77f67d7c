// What groups have committed: read it, and set it while nobody is in the group. As in KafkaJS an offset may be -2 or -1, written as they are: a consumer that
// finds one begins at the earliest or the latest record, and `resolveOffsets` puts the real offset in its place.
import { ErrorCode, offsetCommitApi, offsetFetchApi } from '@ottla/protocol'
import type { PartitionOffset } from '../consumer/types.ts'
import { check, KafkaJSNonRetriableError } from '../errors/index.ts'
import type { AdminParts } from './calls.ts'
import { invalid, ofCoordinator } from './calls.ts'
import { checkGroupId, checkTopic, isList, offsetFrom } from './checks.ts'
import { anyGroups } from './consumer-groups.ts'
import type { SeekEntry } from './offsets.ts'
import { endsOf, partitionsOf } from './offsets.ts'

/** A committed offset. */
export type FetchOffsetsPartition = PartitionOffset & { metadata: string | null }

/** What an admin does with committed offsets. */
export interface GroupOffsetAdmin {
  /** Of all topics the group committed for, unless some are named. Partitions without an offset have -1. */
  fetchOffsets(options: {
    groupId: string
    topics?: string[]
    resolveOffsets?: boolean
  }): Promise<{ topic: string; partitions: FetchOffsetsPartition[] }[]>
  setOffsets(options: { groupId: string; topic: string; partitions: SeekEntry[] }): Promise<void>
  /** Lets the group begin at the earliest, else the latest records of the topic. */
  resetOffsets(options: { groupId: string; topic: string; earliest?: boolean }): Promise<void>
}

const latest = -1
const earliest = -2

/** Versions from 10 on name topics by their ids; names serve here. */
const lastNamedVersion = 9

type Topics = readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[] | null

/** What the group has committed for these partitions, or for all. */
async function committed(parts: AdminParts, groupId: string, topics: Topics) {
  const answer = await ofCoordinator(parts, {
    what: 'Could not fetch offsets of a group',
    kind: 'group',
    key: groupId,
    ask: async nodeId => {
      const options = { maxVersion: lastNamedVersion }
      const { body, version } = await parts.cluster.request(
        nodeId,
        offsetFetchApi,
        of => (of >= 8 ? { groups: [{ groupId, topics }] } : { groupId, topics: topics ?? (of >= 2 ? null : []) }),
        options,
      )
      const group = body.groups[0]
      const found = version >= 8 && group !== undefined ? group : body
      const unstable = found.topics.flatMap(({ partitions }) => partitions).find(of => of.errorCode === ErrorCode.UNSTABLE_OFFSET_COMMIT)
      return { errorCode: unstable?.errorCode ?? found.errorCode, topics: found.topics }
    },
  })
  check(answer.errorCode, undefined, { groupId })
  return answer.topics.map(({ name, partitions }) => {
    for (const { errorCode, partitionIndex } of partitions) check(errorCode, undefined, { groupId, topic: name, partition: partitionIndex })
    const sorted = partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex)
    return {
      topic: name,
      partitions: sorted.map(of => ({ partition: of.partitionIndex, offset: of.committedOffset, metadata: of.metadata || null })),
    }
  })
}

/** Commits for a group that has no members. */
async function commit(
  parts: AdminParts,
  of: { groupId: string; topic: string; partitions: readonly { partition: number; offset: number }[] },
) {
  const { groupId, topic, partitions } = of
  const { answers } = await ofCoordinator(parts, {
    what: 'Could not set offsets of a group',
    kind: 'group',
    key: groupId,
    ask: async nodeId => {
      const topics = [
        {
          name: topic,
          partitions: partitions.map(({ partition, offset }) => ({
            partitionIndex: partition,
            committedOffset: offset,
            committedMetadata: null,
          })),
        },
      ]
      const options = { maxVersion: lastNamedVersion }
      const { body } = await parts.cluster.request(nodeId, offsetCommitApi, { groupId, memberId: '', topics }, options)
      const given = body.topics.flatMap(({ partitions: those }) => those)
      return { errorCode: given.find(({ errorCode }) => errorCode !== ErrorCode.NONE)?.errorCode ?? ErrorCode.NONE, answers: given }
    },
  })
  for (const { errorCode, partitionIndex } of answers) check(errorCode, undefined, { groupId, topic, partition: partitionIndex })
}

async function expectNobody(parts: AdminParts, groupId: string): Promise<void> {
  const answer = (await anyGroups(parts, [groupId])).get(groupId)
  const state = answer?.group?.state ?? 'Dead'
  if (answer !== undefined && answer.errorCode !== ErrorCode.GROUP_ID_NOT_FOUND) check(answer.errorCode, answer.errorMessage, { groupId })
  if (state === 'Empty' || state === 'Dead') return
  throw new KafkaJSNonRetriableError(`The consumer group must have no running instances, current state: ${state}`)
}

const fetchOffsets =
  (parts: AdminParts): GroupOffsetAdmin['fetchOffsets'] =>
  async ({ groupId, topics, resolveOffsets = false }) => {
    checkGroupId(groupId)
    if (topics != null && !isList(topics)) invalid('Expected topics array to be set')
    for (const topic of topics ?? []) checkTopic(topic)
    const wanted = await Promise.all((topics ?? []).map(async name => ({ name, partitionIndexes: await partitionsOf(parts, name) })))
    const found = await committed(parts, groupId, wanted.length === 0 ? null : wanted)
    const resolved = resolveOffsets ? await Promise.all(found.map(of => resolve(parts, groupId, of))) : found
    return resolved.map(({ topic, partitions }) => ({ topic, partitions: partitions.map(of => ({ ...of, offset: String(of.offset) })) }))
  }

type Committed = Awaited<ReturnType<typeof committed>>[number]

/** Puts real offsets in the place of the earliest and the latest, and commits them. */
async function resolve(parts: AdminParts, groupId: string, { topic, partitions }: Committed): Promise<Committed> {
  const open = partitions.filter(({ offset }) => offset < 0)
  if (open.length === 0) return { topic, partitions }
  await expectNobody(parts, groupId)
  const ends = new Map((await endsOf(parts, topic)).map(of => [of.partition, of]))
  const placed = partitions.map(({ partition, offset, metadata }) => {
    const { high = 0, low = 0 } = ends.get(partition) ?? {}
    return { partition, offset: offset === earliest ? low : offset === latest ? high : offset, metadata }
  })
  const changed = new Set(open.map(({ partition }) => partition))
  await commit(parts, { groupId, topic, partitions: placed.filter(({ partition }) => changed.has(partition)) })
  return { topic, partitions: placed }
}

const setOffsets =
  (parts: AdminParts): GroupOffsetAdmin['setOffsets'] =>
  async ({ groupId, topic, partitions }) => {
    checkGroupId(groupId)
    checkTopic(topic)
    if (!isList(partitions) || partitions.length === 0) invalid('Invalid partitions')
    const placed = partitions.map(({ partition, offset }) => ({ partition, offset: offsetFrom(offset) }))
    await partitionsOf(parts, topic)
    await expectNobody(parts, groupId)
    await commit(parts, { groupId, topic, partitions: placed })
  }

const resetOffsets =
  (parts: AdminParts): GroupOffsetAdmin['resetOffsets'] =>
  async ({ groupId, topic, earliest: fromStart = false }) => {
    checkGroupId(groupId)
    checkTopic(topic)
    const partitions = await partitionsOf(parts, topic)
    await expectNobody(parts, groupId)
    await commit(parts, { groupId, topic, partitions: partitions.map(partition => ({ partition, offset: fromStart ? earliest : latest })) })
  }

/** Makes the part of an admin that deals with committed offsets. */
export const groupOffsetAdmin = (parts: AdminParts): GroupOffsetAdmin => ({
  fetchOffsets: fetchOffsets(parts),
  setOffsets: setOffsets(parts),
  resetOffsets: resetOffsets(parts),
})
