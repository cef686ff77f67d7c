// Fetching from one broker: one request under way at a time, in a fetch session, for all partitions that can take more.
import type { FetchRequestInit, ResponseOf } from '@ottla/protocol'
import { ErrorCode, fetchApi, ZERO_UUID } from '@ottla/protocol'
import { KafkaJSNumberOfRetriesExceeded } from '../../errors/index.ts'
import { answered } from './answers.ts'
import type { ReadPartition } from './read-partition.ts'
import type { Reading } from './reading.ts'
import { FetchSession } from './session.ts'

/** From which version on topics go by id (KIP-516). */
const TOPIC_IDS_VERSION = 13
/**
 * While records of a partition lie here untaken, its broker is not asked for others: a request for those might wait for long at the broker, and
 * with it the partition that is taken in the meantime. After so many ms it is asked all the same, and waits for at most half as long as the records have lain.
 */
const HOLD_MS = 10
/** The longest wait at the broker when it is not meant to gather records: partitions that are added or moved have to wait for it. */
const LONGEST_WAIT_MS = 500

export class NodeFetch {
  readonly nodeId: number
  readonly #reading: Reading
  readonly #partitions = new Set<ReadPartition>()
  /** Partitions with untaken records, the oldest first. */
  readonly #untaken = new Set<ReadPartition>()
  readonly #session = new FetchSession<ReadPartition>()
  #isUnderWay = false
  #failures = 0
  #retryAtMs = 0

  constructor(reading: Reading, nodeId: number) {
    this.#reading = reading
    this.nodeId = nodeId
  }

  get isIdle(): boolean {
    return this.#partitions.size === 0 && !this.#isUnderWay && this.#session.id === 0
  }

  add(read: ReadPartition): void {
    this.#partitions.add(read)
  }

  remove(read: ReadPartition): void {
    this.#partitions.delete(read)
    this.#untaken.delete(read)
  }

  changed(read: ReadPartition): void {
    if (read.buffered === undefined || read.isPaused) this.#untaken.delete(read)
    else this.#untaken.add(read)
  }

  /** Sends a request if one can be sent and makes sense. */
  fetchIfDue(): void {
    const reading = this.#reading
    if (this.#isUnderWay || this.#partitions.size === 0) return
    const nowMs = reading.nowMs
    if (this.#retryAtMs > nowMs) return reading.wakeAt(this.#retryAtMs)
    const { settings, memory } = reading
    const fullWaitMs = settings.minBytes > 1 ? settings.maxWaitTimeInMs : Math.min(settings.maxWaitTimeInMs, LONGEST_WAIT_MS)
    let maxWaitMs = fullWaitMs
    for (const oldest of this.#untaken) {
      const untakenMs = nowMs - oldest.bufferedSinceMs
      if (untakenMs < HOLD_MS) return reading.wakeAt(oldest.bufferedSinceMs + HOLD_MS)
      maxWaitMs = Math.min(fullWaitMs, Math.floor(untakenMs / 2))
      break
    }
    const shareBytes = Math.floor(memory.freeBytes / reading.nodes.size)
    const enoughBytes = Math.min(settings.maxBytesPerPartition, memory.limitBytes / reading.nodes.size / 2)
    if (memory.usedBytes > 0 && shareBytes < enoughBytes) return
    const wanted = this.#wanted(nowMs)
    if (wanted.length === 0) return
    void this.#fetch(wanted, { maxWaitMs, maxBytes: Math.max(1, Math.min(settings.maxBytes, shareBytes)) })
  }

  #wanted(nowMs: number): ReadPartition[] {
    const wanted: ReadPartition[] = []
    for (const read of this.#partitions) {
      if (!read.isFetchable) continue
      if (read.retryAtMs > nowMs) this.#reading.wakeAt(read.retryAtMs)
      else if (read.preferred !== undefined && read.preferred.untilMs <= nowMs) this.#reading.place(read)
      else wanted.push(read)
    }
    return wanted
  }

  /** Never rejects. */
  async #fetch(wanted: readonly ReadPartition[], limits: { readonly maxWaitMs: number; readonly maxBytes: number }): Promise<void> {
    const reading = this.#reading
    const { cluster, settings, signal } = reading
    this.#isUnderWay = true
    try {
      const startedMs = reading.nowMs
      settings.events.fetchStart?.({ nodeId: this.nodeId })
      const haveIds = wanted.every(({ topicId }) => topicId !== ZERO_UUID)
      const body = (version: number): FetchRequestInit => {
        const asked = wanted.filter(read => read.node === this && read.isFetchable && read.retryAtMs <= reading.nowMs)
        const { minBytes, readUncommitted, rackId } = settings
        const session = this.#session.request(asked, version >= TOPIC_IDS_VERSION)
        return { ...limits, minBytes, isolationLevel: readUncommitted ? 0 : 1, rackId, ...session }
      }
      const timeoutMs = cluster.requestTimeoutMs + limits.maxWaitMs
      const options = haveIds ? { timeoutMs, signal } : { timeoutMs, signal, maxVersion: TOPIC_IDS_VERSION - 1 }
      const answer = await cluster.request(this.nodeId, fetchApi, body, options)
      if (reading.isEnded) return
      this.#failures = 0
      const numberOfBatches = this.#answered(answer.body)
      settings.events.fetch?.({ nodeId: this.nodeId, numberOfBatches, duration: reading.nowMs - startedMs })
    } catch (error) {
      if (!reading.isEnded) this.#failed(error instanceof Error ? error : new Error(String(error)))
    } finally {
      this.#isUnderWay = false
      if (this.isIdle) reading.nodes.delete(this.nodeId)
      reading.poke()
    }
  }

