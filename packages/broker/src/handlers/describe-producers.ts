// DescribeProducers, version 0: what the leaders of partitions know of their producers, and where open transactions begin (KIP-664). A
// partition that is named twice is answered once, so that an answer stays in proportion to what there is.
import { type DescribeProducersResponseInit, describeProducersApi, ErrorCode, errorOf, KafkaError } from '@ottla/protocol'
import { topicNameProblem } from '../controller/index.ts'
import { handler, type Handler } from '../requests/handler.ts'
import { transactionErrorOf, type TransactionParts } from './transaction-calls.ts'

type PartitionAnswer = DescribeProducersResponseInit['topics'][number]['partitions'][number]

const failed = (partitionIndex: number, errorCode: number, errorMessage: string | null = null): PartitionAnswer => ({
  partitionIndex,
  errorCode,
  errorMessage,
  activeProducers: [],
})

/** Serves DescribeProducers. */
export function describeProducers({ replicas, metadata, logger }: TransactionParts): Handler<typeof describeProducersApi> {
  const describe = (topic: string, partitionIndex: number): PartitionAnswer => {
    const problem = topicNameProblem(topic)
    if (problem !== null) return failed(partitionIndex, ErrorCode.INVALID_TOPIC_EXCEPTION, problem)
    const { UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode
    if (metadata.image.topic(topic) === undefined)
      return failed(partitionIndex, UNKNOWN_TOPIC_OR_PARTITION, errorOf(UNKNOWN_TOPIC_OR_PARTITION).message)
    const partition = replicas.locate(topic, partitionIndex)
    if (typeof partition === 'number') return failed(partitionIndex, partition)
    try {
      const { producers } = partition.leaderLog()
      const activeProducers = Array.from(producers.entries, entry => ({
        producerId: entry.producerId,
        producerEpoch: entry.producerEpoch,
        lastSequence: entry.lastSequence,
        lastTimestamp: entry.lastTimestamp,
        coordinatorEpoch: entry.coordinatorEpoch,
        currentTxnStartOffset: entry.transactionFirstOffset,
      }))
      return { partitionIndex, errorCode: ErrorCode.NONE, activeProducers }
    } catch (error) {
      return failed(partitionIndex, error instanceof KafkaError ? error.code : transactionErrorOf(error, logger))
    }
  }
  return handler({
    api: describeProducersApi,
    versions: [0, 0],
    async handle({ topics }) {
      const named = new Map<string, Set<number>>()
      for (const { name, partitionIndexes } of topics) {
        const indexes = named.get(name) ?? new Set()
        for (const index of partitionIndexes) indexes.add(index)
        named.set(name, indexes)
      }
      const wanted = [...named]
      const described = await replicas.slices.nested(wanted, { of: ([, indexes]) => [...indexes] }, (index, [name]) =>
        describe(name, index),
      )
      return { throttleTimeMs: 0, topics: wanted.map(([name], at) => ({ name, partitions: described[at] ?? [] })) }
    },
    onError: (errorCode, { topics }) => ({
      throttleTimeMs: 0,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map(partitionIndex => failed(partitionIndex, errorCode)),
      })),
    }),
  })
}
