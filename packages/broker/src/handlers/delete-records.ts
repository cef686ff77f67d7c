// DeleteRecords, versions 0 to 2: moves the start of partitions forward, to an offset or (-1) to the high watermark (KIP-107). With one
// replica the low watermark is its log's start, so there is nothing to wait for.
import type { DeleteRecordsRequest, Logger } from '@ottla/protocol'
import { deleteRecordsApi, ErrorCode, KafkaError } from '@ottla/protocol'
import { isInternalTopic } from '../controller/index.ts'
import type { Replicas } from '../replica/replicas.ts'
import type { AnyHandler } from '../requests/handler.ts'
import { handler } from '../requests/handler.ts'

type Requested = DeleteRecordsRequest['topics'][number]['partitions'][number]

/** Makes the handler. */
export const deleteRecords = (parts: { replicas: Replicas; logger: Logger }): AnyHandler => {
  const { logger, replicas } = parts

  const errorOf = (error: unknown, topic: string, partition: number): number => {
    if (error instanceof KafkaError) return error.code
    logger.error({ topic, partition, err: error }, 'deleting records failed')
    return ErrorCode.UNKNOWN_SERVER_ERROR
  }

  const answer = (topic: string, { offset, partitionIndex }: Requested) => {
    const failed = (errorCode: number) => ({ partitionIndex, lowWatermark: -1, errorCode })
    if (!replicas.exists(topic, partitionIndex)) return failed(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if (isInternalTopic(topic)) return failed(ErrorCode.INVALID_TOPIC_EXCEPTION)
    const partition = replicas.locate(topic, partitionIndex)
    if (typeof partition === 'number') return failed(partition)
    try {
      return { partitionIndex, lowWatermark: partition.deleteRecords(offset), errorCode: ErrorCode.NONE }
    } catch (error) {
      return failed(errorOf(error, topic, partitionIndex))
    }
  }

  return handler({
    api: deleteRecordsApi,
    versions: [0, 2],
    async handle({ topics }) {
      const answers = await replicas.slices.nested(topics, { of: ({ partitions }) => partitions }, (requested, { name }) =>
        answer(name, requested),
      )
      return { throttleTimeMs: 0, topics: topics.map(({ name }, at) => ({ name, partitions: answers[at] ?? [] })) }
    },
  })
}
