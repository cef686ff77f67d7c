// What partitions need before they can be fetched: a leader, an offset (ListOffsets), or the word of a new leader that it has what was read
// (OffsetForLeaderEpoch, KIP-320). Each round asks for all that are due, together.
import type { ResponseOf } from '@ottla/protocol'
import { ErrorCode, errorOf, offsetForLeaderEpochApi } from '@ottla/protocol'
import { protocolError } from '../../errors/index.ts'
import { listOffsets, type OffsetOutcome } from '../offsets-of.ts'
import { failOutOfRange } from './answers.ts'
import type { PositionReset } from './options.ts'
import type { ReadPartition } from './read-partition.ts'
import type { Reading } from './reading.ts'

/** From which version on OffsetForLeaderEpoch is meant for consumers too. */
const VALIDATION_VERSION = 3

type EpochEnd = ResponseOf<typeof offsetForLeaderEpochApi>['topics'][number]['partitions'][number]

/** Sees to partitions in trouble, as far as they are due. */
export class Errands {
  readonly #reading: Reading
  #isRefreshing = false

  constructor(reading: Reading) {
    this.#reading = reading
  }

  run(): void {
    const reading = this.#reading
    const nowMs = reading.nowMs
    const leaderless: ReadPartition[] = []
    const resets: ReadPartition[] = []
    const validations = new Map<number, ReadPartition[]>()
    for (const read of reading.troubled) {
      if (read.isBusy) continue
      if (read.retryAtMs > nowMs) reading.wakeAt(read.retryAtMs)
      else if (read.node === undefined) leaderless.push(read)
      else if (read.errand === 'reset') resets.push(read)
      else validations.set(read.node.nodeId, [...(validations.get(read.node.nodeId) ?? []), read])
    }
    if (leaderless.length > 0 && !this.#isRefreshing) void this.#findLeaders(leaderless)
    if (resets.length > 0) void this.#reset(resets)
    for (const [nodeId, reads] of validations) void this.#validate(nodeId, reads)
  }

  async #findLeaders(reads: readonly ReadPartition[]): Promise<void> {
    const reading = this.#reading
    const { cluster, signal } = reading
    this.#isRefreshing = true
    try {
      const unknown = new Set(reads.map(({ topic }) => topic).filter(topic => !cluster.image.topics.has(topic)))
      if (unknown.size > 0) await cluster.topics([...unknown], { signal })
      else await cluster.refresh()
    } catch (error) {
      if (!reading.isEnded) this.#failed(reads, error)
    }
    this.#isRefreshing = false
    if (reading.isEnded) return
    for (const read of reads) {
      if (read.isRemoved || read.node !== undefined) continue
      reading.place(read)
      if (read.node === undefined) reading.backOff(read)
    }
    reading.poke()
  }

