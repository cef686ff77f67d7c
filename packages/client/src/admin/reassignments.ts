// Where replicas are and who leads: reassignments (KIP-455) and elections (KIP-460).
import { alterPartitionReassignmentsApi, electLeadersApi, ErrorCode, listPartitionReassignmentsApi } from '@ottla/protocol'
import type { TopicPartition } from '../consumer/parts.ts'
import type { TopicPartitions } from '../consumer/types.ts'
import { check, KafkaJSAggregateError, KafkaJSAlterPartitionReassignmentsError, protocolError } from '../errors/index.ts'
import type { AdminParts } from './calls.ts'
import { attempting, invalid } from './calls.ts'
import { checkTopicNames, isList, shown } from './checks.ts'
import type { ReplicaAssignment } from './topics.ts'

/** Where partitions of a topic are to be. */
export interface PartitionReassignment {
  topic: string
  partitionAssignment: ReplicaAssignment[]
}

/** A partition that is moving. */
export interface OngoingPartitionReassignment {
  partitionIndex: number
  /** The same as `partitionIndex`: KafkaJS's types and its code have different names. */
  partition: number
  replicas: number[]
  addingReplicas?: number[]
  removingReplicas?: number[]
}

/** A topic with partitions that are moving. */
export interface OngoingTopicReassignment {
  topic: string
  /** The same as `topic`. */
  name: string
  partitions: OngoingPartitionReassignment[]
}

/** What listPartitionReassignments resolves with. */
export interface ListPartitionReassignmentsResponse {
  topics: OngoingTopicReassignment[]
}

/** What became of an election. */
export interface ElectionResult extends TopicPartition {
  /** 0, ELECTION_NOT_NEEDED, or what went wrong. */
  errorCode: number
  errorMessage: string | null
}

/** What an admin does with replicas and leaders. */
export interface ReassignmentAdmin {
  /** Rejects with KafkaJSAggregateError of one KafkaJSAlterPartitionReassignmentsError for each partition that failed. */
  alterPartitionReassignments(request: { topics: PartitionReassignment[]; timeout?: number }): Promise<void>
  cancelPartitionReassignments(request: { topics: TopicPartitions[]; timeout?: number }): Promise<void>
  /** All that are going on unless topics are named. */
  listPartitionReassignments(request?: { topics?: TopicPartitions[] | null; timeout?: number }): Promise<ListPartitionReassignmentsResponse>
  /** Makes the first replica the leader again, or (unclean) any that lives. Of all partitions unless some are named. */
  electLeaders(request?: { type?: 'preferred' | 'unclean'; topics?: TopicPartitions[] | null; timeout?: number }): Promise<ElectionResult[]>
}

const defaultTimeoutMs = 5_000
const electionTimeoutMs = 60_000

const isCount = (value: unknown): boolean => typeof value === 'number' && value >= 0

function checkAssignments(topics: readonly PartitionReassignment[]): void {
  for (const { topic, partitionAssignment } of topics) {
    if (!isList(partitionAssignment)) invalid(`Invalid partitions array: ${shown(partitionAssignment)} for topic: ${topic}`)
    for (const { partition, replicas } of partitionAssignment) {
      if (!isCount(partition)) invalid(`Invalid partitions index: ${shown(partition)} for topic: ${topic}`)
      const where = `Invalid replica assignment: ${shown(replicas)} for topic: ${topic} on partition: ${partition}`
      if (!isList(replicas)) invalid(where)
      if (!replicas.every(isCount)) invalid(`${where}. Replicas must be a non negative number`)
    }
  }
}

function checkPartitions(topics: readonly TopicPartitions[]): void {
  if (!isList(topics)) invalid(`Invalid topics array ${shown(topics)}`)
  checkTopicNames(topics, 'topics')
  for (const { topic, partitions } of topics) {
    if (!isList(partitions)) invalid(`Invalid partition array: ${shown(partitions)} for topic: ${topic}`)
    if (partitions.every(isCount)) continue
    invalid(
      `Invalid partition array: ${shown(partitions)} for topic: ${topic}. The partition indices have to be a valid number greater than 0.`,
    )
  }
}

type Change = { name: string; partitions: { partitionIndex: number; replicas: number[] | null }[] }

