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

/** What of a topic there is, with its name and id; the other partitions get an error. */
function known(
  requested: Topics[number],
  { image, byId, errors }: { image: ClusterImage; byId: boolean; errors: PartitionErrors },
): Topics[number] | null {
  const topic = byId ? image.topicById(requested.topicId) : image.topic(requested.name)
  if (topic === undefined) {
    const errorCode = byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    const place = byId ? requested : { name: requested.name, topicId: ZERO_UUID }
    for (const { partitionIndex } of requested.partitions) errors.add(place, partitionIndex, errorCode)
    return null
  }
  const { name, id: topicId } = topic
  const partitions = requested.partitions.filter(({ partitionIndex }) => {
    if (topic.partitions[partitionIndex] !== undefined) return true
    errors.add({ name, topicId }, partitionIndex, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return false
  })
  return partitions.length === 0 ? null : { name, topicId, partitions }
}

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
  return handler({
    api: offsetCommitApi,
    versions: [2, 10],
    handle(request, context) {
      const errors = new PartitionErrors()
      const { image } = metadata
      const byId = context.apiVersion >= FIRST_WITH_TOPIC_IDS
      const from = { image, byId, errors }
      const found: Topics[number][] = []
      const find = (requested: Topics[number]): void => {
        const topic = known(requested, from)
        if (topic !== null) found.push(topic)
      }
      const caller = callerOf(context)
      const ask = (topics: Topics): Answered | Promise<Answered> => commit(request, topics, caller)
      const gone = (topic: Topics[number]): Answered[number] => {
        const errorCode = byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        return { ...topic, partitions: topic.partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) }
      }
      const askThere = (topics: Topics) => askOfThere({ topics, before: image, now: metadata.image, ask, gone })
      const answer = (answered: Answered): OffsetCommitResponseInit => ({ throttleTimeMs: 0, topics: errors.mergedWith(answered) })
      if (isLarge(request.topics))
        return Promise.resolve(slices.each(request.topics, find))
          .then(() => inPieces({ slices, topics: found, ask: askThere }))
          .then(answer)
      for (const requested of request.topics) find(requested)
      return found.length === 0 ? answer([]) : afterwards(ask(found), answer)
    },
    onError: (code, request) => ({ throttleTimeMs: 0, topics: refuseCommit(request.topics, code) }),
  })
}
