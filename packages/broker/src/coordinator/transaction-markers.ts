// Ends of transactions, written into the partitions of this broker (the part of WriteTxnMarkers that a partition's leader does, and the sending
// part of class TransactionMarkerChannelManager; KIP-98). A marker counts once it is replicated. Those in __consumer_offsets go through the
// group coordinator, for which offsets of the transaction count from then on.
import type { EndMarkers, MarkerOutcome, MarkerWriter } from '@ottla/coordinator'
import { type Clock, endTransactionMarker, ErrorCode, KafkaError, type Logger } from '@ottla/protocol'
import type { Partition } from '../replica/partition.ts'
import type { ImageSource, Replicas } from '../replica/replicas.ts'
import { type Deadlines, type OffsetWaiter, Waiter } from '../replica/waiting.ts'
import { type GroupCoordinator, OFFSETS_TOPIC } from './group-coordinator.ts'

/** One end of a transaction. */
export type Marker = Omit<EndMarkers, 'partitions'>

/** Where a marker goes. */
interface Place {
  readonly topic: string
  readonly partition: number
}

/** What it is made of. */
export interface LocalMarkersParts {
  readonly metadata: ImageSource
  readonly replicas: Replicas
  readonly groups: Pick<GroupCoordinator, 'endTransaction'>
  readonly clock: Clock
  readonly logger: Logger
  /** How long a marker may take to be replicated (`request.timeout.ms`). */
  readonly timeoutMs: () => number
}

/** See the top of the file. */
export class LocalMarkers implements MarkerWriter {
  readonly #parts: LocalMarkersParts
  /** By producer: until all that was asked for is appended. */
  readonly #writing = new Map<number, Promise<void>>()

  constructor(parts: LocalMarkersParts) {
    this.#parts = parts
  }

  async write(markers: EndMarkers): Promise<readonly MarkerOutcome[]> {
    const { image } = this.#parts.metadata
    const isThere = ({ partition, topic }: Place): boolean => image.topic(topic)?.partitions[partition] !== undefined
    const places: Place[] = []
    const outcomes: MarkerOutcome[] = []
    for (const [topic, numbers] of markers.partitions) {
      for (const partition of numbers) {
        if (isThere({ topic, partition })) places.push({ topic, partition })
        else outcomes.push({ topic, partition, outcome: 'gone' })
      }
    }
    for (const [at, outcome] of (await this.writeAll(places, markers)).entries()) {
      const place = places[at]
      if (place !== undefined) outcomes.push({ ...place, outcome })
    }
    return outcomes
  }

  /**
   * Writes the same marker into many partitions, in turns of the event loop that others share; their error codes, once all of them count.
   * Never rejects. Those of one producer are written in the order in which they were asked for: a marker that was overtaken could
   * end the producer's next transaction.
   */
  async writeAll(places: readonly Place[], marker: Marker): Promise<number[]> {
    const { producerId } = marker
    const before = this.#writing.get(producerId)
    const codes: number[] = []
    const acknowledged: Promise<void>[] = []
    const begin = (place: Place, at: number): void => {
      const written = this.#writeInto(place, marker)
      if (typeof written === 'number') codes[at] = written
      else acknowledged.push(written.then(code => void (codes[at] = code)))
    }
    const appendAll = () => this.#parts.replicas.slices.each(places, begin)
    const appended = before === undefined ? appendAll() : before.then(appendAll)
    if (appended !== null) {
      const writing = appended.then(() => undefined)
      this.#writing.set(producerId, writing)
      await writing
      if (this.#writing.get(producerId) === writing) this.#writing.delete(producerId)
    }
    await Promise.all(acknowledged)
    return codes
  }

  /** Writes one marker; it is appended when this returns. The error code, once it counts; never rejects. */
  #writeInto({ topic, partition: index }: Place, marker: Marker): number | Promise<number> {
    const { logger, replicas } = this.#parts
    const failed = (error: unknown): number => {
      if (error instanceof KafkaError) return error.code
      logger.error({ topic, partition: index, producerId: marker.producerId, err: error }, 'the end of a transaction could not be written')
      return ErrorCode.UNKNOWN_SERVER_ERROR
    }
    const partition = replicas.locate(topic, index)
    if (typeof partition === 'number') return partition
    try {
      const written = topic === OFFSETS_TOPIC ? this.#endOffsets(partition, marker) : this.#append(partition, marker)
      return typeof written === 'number' ? written : written.catch(failed)
    } catch (error) {
      return failed(error)
    }
  }

