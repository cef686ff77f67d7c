// OffsetCommit, versions 2 to 10: stores a group's offsets; topics by id from version 10 on (KIP-848). Partitions that are not in the
// metadata are answered UNKNOWN_TOPIC_OR_PARTITION, ids that are not UNKNOWN_TOPIC_ID; all others go to the coordinator. The empty group
// id is a group too.
import { ErrorCode, offsetCommitApi, type OffsetCommitRequest, type OffsetCommitResponseInit, ZERO_UUID } from '@ottla/protocol'
import type { ClusterImage } from '@ottla/metadata'
import { handler, type Handler } from '../requests/handler.ts'
import { attempt, callerOf, type GroupParts, afterwards } from './group-calls.ts'
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

/** The partitions that there are, with name and id of their topic; the others get an error. */
function known(topics: Topics, { image, byId, errors }: { image: ClusterImage; byId: boolean; errors: PartitionErrors }): Topics {
  const found: Topics[number][] = []
  for (const requested of topics) {
    const topic = byId ? image.topicById(requested.topicId) : image.topic(requested.name)
    if (topic === undefined) {
      const errorCode = byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      const place = byId ? requested : { name: requested.name, topicId: ZERO_UUID }
      for (const { partitionIndex } of requested.partitions) errors.add(place, partitionIndex, errorCode)
      continue
    }
    const { name, id: topicId } = topic
    const partitions = requested.partitions.filter(({ partitionIndex }) => {
      if (topic.partitions[partitionIndex] !== undefined) return true
      errors.add({ name, topicId }, partitionIndex, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
      return false
    })
    if (partitions.length > 0) found.push({ name, topicId, partitions })
  }
  return found
}

/** Serves OffsetCommit. */
export function offsetCommit({ groups, metadata, logger }: GroupParts): Handler<typeof offsetCommitApi> {
  return handler({
    api: offsetCommitApi,
    versions: [2, 10],
    handle(request, context) {
      const errors = new PartitionErrors()
      const topics = known(request.topics, { image: metadata.image, byId: context.apiVersion >= FIRST_WITH_TOPIC_IDS, errors })
      if (topics.length === 0) return { throttleTimeMs: 0, topics: errors.topics }
      const outcome = attempt<OffsetCommitResponseInit>(
        logger,
        () => groups.run(request.groupId, state => state.offsets.commit({ ...request, topics }, callerOf(context))),
        ({ code }) => ({ topics: refuseCommit(topics, code) }),
      )
      return afterwards(outcome, response => ({ throttleTimeMs: 0, topics: errors.mergedWith(response.topics) }))
    },
    onError: (code, request) => ({ throttleTimeMs: 0, topics: refuseCommit(request.topics, code) }),
  })
}
