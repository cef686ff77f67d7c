// ListOffsets, versions 1 to 11: the ends of a partition and the first record at or after a time (KIP-79), up to the high watermark, or to
// the last stable offset for readers of committed records. Special times: -1 latest, -2 earliest, -3 the record with the greatest
// timestamp (KIP-734), -4 earliest here, -5 latest in other tiers (none), -6 earliest to be uploaded (none).
import type { ListOffsetsRequest, Logger } from '@ottla/protocol'
import { ErrorCode, KafkaError, listOffsetsApi } from '@ottla/protocol'
import type { Partition } from '../replica/partition.ts'
import type { Replicas } from '../replica/replicas.ts'
import type { AnyHandler } from '../requests/handler.ts'
import { handler } from '../requests/handler.ts'

type Requested = ListOffsetsRequest['topics'][number]['partitions'][number]

interface Found {
  readonly timestamp: number
  readonly offset: number
  readonly leaderEpoch: number
}

interface PartitionAnswer {
  readonly partitionIndex: number
  readonly errorCode: number
  readonly timestamp?: number
  readonly offset?: number
  readonly leaderEpoch?: number
}

/** What all partitions of a request have in common. */
interface Question {
  readonly request: ListOffsetsRequest
  readonly apiVersion: number
}

const LATEST = -1
const EARLIEST = -2
const MAX_TIMESTAMP = -3
const EARLIEST_LOCAL = -4
const LATEST_TIERED = -5
const EARLIEST_PENDING_UPLOAD = -6

/** The first version that knows each special time. */
const firstVersion: ReadonlyMap<number, number> = new Map([
  [LATEST, 1],
  [EARLIEST, 1],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11],
])

const CONSUMER = -1
const READ_COMMITTED = 1

const nothing: Found = { timestamp: -1, offset: -1, leaderEpoch: -1 }

const isUnknownTime = (timestamp: number, apiVersion: number): boolean =>
  timestamp < 0 && apiVersion < (firstVersion.get(timestamp) ?? Number.POSITIVE_INFINITY)

/** Up to where the asker may look: a replica sees everything. */
const endOffsetOf = (partition: Partition, request: ListOffsetsRequest): number => {
  if (request.replicaId !== CONSUMER) return partition.leaderLog().writtenOffset
  return partition.endOffsetFor(request.isolationLevel === READ_COMMITTED)
}

/** A new leader may not say where the end is before its high watermark has caught up with the beginning of its epoch (KIP-207). */
const ensureCaughtUp = (partition: Partition, request: ListOffsetsRequest): void => {
  if (request.replicaId !== CONSUMER || partition.epochStartOffset <= partition.highWatermark) return
  throw new KafkaError(ErrorCode.OFFSET_NOT_AVAILABLE)
}

const earliest = (partition: Partition): Found => {
  const { leaderEpochs, logStartOffset } = partition.leaderLog()
  const first = leaderEpochs.earliest
  const isKnown = first !== undefined && first.startOffset <= logStartOffset
  return { timestamp: -1, offset: logStartOffset, leaderEpoch: isKnown ? first.epoch : -1 }
}

const find = (partition: Partition, requested: Requested, request: ListOffsetsRequest): Found | Promise<Found> => {
  const { currentLeaderEpoch, timestamp } = requested
  const error = partition.errorForLeader(currentLeaderEpoch)
  if (error !== ErrorCode.NONE) throw new KafkaError(error)
  partition.settle()
  switch (timestamp) {
    case LATEST:
      ensureCaughtUp(partition, request)
      return { timestamp: -1, offset: endOffsetOf(partition, request), leaderEpoch: partition.leaderEpoch }
    case EARLIEST:
    case EARLIEST_LOCAL:
      return earliest(partition)
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return nothing
    default:
      return findByTime(partition, timestamp, request)
  }
}

const findByTime = async (partition: Partition, timestamp: number, request: ListOffsetsRequest): Promise<Found> => {
  const log = partition.leaderLog()
  const endOffset = endOffsetOf(partition, request)
  const found = timestamp === MAX_TIMESTAMP ? await log.maxTimestampOffset(endOffset) : await log.offsetForTimestamp(timestamp, endOffset)
  if (found !== null) return found
  ensureCaughtUp(partition, request)
  return nothing
}

/** Names of partitions that a request has twice. */
const duplicatesOf = (request: ListOffsetsRequest): ReadonlySet<string> => {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const topic of request.topics) {
    for (const { partitionIndex } of topic.partitions) {
      const name = `${topic.name}-${partitionIndex}`
      if (seen.has(name)) twice.add(name)
      seen.add(name)
    }
  }
  return twice
}

/** Makes the handler. */
export const listOffsets = (parts: { replicas: Replicas; logger: Logger }): AnyHandler => {
  const { logger, replicas } = parts

  const errorOf = (error: unknown, place: { topic: string; partition: number }, apiVersion: number): number => {
    if (!(error instanceof KafkaError)) {
      logger.error({ ...place, err: error }, 'looking up an offset failed')
      return ErrorCode.UNKNOWN_SERVER_ERROR
    }
    return error.code === ErrorCode.OFFSET_NOT_AVAILABLE && apiVersion < 5 ? ErrorCode.LEADER_NOT_AVAILABLE : error.code
  }

  const answer = (topic: string, requested: Requested, { apiVersion, request }: Question): PartitionAnswer | Promise<PartitionAnswer> => {
    const { partitionIndex, timestamp } = requested
    const succeed = ({ leaderEpoch, offset, timestamp: time }: Found): PartitionAnswer => {
      const found = { partitionIndex, errorCode: ErrorCode.NONE, timestamp: time, offset }
      return apiVersion >= 4 ? { ...found, leaderEpoch } : found
    }
    const fail = (error: unknown): PartitionAnswer => ({
      partitionIndex,
      errorCode: errorOf(error, { topic, partition: partitionIndex }, apiVersion),
    })
    if (isUnknownTime(timestamp, apiVersion)) return { partitionIndex, errorCode: ErrorCode.UNSUPPORTED_VERSION }
    const partition = replicas.locate(topic, partitionIndex)
    if (typeof partition === 'number') return { partitionIndex, errorCode: partition }
    try {
      const found = find(partition, requested, request)
      return found instanceof Promise ? found.then(succeed, fail) : succeed(found)
    } catch (error) {
      return fail(error)
    }
  }

  return handler({
    api: listOffsetsApi,
    versions: [1, 11],
    async handle(request, { apiVersion }) {
      const duplicates = duplicatesOf(request)
      const topics: { name: string; partitions: PartitionAnswer[] }[] = []
      for (const { name, partitions } of request.topics) {
        const answers: PartitionAnswer[] = []
        for (const requested of partitions) {
          if (answers.length + topics.length > 0 && replicas.slices.isOver) await replicas.slices.pause()
          const { partitionIndex } = requested
          const isTwice = duplicates.has(`${name}-${partitionIndex}`)
          answers.push(
            isTwice ? { partitionIndex, errorCode: ErrorCode.INVALID_REQUEST } : await answer(name, requested, { apiVersion, request }),
          )
        }
        topics.push({ name, partitions: answers })
      }
      return { throttleTimeMs: 0, topics }
    },
  })
}
