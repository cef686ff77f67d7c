// Reading what a fetch asks for, one partition after another, within the bounds of the request (KIP-74: the first batch of the first
// partition that has one comes whatever its size). Bytes are never copied: they are on loan from the log until the response has left.
import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { FetchedData } from '@ottla/storage'
import type { Partition } from './partition.ts'
import type { Slices } from './slices.ts'
import type { Aborted, CommittedData } from './transaction-reads.ts'

/** What is asked of one partition. */
export interface FetchTarget {
  /** Empty where the topic is named by its id. */
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly fetchOffset: number
  /** -1: not compared. */
  readonly currentLeaderEpoch: number
  /** -1: not known. */
  readonly lastFetchedEpoch: number
  readonly partitionMaxBytes: number
}

/**
 * Bytes of records that all fetches together have read and that have not left yet, or are being read. Beyond `limit` every fetch gets
 * its first batch alone, so that clients that take little do not fill the memory.
 */
export class ReadLoans {
  readonly limit: number
  bytes = 0

  constructor(limit: number) {
    this.limit = limit
  }
}

/** Bounds and rules of one fetch. */
export interface FetchRules {
  /** Whoever names thousands of partitions goes on in later turns of the event loop. */
  readonly slices: Slices
  readonly maxBytes: number
  /** Shared by all fetches of a broker. */
  readonly loans: ReadLoans
  /** Isolation level 1: up to the last stable offset, with the aborted transactions. */
  readonly committedOnly: boolean
  /** The partition of a target, or the error code for it. */
  locate(target: FetchTarget): Partition | number
  /** Is told of errors that are no answer of the protocol's. */
  unexpected(target: FetchTarget, error: unknown): void
}

const NO_BYTES: readonly Buffer[] = []
const NONE_ABORTED: readonly Aborted[] = []

/** The answer for one partition, in the form of the response. */
export class PartitionRead {
  readonly target: FetchTarget
  readonly partitionIndex: number
  /** Null where there is no such partition here. */
  partition: Partition | null = null
  errorCode: number = ErrorCode.NONE
  highWatermark = -1
  lastStableOffset = -1
  logStartOffset = -1
  divergingEpoch: { epoch: number; endOffset: number } | undefined = undefined
  currentLeader: { leaderId: number; leaderEpoch: number } | undefined = undefined
  abortedTransactions: readonly Aborted[] | null = null
  preferredReadReplica = -1
  records: readonly Buffer[] = NO_BYTES
  size = 0
  /** The partition's `visibleBytes` when it was read. */
  visibleBytes = 0
  #data: FetchedData | null = null
  readonly #loans: ReadLoans

  constructor(target: FetchTarget, loans: ReadLoans) {
    this.target = target
    this.#loans = loans
    this.partitionIndex = target.partition
  }

  take(data: FetchedData): void {
    this.#data = data
    this.#loans.bytes += data.size
    this.records = data.chunks
    this.size = data.size
  }

  /** Notes the aborted transactions; returns the bytes, which are still to be taken. */
  committed({ aborted, data }: CommittedData): FetchedData {
    this.abortedTransactions = aborted
    return data
  }

  fail(errorCode: number): void {
    this.release()
    this.errorCode = errorCode
    this.highWatermark = -1
    this.lastStableOffset = -1
    this.logStartOffset = -1
    this.abortedTransactions = null
  }

  /** Gives the bytes back. */
  release(): void {
    const data = this.#data
    if (data === null) return
    this.#data = null
    this.#loans.bytes -= data.size
    this.records = NO_BYTES
    this.size = 0
    data.release()
  }
}

/** All answers of a fetch. */
export class FetchReads {
  readonly reads: PartitionRead[] = []
  bytes = 0
  /** Something that is answered at once, data or not: an error of a partition that exists, or a diverging epoch. */
  isUrgent = false
  /** Partitions that the cluster does not have. They are no reason to answer the others early: a client would ask in circles. */
  missing = 0

  /** Gives all bytes back. */
  release(): void {
    for (const read of this.reads) read.release()
  }
}

/** Where the epoch of the last record that the client has ends differently here, so that it must truncate (KIP-595). */
const divergence = (partition: Partition, target: FetchTarget): PartitionRead['divergingEpoch'] => {
  const end = partition.endOffsetForEpoch(target.lastFetchedEpoch)
  if (end.endOffset === -1 || end.epoch === -1 || target.fetchOffset < partition.logStartOffset) {
    throw new KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE)
  }
  return end.epoch < target.lastFetchedEpoch || end.endOffset < target.fetchOffset ? end : undefined
}

