// DescribeTopicPartitions, version 0 (KIP-966): partitions of topics in the order of their names, in pages.
import type { Metadata, PartitionImage, TopicImage } from '@ottla/metadata'
import {
  describeTopicPartitionsApi,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponseInit,
  ErrorCode,
  KafkaError,
  ZERO_UUID,
} from '@ottla/protocol'
import type { BrokerConfig } from '../config/index.ts'
import { isInternalTopic, topicNameProblem } from '../controller/index.ts'
import type { Slices } from '../replica/slices.ts'
import { handler, type Handler } from '../requests/handler.ts'
import { TOPIC_OPERATIONS } from './authorized-operations.ts'
import { endpointOf } from './endpoints.ts'
import { sortedNames } from './sorted-names.ts'
import { offlineReplicas } from './topic-views.ts'

export interface DescribeTopicPartitionsParts {
  readonly metadata: Metadata
  readonly slices: Slices
  readonly config: BrokerConfig
}

type TopicResult = NonNullable<DescribeTopicPartitionsResponseInit['topics']>[number]
type PartitionResult = NonNullable<TopicResult['partitions']>[number]

/** Serves DescribeTopicPartitions. */
export function describeTopicPartitions(parts: DescribeTopicPartitionsParts): Handler<typeof describeTopicPartitionsApi> {
  return handler({
    api: describeTopicPartitionsApi,
    versions: [0, 0],
    async handle(request, { connection: { listener } }) {
      const { metadata, slices } = parts
      const { image } = metadata
      const { cursor } = request
      const all = request.topics.length === 0
      const asked = namesFrom(request, all ? Array.from(image.topics(), ({ name }) => name) : request.topics.map(({ name }) => name))
      const names = await sortedNames(asked, slices)
      const limit = Math.max(1, Math.min(parts.config.value('max.request.partition.size.limit'), request.responsePartitionLimit))
      const topics: TopicResult[] = []
      let left = limit
      for (const name of names) {
        // All partitions of the topics before are answered: the next page begins with this one, whether it exists or not.
        if (left === 0) return { throttleTimeMs: 0, topics, nextCursor: { topicName: name, partitionIndex: 0 } }
        if (slices.isOver) await slices.pause()
        const topic = image.topic(name)
        if (!topic) {
          topics.push(missingTopic(name))
          continue
        }
        const start = cursor?.topicName === name ? cursor.partitionIndex : 0
        const page = topic.partitions.slice(start, start + left)
        const partitions = page.map((partition, at) => partitionResult(partition, start + at, { listener, metadata }))
        topics.push({ ...existingTopic(topic), partitions })
        left -= partitions.length
        if (start + partitions.length < topic.partitions.length) {
          return { throttleTimeMs: 0, topics, nextCursor: { topicName: name, partitionIndex: start + partitions.length } }
        }
      }
      return { throttleTimeMs: 0, topics }
    },
    onError: (errorCode, request) => ({
      throttleTimeMs: 0,
      topics: request.topics.map(({ name }) => ({ errorCode, name, topicId: ZERO_UUID, partitions: [] })),
    }),
  })
}

/** Distinct names from the cursor's topic on, in no order. Throws INVALID_REQUEST for a cursor that cannot be. */
function namesFrom({ cursor, topics }: DescribeTopicPartitionsRequest, asked: readonly string[]): string[] {
  const names = new Set(asked)
  if (!cursor) return [...names]
  if (topics.length > 0 && !names.has(cursor.topicName)) {
    const message = `DescribeTopicPartitionsRequest topic list should contain the cursor topic: ${cursor.topicName}`
    throw new KafkaError(ErrorCode.INVALID_REQUEST, message)
  }
  if (cursor.partitionIndex < 0) {
    const shown = `Cursor(topicName='${cursor.topicName}', partitionIndex=${cursor.partitionIndex})`
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `DescribeTopicPartitionsRequest cursor partition must be valid: ${shown}`)
  }
  return [...names].filter(name => name >= cursor.topicName)
}

const existingTopic = ({ name, id }: TopicImage) => ({
  errorCode: ErrorCode.NONE,
  name,
  topicId: id,
  isInternal: isInternalTopic(name),
  topicAuthorizedOperations: TOPIC_OPERATIONS,
})

const missingTopic = (name: string): TopicResult => ({
  errorCode: topicNameProblem(name) === null ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION,
  name,
  topicId: ZERO_UUID,
  isInternal: isInternalTopic(name),
  topicAuthorizedOperations: TOPIC_OPERATIONS,
  partitions: [],
})

function partitionResult(
  partition: PartitionImage,
  partitionIndex: number,
  { listener, metadata: { image } }: { listener: string; metadata: Metadata },
): PartitionResult {
  return {
    errorCode: ErrorCode.NONE,
    partitionIndex,
    leaderId: endpointOf(image.brokers.get(partition.leader), listener) ? partition.leader : -1,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    eligibleLeaderReplicas: partition.elr,
    lastKnownElr: partition.lastKnownElr,
    offlineReplicas: offlineReplicas(partition, image, listener),
  }
}