  /** Returns of how many partitions records came. */
  #answered(body: ResponseOf<typeof fetchApi>): number {
    const reading = this.#reading
    if (!this.#session.answered(body.errorCode, body.sessionId)) {
      const { errorCode } = body
      reading.cluster.logger.debug('Fetch session is begun anew', { nodeId: this.nodeId, errorCode })
      // An unknown session is answered at once; what else fails here may fail again.
      if (errorCode !== ErrorCode.FETCH_SESSION_ID_NOT_FOUND) this.#retryAtMs = reading.nowMs + reading.retryDelayMs(this.#failures++)
      if (errorCode === ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR || errorCode === ErrorCode.UNKNOWN_TOPIC_ID) void this.#refresh()
      return 0
    }
    return answered(reading, { body, session: this.#session, nodeId: this.nodeId })
  }

  #failed(error: Error): void {
    const reading = this.#reading
    const { cluster } = reading
    this.#session.restart()
    this.#retryAtMs = reading.nowMs + reading.retryDelayMs(this.#failures++)
    reading.wakeAt(this.#retryAtMs)
    cluster.logger.warn('Fetch failed', { nodeId: this.nodeId, error: error.message })
    // A replica that does not answer is not read from; its leader may know a better one.
    for (const read of this.#partitions) {
      if (read.preferred?.nodeId !== this.nodeId) continue
      read.preferred = undefined
      reading.place(read)
    }
    const isRetriable = 'retriable' in error && error.retriable === true
    if (!isRetriable) reading.fail(error)
    else if (this.#failures > cluster.retry.retries && this.#failures % (cluster.retry.retries + 1) === 0) {
      const retryTime = this.#retryAtMs - reading.nowMs
      reading.fail(new KafkaJSNumberOfRetriesExceeded(error, { retryCount: this.#failures - 1, retryTime }))
    }
    void this.#refresh()
  }

  async #refresh(): Promise<void> {
    try {
      await this.#reading.cluster.refresh()
    } catch (error) {
      this.#reading.cluster.logger.debug('Metadata cannot be refreshed', { error: String(error) })
    }
  }

  /** Tells the broker that the session is over, when it is not waiting for records; whether it hears of it does not matter. */
  async end(): Promise<void> {
    if (this.#session.id === 0 || this.#isUnderWay) return
    const limits = { maxWaitMs: 0, minBytes: 0, maxBytes: 1 }
    try {
      await this.#reading.cluster.request(this.nodeId, fetchApi, { ...limits, ...this.#session.end() }, { timeoutMs: 500 })
    } catch (error) {
      this.#reading.cluster.logger.debug('Fetch session could not be ended', { nodeId: this.nodeId, error: String(error) })
    }
  }
}
