// OffsetDelete, version 0: forgets offsets of a group that does not use them (KIP-496). Partitions that are not in the metadata are
// answered UNKNOWN_TOPIC_OR_PARTITION, as Kafka does, so that offsets of deleted topics are left to expire.
import { ErrorCode, offsetDeleteApi, type OffsetDeleteRequest, type OffsetDeleteResponseInit, ZERO_UUID } from '@ottla/protocol'
import type { ClusterImage } from '@ottla/metadata'
import { handler, type Handler } from '../requests/handler.ts'
import { attempt, groupIdError, type GroupParts, afterwards } from './group-calls.ts'
import { PartitionErrors } from './partition-errors.ts'

type Topics = OffsetDeleteRequest['topics']

const refuse = (errorCode: number): OffsetDeleteResponseInit => ({ throttleTimeMs: 0, errorCode, topics: [] })

function known(topics: Topics, image: ClusterImage, errors: PartitionErrors): Topics {
  const found: Topics[number][] = []
  for (const { name, partitions: requested } of topics) {
    const topic = image.topic(name)
    const partitions = requested.filter(({ partitionIndex }) => {
      if (topic?.partitions[partitionIndex] !== undefined) return true
      errors.add({ name, topicId: ZERO_UUID }, partitionIndex, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
      return false
    })
    if (partitions.length > 0) found.push({ name, partitions })
  }
  return found
}

/** Serves OffsetDelete. */
export function offsetDelete({ groups, metadata, logger }: GroupParts): Handler<typeof offsetDeleteApi> {
  return handler({
    api: offsetDeleteApi,
    versions: [0, 0],
    handle(request) {
      const wrong = groupIdError(request.groupId)
      if (wrong !== ErrorCode.NONE) return refuse(wrong)
      const errors = new PartitionErrors()
      const topics = known(request.topics, metadata.image, errors)
      const outcome = attempt<OffsetDeleteResponseInit>(
        logger,
        () => groups.run(request.groupId, state => state.offsets.deleteOffsets({ ...request, topics })),
        ({ code }) => refuse(code),
      )
      // An error of the whole group stands alone.
      return afterwards(outcome, response => {
        if (response.errorCode !== ErrorCode.NONE) return refuse(response.errorCode)
        return { ...response, topics: errors.mergedWith(response.topics.map(topic => ({ ...topic, topicId: ZERO_UUID }))) }
      })
    },
    onError: refuse,
  })
}