  #append(partition: Partition, marker: Marker): number | Promise<number> {
    const { clock, replicas, timeoutMs } = this.#parts
    const { producerId, producerEpoch, committed, coordinatorEpoch, transactionVersion } = marker
    const { config } = partition.leaderLog()
    const nowMs = clock.now()
    const batch = endTransactionMarker({ isCommit: committed, coordinatorEpoch }, { producerId, producerEpoch, timestamp: nowMs })
    if (config.messageTimestampType === 'LogAppendTime') batch.setMaxTimestamp(nowMs, true)
    const { lastOffset } = partition.appendBatch(batch, { acks: -1, nowMs, origin: 'coordinator', transactionVersion })
    const wait = new MarkerWait(lastOffset + 1, replicas.deadlines)
    partition.awaitAcks(wait, -1)
    return wait.errorCode ?? wait.begin(timeoutMs())
  }

  #endOffsets(partition: Partition, marker: Marker): number | Promise<number> {
    const { clock, groups } = this.#parts
    const { producerId, producerEpoch, committed, coordinatorEpoch, transactionVersion } = marker
    const { producers } = partition.leaderLog()
    const facts = { producerId, producerEpoch, coordinatorEpoch, timestamp: clock.now(), isAbort: !committed }
    producers.checkMarker(facts, { transactionVersion })
    try {
      const ended = groups.endTransaction(partition.index, { id: producerId, epoch: producerEpoch }, { committed, coordinatorEpoch })
      return ended instanceof Promise ? ended.then(() => ErrorCode.NONE).catch(codeOfGroups) : ErrorCode.NONE
    } catch (error) {
      return codeOfGroups(error)
    }
  }
}

/** A coordinator of groups that is not ready is, for one of transactions, a leader that is not there. */
const codeOfGroups = (error: unknown): number => {
  if (!(error instanceof KafkaError)) throw error
  const { COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, NOT_LEADER_OR_FOLLOWER } = ErrorCode
  const isNotReady =
    error.code === COORDINATOR_NOT_AVAILABLE || error.code === COORDINATOR_LOAD_IN_PROGRESS || error.code === NOT_COORDINATOR
  return isNotReady ? NOT_LEADER_OR_FOLLOWER : error.code
}

/** Waits until a marker is replicated. */
class MarkerWait extends Waiter implements OffsetWaiter {
  readonly requiredOffset: number
  settled = false
  errorCode: number | null = null
  readonly #deadlines: Deadlines
  #resolve: ((code: number) => void) | null = null

  constructor(requiredOffset: number, deadlines: Deadlines) {
    super()
    this.requiredOffset = requiredOffset
    this.#deadlines = deadlines
  }

  begin(timeoutMs: number): Promise<number> {
    return new Promise(resolve => {
      this.#resolve = resolve
      this.#deadlines.add(this, timeoutMs)
    })
  }

  reached(): void {
    this.#settle(ErrorCode.NONE)
  }

  failed(code: number): void {
    this.#settle(code)
  }

  /** As Waiter. */
  expire(): void {
    this.#settle(ErrorCode.REQUEST_TIMED_OUT)
  }

  #settle(code: number): void {
    this.settled = true
    this.errorCode = code
    if (this.#resolve === null) return
    this.#deadlines.remove(this)
    this.#resolve(code)
  }
}
