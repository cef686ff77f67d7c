// What a Fetch answer means for each of its partitions (classes FetchCollector and AbstractFetch).
import type { ResponseOf } from '@ottla/protocol'
import { ErrorCode, errorOf, type fetchApi } from '@ottla/protocol'
import { KafkaJSCorruptRecordError, KafkaJSOffsetOutOfRange, protocolError } from '../../errors/index.ts'
import { Fetched, reasonOf, type Unreadable } from './fetched.ts'
import type { Frame } from './memory.ts'
import type { ReadPartition } from './read-partition.ts'
import type { Reading } from './reading.ts'
import type { FetchSession } from './session.ts'

type FetchAnswer = ResponseOf<typeof fetchApi>
type PartitionAnswer = FetchAnswer['responses'][number]['partitions'][number]

/** The largest batch that is asked for when one did not come as a whole. */
const MAX_BATCH_BYTES = 0x7fffffff

interface Answered {
  readonly body: FetchAnswer
  readonly session: FetchSession<ReadPartition>
  readonly nodeId: number
}

/** Deals with an answer; returns of how many partitions it brought records. */
export function answered(reading: Reading, { body, session, nodeId }: Answered): number {
  let frameBytes = 0
  for (const { partitions } of body.responses) for (const { records } of partitions) frameBytes += records?.length ?? 0
  const frame = reading.memory.frame(frameBytes)
  const nodes = body.nodeEndpoints
  let withRecords = 0
  let isStale = false
  for (const topic of body.responses) {
    for (const answer of topic.partitions) {
      const entry = session.entry(topic, answer.partitionIndex)
      if (entry === undefined) {
        session.restart()
        continue
      }
      const read = entry.wanted
      // Moved, taken away or answered already: not for this position.
      if (read.isRemoved || entry.version !== read.version || entry.offset !== read.offset || read.buffered !== undefined) continue
      if (answer.errorCode === ErrorCode.NONE) {
        if (arrived(reading, read, { answer, frame })) withRecords++
      } else isStale = failed(reading, read, { answer, nodeId, nodes }) || isStale
      reading.changed(read)
    }
  }
  if (isStale) refresh(reading)
  return withRecords
}

/** Whether there is something to take now. */
function arrived(reading: Reading, read: ReadPartition, { answer, frame }: { answer: PartitionAnswer; frame: Frame }): boolean {
  const { settings } = reading
  read.highWatermark = answer.highWatermark
  read.endOffset = settings.readUncommitted || answer.lastStableOffset < 0 ? answer.highWatermark : answer.lastStableOffset
  if (answer.logStartOffset >= 0) read.logStartOffset = answer.logStartOffset
  const { preferredReadReplica } = answer
  if (preferredReadReplica >= 0 && read.preferred?.nodeId !== preferredReadReplica) {
    read.preferred = { nodeId: preferredReadReplica, untilMs: reading.nowMs + settings.preferredReplicaMaxAgeMs }
    reading.place(read)
  }
  const { records } = answer
  if (records === null || records.length === 0) {
    read.failures = 0
    return false
  }
  const { topic, partition, offset: fetchOffset, version, endOffset, highWatermark, logStartOffset } = read
  const aborted = settings.readUncommitted ? null : answer.abortedTransactions
  const facts = { topic, partition, fetchOffset, version, endOffset, highWatermark, logStartOffset, aborted }
  const fetched = new Fetched(facts, records, read.offsetEpoch)
  const unreadable = fetched.scan()
  if (fetched.nextOffset === fetchOffset) {
    nothingNew(reading, read, { fetched, unreadable })
    return false
  }
  fetched.frame = frame.use()
  read.buffered = fetched
  read.bufferedSinceMs = reading.nowMs
  read.offset = fetched.nextOffset
  read.offsetEpoch = fetched.leaderEpoch
  read.fetchBytes = settings.maxBytesPerPartition
  return true
}