  /** What is worth another try is only written down: partitions without leader are asked for for as long as they are wanted. */
  #failed(reads: readonly ReadPartition[], cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error(String(cause))
    const isRetriable = 'retriable' in error && error.retriable === true
    this.#reading.cluster.logger.warn('Leaders of partitions cannot be found', { partitions: reads.length, error: error.message })
    if (!isRetriable) this.#reading.fail(error)
  }

  async #reset(reads: readonly ReadPartition[]): Promise<void> {
    const reading = this.#reading
    const { cluster, settings, signal } = reading
    const asked: { readonly read: ReadPartition; readonly version: number; readonly at: 'earliest' | 'latest' }[] = []
    for (const read of reads) {
      const at = settings.offsetReset(read.topic)
      if (at === 'none') {
        failOutOfRange(reading, read)
        reading.changed(read)
      } else {
        read.isBusy = true
        asked.push({ read, version: read.version, at })
      }
    }
    if (asked.length === 0) return
    const queries = asked.map(({ read: { topic, partition }, at }) => ({ topic, partition, at }))
    const { readUncommitted } = settings
    const outcomes = await listOffsets(cluster, queries, { readUncommitted, signal }).catch(() => [])
    let isStale = false
    for (const [index, { read, version }] of asked.entries()) {
      read.isBusy = false
      const outcome = outcomes[index]
      if (reading.isEnded || read.isRemoved || read.version !== version || outcome === undefined) continue
      isStale = this.#wasReset(read, outcome) || isStale
      reading.changed(read)
    }
    if (isStale) void this.#refresh()
    reading.poke()
  }

  /** Whether metadata should be asked for. */
  #wasReset(read: ReadPartition, outcome: OffsetOutcome): boolean {
    const reading = this.#reading
    if ('error' in outcome) {
      const facts = errorOf(outcome.code)
      if (!facts.retriable) read.error = outcome.error
      reading.backOff(read)
      return facts.refreshMetadata
    }
    read.errand = undefined
    read.failures = 0
    this.#moved(read, { to: outcome.offset, reason: read.resetReason })
    read.offsetEpoch = outcome.leaderEpoch
    return false
  }

  #moved(read: ReadPartition, { to, reason }: { readonly to: number; readonly reason: PositionReset['reason'] }): void {
    const { topic, partition, offset: from } = read
    read.offset = to
    const { cluster, settings } = this.#reading
    if (reason !== 'unset') cluster.logger.warn('Position is not there, reading goes on elsewhere', { topic, partition, from, to, reason })
    settings.events.positionReset?.({ topic, partition, from, to, reason })
  }

  async #validate(nodeId: number, reads: readonly ReadPartition[]): Promise<void> {
    const reading = this.#reading
    const { cluster, signal } = reading
    const asked = reads.map(read => ({ read, version: read.version, leaderEpoch: read.leaderEpoch }))
    for (const { read } of asked) read.isBusy = true
    const ends = new Map<string, EpochEnd>()
    let isSupported = true
    try {
      const partitionsOf = byTopic(reads)
      const topics = [...partitionsOf].map(([topic, partitions]) => ({
        topic,
        partitions: partitions.map(({ partition, leaderEpoch, offsetEpoch }) => ({
          partition,
          currentLeaderEpoch: leaderEpoch,
          leaderEpoch: offsetEpoch,
        })),
      }))
      isSupported = (await cluster.versionOf(nodeId, offsetForLeaderEpochApi)) >= VALIDATION_VERSION
      if (isSupported) {
        const answer = await cluster.request(nodeId, offsetForLeaderEpochApi, { replicaId: -1, topics }, { signal })
        for (const { topic, partitions } of answer.body.topics) for (const end of partitions) ends.set(`${topic}-${end.partition}`, end)
      }
    } catch (error) {
      if (!reading.isEnded) cluster.logger.warn('Positions cannot be compared with a new leader', { nodeId, error: String(error) })
    }
    let isStale = false
    for (const { read, version, leaderEpoch } of asked) {
      read.isBusy = false
      if (reading.isEnded || read.isRemoved || read.version !== version || read.leaderEpoch !== leaderEpoch) continue
      const end = ends.get(`${read.topic}-${read.partition}`)
      if (!isSupported) read.errand = undefined
      else if (end !== undefined && end.errorCode === ErrorCode.NONE) this.#compare(read, end)
      else isStale = this.#notCompared(read, end?.errorCode ?? ErrorCode.NETWORK_EXCEPTION) || isStale
      reading.changed(read)
    }
    if (isStale) void this.#refresh()
    reading.poke()
  }

  #notCompared(read: ReadPartition, errorCode: number): boolean {
    const facts = errorOf(errorCode)
    if (!facts.retriable) read.error = protocolError(errorCode, `${read.topic}-${read.partition}: ${facts.message}`)
    this.#reading.backOff(read)
    return facts.refreshMetadata || errorCode === ErrorCode.UNKNOWN_LEADER_EPOCH
  }

  /** The leader says where the epoch of what was read last ended with it. */
  #compare(read: ReadPartition, { endOffset, leaderEpoch }: EpochEnd): void {
    read.errand = undefined
    read.failures = 0
    const isUndefined = endOffset < 0 || leaderEpoch < 0
    if (!isUndefined && endOffset >= read.offset) return
    // Records that were read are gone. What lies here untaken may be among them.
    read.dropBuffered()
    if (this.#reading.settings.offsetReset(read.topic) === 'none') {
      failOutOfRange(this.#reading, read)
      // Once told, reading goes on from here, if the leader has it.
      read.offsetEpoch = -1
    } else if (isUndefined) {
      read.resetReason = 'out-of-range'
      read.errand = 'reset'
    } else if (endOffset < read.offset) {
      this.#moved(read, { to: endOffset, reason: 'truncated' })
      read.offsetEpoch = leaderEpoch
    }
  }

  async #refresh(): Promise<void> {
    try {
      await this.#reading.cluster.refresh()
    } catch (error) {
      this.#reading.cluster.logger.debug('Metadata cannot be refreshed', { error: String(error) })
    }
  }
}

const byTopic = (reads: readonly ReadPartition[]): Map<string, ReadPartition[]> => {
  const topics = new Map<string, ReadPartition[]>()
  for (const read of reads) {
    const partitions = topics.get(read.topic) ?? []
    topics.set(read.topic, partitions)
    partitions.push(read)
  }
  return topics
}