/** How much may be read of a partition: what is left of its own bytes, of the request's and of what all fetches may hold. */
const bytesLeft = (target: FetchTarget, { loans, maxBytes }: FetchRules, all: FetchReads): number =>
  Math.max(0, Math.min(target.partitionMaxBytes, maxBytes - all.bytes, loans.limit - loans.bytes))

/** Reads one partition within what is left of the request's bytes; its errors are part of the answer. */
const readPartition = (read: PartitionRead, rules: FetchRules, all: FetchReads): FetchedData | Promise<FetchedData> | null => {
  const { target } = read
  const located = rules.locate(target)
  if (typeof located === 'number') {
    read.errorCode = located
    return null
  }
  read.partition = located
  const error = located.errorForLeader(target.currentLeaderEpoch)
  if (error !== ErrorCode.NONE) {
    read.errorCode = error
    return null
  }
  located.counters.fetchRequests++
  read.highWatermark = located.highWatermark
  read.lastStableOffset = located.lastStableOffset(rules.committedOnly)
  read.logStartOffset = located.logStartOffset
  read.visibleBytes = located.visibleBytes
  if (rules.committedOnly) read.abortedTransactions = NONE_ABORTED
  if (target.lastFetchedEpoch >= 0) {
    read.divergingEpoch = divergence(located, target)
    if (read.divergingEpoch !== undefined) return null
  }
  const maxBytes = bytesLeft(target, rules, all)
  if (maxBytes === 0 && all.bytes > 0) {
    located.ensureInRange(target.fetchOffset)
    return null
  }
  const minOneBatch = all.bytes === 0
  const { fetchOffset: offset } = target
  if (!rules.committedOnly) return located.read({ offset, maxBytes, endOffset: read.highWatermark, minOneBatch })
  const found = located.readCommitted({ offset, maxBytes, endOffset: read.lastStableOffset, minOneBatch })
  return found instanceof Promise ? found.then(committed => read.committed(committed)) : read.committed(found)
}

const failRead = (read: PartitionRead, rules: FetchRules, error: unknown): void => {
  const isKnown = error instanceof KafkaError
  if (!isKnown || error.code === ErrorCode.UNKNOWN_SERVER_ERROR) {
    if (read.partition !== null) read.partition.counters.failedFetchRequests++
    rules.unexpected(read.target, error)
  }
  read.fail(isKnown ? error.code : ErrorCode.UNKNOWN_SERVER_ERROR)
}

const isMissing = (errorCode: number): boolean =>
  errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION || errorCode === ErrorCode.UNKNOWN_TOPIC_ID

const accept = (all: FetchReads, read: PartitionRead, data: FetchedData | null): void => {
  if (data !== null) {
    read.take(data)
    all.bytes += data.size
  }
  if (read.partition === null && isMissing(read.errorCode)) all.missing++
  else if (read.errorCode !== ErrorCode.NONE || read.divergingEpoch !== undefined) all.isUrgent = true
  all.reads.push(read)
}

/** So many partitions are read between two looks at the clock. */
const LOOK_EVERY = 32

/** Goes on after the reads that are there. */
const readFrom = (targets: readonly FetchTarget[], rules: FetchRules, all: FetchReads): FetchReads | Promise<FetchReads> => {
  const from = all.reads.length
  while (all.reads.length < targets.length) {
    if (all.reads.length > from && all.reads.length % LOOK_EVERY === 0 && rules.slices.isOver) {
      return rules.slices.pause().then(() => readFrom(targets, rules, all))
    }
    const target = targets[all.reads.length]
    if (target === undefined) break
    const read = new PartitionRead(target, rules.loans)
    let data: FetchedData | Promise<FetchedData> | null = null
    try {
      data = readPartition(read, rules, all)
    } catch (error) {
      failRead(read, rules, error)
    }
    if (data instanceof Promise) {
      const { loans } = rules
      const wanted = bytesLeft(target, rules, all)
      loans.bytes += wanted
      return data
        .then(
          found => {
            loans.bytes -= wanted
            accept(all, read, found)
          },
          (error: unknown) => {
            loans.bytes -= wanted
            failRead(read, rules, error)
            accept(all, read, null)
          },
        )
        .then(() => readFrom(targets, rules, all))
    }
    accept(all, read, data)
  }
  return all
}

/** Reads all targets in their order; at once where everything is in memory or in the page cache. Never rejects. */
export const readTargets = (targets: readonly FetchTarget[], rules: FetchRules): FetchReads | Promise<FetchReads> =>
  readFrom(targets, rules, new FetchReads())