/** Bytes came, but no batch that goes on from the position. */
function nothingNew(
  reading: Reading,
  read: ReadPartition,
  { fetched, unreadable }: { fetched: Fetched; unreadable: Unreadable | undefined },
): void {
  const { bytesWanted } = fetched
  if (unreadable === undefined && fetched.sizeBytes === 0 && bytesWanted > read.fetchBytes && bytesWanted <= MAX_BATCH_BYTES) {
    read.fetchBytes = bytesWanted
    return
  }
  const cause =
    unreadable?.cause ??
    new Error(fetched.sizeBytes === 0 ? 'the batch is cut off' : 'the batches end before the offset that was asked for')
  corrupt(reading, read, { offset: read.offset, cause })
}

/** `take` throws that records cannot be read, and they are asked for again later: it may be one replica that is damaged. */
export function corrupt(reading: Reading, read: ReadPartition, { offset, cause }: Unreadable): void {
  const { topic, partition } = read
  const message = `Records of ${topic}-${partition} from offset ${offset} on cannot be read: ${reasonOf(cause)}`
  read.error = new KafkaJSCorruptRecordError(message, { topic, partition, offset, cause })
  reading.backOff(read)
}

interface FailedAnswer {
  readonly answer: PartitionAnswer
  readonly nodeId: number
  readonly nodes: FetchAnswer['nodeEndpoints']
}

/** Whether metadata should be asked for. */
function failed(reading: Reading, read: ReadPartition, { answer, nodeId, nodes }: FailedAnswer): boolean {
  const { errorCode, currentLeader } = answer
  const { topic, partition } = read
  const facts = errorOf(errorCode)
  const { cluster } = reading
  cluster.logger.debug('Partition was not fetched', { topic, partition, nodeId, error: facts.name })
  if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
    outOfRange(reading, read)
    return false
  }
  if (errorCode === ErrorCode.CORRUPT_MESSAGE) {
    corrupt(reading, read, { offset: read.offset, cause: protocolError(errorCode, 'the broker finds them corrupt') })
    return false
  }
  const wasPreferred = read.preferred !== undefined
  read.preferred = undefined
  if (!facts.retriable) {
    read.error = protocolError(errorCode, `${topic}-${partition}: ${facts.message}`)
    reading.backOff(read)
    return false
  }
  if (facts.refreshMetadata && currentLeader.leaderId >= 0 && currentLeader.leaderEpoch > read.leaderEpoch) {
    // The broker told who leads (KIP-951): no need to ask and to wait.
    cluster.learnLeader(topic, partition, currentLeader, nodes)
    reading.place(read)
    if (read.leaderEpoch >= currentLeader.leaderEpoch) return false
  }
  if (wasPreferred) reading.place(read)
  else reading.backOff(read)
  return facts.refreshMetadata || errorCode === ErrorCode.UNKNOWN_LEADER_EPOCH
}

function outOfRange(reading: Reading, read: ReadPartition): void {
  if (read.preferred !== undefined) {
    // A follower may be behind, or have deleted less: its leader decides.
    read.preferred = undefined
    reading.place(read)
    return
  }
  if (reading.settings.offsetReset(read.topic) === 'none') {
    failOutOfRange(reading, read)
    return
  }
  read.resetReason = 'out-of-range'
  read.errand = 'reset'
}

/** `take` throws that the position is not there. */
export function failOutOfRange(reading: Reading, read: ReadPartition): void {
  const { topic, partition, offset } = read
  const place = `${topic}-${partition}`
  const message = offset < 0 ? `${place} has no offset to begin with` : `${place} does not have the offset ${offset}`
  read.error = new KafkaJSOffsetOutOfRange(protocolError(ErrorCode.OFFSET_OUT_OF_RANGE, message), { topic, partition })
  reading.backOff(read)
}

function refresh(reading: Reading): void {
  reading.cluster.refresh().catch(error => reading.cluster.logger.debug('Metadata cannot be refreshed', { error: String(error) }))
}
