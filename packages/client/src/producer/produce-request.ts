// Produce requests of batches, and which part of an answer is about which batch.
import type { ProduceRequestInit, ProduceResponse } from '@ottla/protocol'
import { ErrorCode, ZERO_UUID } from '@ottla/protocol'
import type { Cluster, ClusterImage } from '../cluster/cluster.ts'
import { protocolError } from '../errors/index.ts'
import type { ProducerBatch } from './batch.ts'
import type { Gate } from './gate.ts'
import type { PartitionQueue } from './partition-queue.ts'

/** A batch in a request. */
export interface Sent {
  readonly queue: PartitionQueue
  readonly batch: ProducerBatch
  readonly records: Buffer
}

/** What a broker says about one batch. */
export type PartitionResult = ProduceResponse['responses'][number]['partitionResponses'][number]

/** From this version on topics go by id (KIP-516). */
const FIRST_BY_ID = 13

/** From this version on brokers know zstd (KIP-110); those before answer with an error that has no name, or not at all. */
const FIRST_WITH_ZSTD = 7

/** The request with these batches, and the highest version that it can be sent in. */
export function produceRequest(
  sent: readonly Sent[],
  gate: Gate,
  image: ClusterImage,
): { body: (version: number) => ProduceRequestInit; limit: number | undefined } {
  const topics = new Map<string, { name: string; topicId: string; partitionData: { index: number; records: Buffer }[] }>()
  let limit = gate.maxProduceVersion
  for (const { queue, records } of sent) {
    let topic = topics.get(queue.topic)
    if (topic === undefined) {
      topic = { name: queue.topic, topicId: image.topics.get(queue.topic)?.id ?? ZERO_UUID, partitionData: [] }
      if (topic.topicId === ZERO_UUID) limit = Math.min(limit ?? FIRST_BY_ID - 1, FIRST_BY_ID - 1)
      topics.set(queue.topic, topic)
    }
    topic.partitionData.push({ index: queue.partition, records })
  }
  const kind = sent[0]?.batch.kind
  const transactionalId = kind?.isTransactional === true ? gate.transactionalId : null
  const body = { transactionalId, acks: kind?.acks ?? -1, timeoutMs: kind?.timeoutMs ?? 30_000, topicData: [...topics.values()] }
  const hasZstd = sent.some(({ batch }) => batch.kind.compression === 'zstd')
  const bodyFor = (version: number): ProduceRequestInit => {
    if (hasZstd && version < FIRST_WITH_ZSTD)
      throw protocolError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, 'The broker is older than Kafka 2.1 and does not know zstd')
    return body
  }
  return { body: bodyFor, limit }
}

/** What the answer says about each batch, in their order; undefined where it says nothing. Leaders that it names are learned. */
export function resultsOf(sent: readonly Sent[], response: ProduceResponse, cluster: Cluster): (PartitionResult | undefined)[] {
  const byTopic = new Map<string, Map<number, PartitionResult>>()
  for (const { name, topicId, partitionResponses } of response.responses) {
    const topic = name !== '' ? name : (cluster.image.topicNames.get(topicId) ?? nameOf(sent, topicId, cluster.image))
    const results = byTopic.get(topic) ?? new Map<number, PartitionResult>()
    byTopic.set(topic, results)
    for (const result of partitionResponses) {
      results.set(result.index, result)
      const { leaderId, leaderEpoch } = result.currentLeader
      if (leaderId >= 0) cluster.learnLeader(topic, result.index, { leaderId, leaderEpoch }, response.nodeEndpoints)
    }
  }
  return sent.map(({ queue }) => byTopic.get(queue.topic)?.get(queue.partition))
}

/** By the id that the topic had when it was asked for. */
const nameOf = (sent: readonly Sent[], topicId: string, image: ClusterImage): string =>
  sent.find(({ queue }) => image.topics.get(queue.topic)?.id === topicId)?.queue.topic ?? ''