const change = (parts: AdminParts, topics: readonly Change[], timeoutMs: number): Promise<void> =>
  attempting(parts, 'Could not reassign partitions', async () => {
    const { body } = await parts.cluster.request('controller', alterPartitionReassignmentsApi, { topics, timeoutMs })
    check(body.errorCode, body.errorMessage)
    const failed = body.responses
      .flatMap(({ name, partitions }) => partitions.map(of => ({ name, ...of })))
      .filter(of => of.errorCode !== ErrorCode.NONE)
    for (const { errorCode, errorMessage } of failed) if (errorCode === ErrorCode.NOT_CONTROLLER) check(errorCode, errorMessage)
    if (failed.length === 0) return
    const failures = failed.map(
      ({ name, partitionIndex, errorCode, errorMessage }) =>
        new KafkaJSAlterPartitionReassignmentsError(protocolError(errorCode, errorMessage ?? undefined), name, partitionIndex),
    )
    throw new KafkaJSAggregateError('Errors altering partition reassignments', failures)
  })

const alterPartitionReassignments =
  (parts: AdminParts): ReassignmentAdmin['alterPartitionReassignments'] =>
  async ({ topics, timeout }) => {
    if (!isList(topics)) invalid(`Invalid topics array ${shown(topics)}`)
    checkTopicNames(topics, 'topics')
    checkAssignments(topics)
    const changes = topics.map(({ topic, partitionAssignment }) => ({
      name: topic,
      partitions: partitionAssignment.map(({ partition, replicas }) => ({ partitionIndex: partition, replicas })),
    }))
    await change(parts, changes, timeout ?? defaultTimeoutMs)
  }

const cancelPartitionReassignments =
  (parts: AdminParts): ReassignmentAdmin['cancelPartitionReassignments'] =>
  async ({ topics, timeout }) => {
    checkPartitions(topics)
    const changes = topics.map(({ topic, partitions }) => ({
      name: topic,
      partitions: partitions.map(partition => ({ partitionIndex: partition, replicas: null })),
    }))
    await change(parts, changes, timeout ?? defaultTimeoutMs)
  }

const listPartitionReassignments =
  (parts: AdminParts): ReassignmentAdmin['listPartitionReassignments'] =>
  async ({ topics = null, timeout } = {}) => {
    if (topics !== null) checkPartitions(topics)
    return attempting(parts, 'Could not list reassignments of partitions', async () => {
      const { body } = await parts.cluster.request('controller', listPartitionReassignmentsApi, {
        topics: topics?.map(({ topic, partitions }) => ({ name: topic, partitionIndexes: partitions })) ?? null,
        timeoutMs: timeout ?? defaultTimeoutMs,
      })
      check(body.errorCode, body.errorMessage)
      const named = body.topics.map(({ name, partitions }) => ({
        topic: name,
        name,
        partitions: partitions.map(of => ({ partition: of.partitionIndex, ...of })),
      }))
      return { topics: named }
    })
  }

const electLeaders =
  (parts: AdminParts): ReassignmentAdmin['electLeaders'] =>
  async ({ type = 'preferred', topics = null, timeout } = {}) => {
    if (topics !== null) checkPartitions(topics)
    return attempting(parts, 'Could not elect leaders', async () => {
      const { body } = await parts.cluster.request('controller', electLeadersApi, version => {
        if (version === 0 && type !== 'preferred')
          throw protocolError(ErrorCode.UNSUPPORTED_VERSION, 'The broker is older than Kafka 2.4 and elects only preferred leaders')
        return {
          ...(version >= 1 && { electionType: type === 'preferred' ? 0 : 1 }),
          topicPartitions: topics,
          timeoutMs: timeout ?? electionTimeoutMs,
        }
      })
      check(body.errorCode)
      return body.replicaElectionResults.flatMap(({ topic, partitionResult }) =>
        partitionResult.map(({ partitionId, errorCode, errorMessage }) => ({ topic, partition: partitionId, errorCode, errorMessage })),
      )
    })
  }

/** Makes the part of an admin that deals with replicas and leaders. */
export const reassignmentAdmin = (parts: AdminParts): ReassignmentAdmin => ({
  alterPartitionReassignments: alterPartitionReassignments(parts),
  cancelPartitionReassignments: cancelPartitionReassignments(parts),
  listPartitionReassignments: listPartitionReassignments(parts),
  electLeaders: electLeaders(parts),
})
