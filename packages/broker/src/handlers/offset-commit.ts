// OffsetCommit, versions 2 to 10: stores a group's offsets; topics by id from version 10 on (KIP-848). Partitions that are not in the
// metadata are answered UNKNOWN_TOPIC_OR_PARTITION, ids that are not UNKNOWN_TOPIC_ID; all others go to the coordinator. The empty group
// id is a group too. Very many partitions are stored some hundred at a time, each of these all or nothing.
import { ErrorCode, offsetCommitApi, type OffsetCommitRequest, type OffsetCommitResponseInit, ZERO_UUID } from '@ottla/protocol'
import type { Caller } from '@ottla/coordinator'
import type { ClusterImage } from '@ottla/metadata'
import { afterwards, handler, type Handler } from '../requests/handler.ts'
import { attempt, callerOf, type GroupParts } from './group-calls.ts'
import { askOfThere, inPieces, isLarge } from './offset-pieces.ts'
import { PartitionErrors } from './partition-errors.ts'

type Topics = OffsetCommitRequest['topics']
type Answered = OffsetCommitResponseInit['topics']

const FIRST_WITH_TOPIC_IDS = 10

/** Every partition of a request with the same error. */
export const refuseCommit = (topics: Topics, errorCode: number): Answered =>
  topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  }))

/** Looking for the topics of a request in the metadata. */
interface Search {
  readonly image: ClusterImage
  readonly byId: boolean
  /** What is not there. */
  readonly errors: PartitionErrors
  /** What there is, with name and id of the topic. */
  readonly found: Topics[number][]
}

function find(requested: Topics[number], { image, byId, errors, found }: Search): void {
  const topic = byId ? image.topicById(requested.topicId) : image.topic(requested.name)
  if (topic === undefined) {
    const place = byId ? requested : { name: requested.name, topicId: ZERO_UUID }
    for (const { partitionIndex } of requested.partitions) errors.add(place, partitionIndex, unknownTopic(byId))
    return
  }
  const { name, id: topicId } = topic
  const partitions = requested.partitions.filter(({ partitionIndex }) => {
    if (topic.partitions[partitionIndex] !== undefined) return true
    errors.add({ name, topicId }, partitionIndex, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return false
  })
  if (partitions.length > 0) found.push({ name, topicId, partitions })
}

const unknownTopic = (byId: boolean): number => (byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)

const topicsOf = ({ topics }: OffsetCommitResponseInit): Answered => topics

/** Serves OffsetCommit. */
export function offsetCommit({ groups, metadata, slices, logger }: GroupParts): Handler<typeof offsetCommitApi> {
  const commit = (request: OffsetCommitRequest, topics: Topics, caller: Caller): Answered | Promise<Answered> =>
    attempt<Answered>(
      logger,
      () =>
        afterwards(
          groups.run(request.groupId, state => state.offsets.commit({ ...request, topics }, caller)),
          topicsOf,
        ),
      ({ code }) => refuseCommit(topics, code),
    )
  /** By the time that it is their turn topics may be gone. */
  const commitInPieces = async (request: OffsetCommitRequest, search: Search, caller: Caller): Promise<Answered> => {
    const { byId, found, image } = search
    await slices.each(request.topics, requested => find(requested, search))
    const gone = (topic: Topics[number]): Answered[number] => ({
      ...topic,
      partitions: topic.partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: unknownTopic(byId) })),
    })
    const ask = (there: Topics) => commit(request, there, caller)
    return inPieces({
      slices,
      topics: found,
      ask: topics => askOfThere({ topics, before: image, now: metadata.image, ask, gone }),
    })
  }
  return handler({
    api: offsetCommitApi,
    versions: [2, 10],
    handle(request, context) {
      const errors = new PartitionErrors()
      const search: Search = { image: metadata.image, byId: context.apiVersion >= FIRST_WITH_TOPIC_IDS, errors, found: [] }
      const caller = callerOf(context)
      const answer = (answered: Answered): OffsetCommitResponseInit => ({ throttleTimeMs: 0, topics: errors.mergedWith(answered) })
      if (isLarge(request.topics)) return commitInPieces(request, search, caller).then(answer)
      for (const requested of request.topics) find(requested, search)
      return search.found.length === 0 ? answer([]) : afterwards(commit(request, search.found, caller), answer)
    },
    onError: (code, request) => ({ throttleTimeMs: 0, topics: refuseCommit(request.topics, code) }),
  })
}
