// Sends batches to the leaders of their partitions (class Sender): up to five requests under way per broker, batches of many partitions in one
// request, each partition's batches in order, also when they are sent again.
import { ErrorCode, produceApi, type ProduceResponse } from '@ottla/protocol'
import type { Timer } from '@ottla/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import { KafkaJSNumberOfRetriesExceeded, KafkaJSTimeout, protocolError } from '../errors/index.ts'
import { asError } from '../network/as-error.ts'
import { isRetriable, type RetrySettings } from '../retry.ts'
import type { Accumulator } from './accumulator.ts'
import type { ProducerBatch } from './batch.ts'
import type { BufferMemory } from './buffer-memory.ts'
import type { Placement } from './delivery.ts'
import type { Gate } from './gate.ts'
import { outcomeOf } from './outcome.ts'
import type { PartitionQueue } from './partition-queue.ts'
import { produceRequest, resultsOf, type Sent } from './produce-request.ts'

/** What of a producer's settings the sender needs. */
export interface SenderSettings {
  readonly lingerMs: number
  readonly maxInFlight: number
  readonly maxRequestSize: number
  readonly retry: RetrySettings
}

/** What the sender works with. */
export interface SenderParts {
  readonly cluster: Cluster
  readonly accumulator: Accumulator
  readonly memory: BufferMemory
  readonly gate: Gate
  readonly settings: SenderSettings
}

/** Requests are not made larger than this by putting more partitions into them. */
const REQUEST_BYTES = 8 * 1024 * 1024

/** See the top of the file. */
export class Sender {
  readonly #cluster: Cluster
  readonly #accumulator: Accumulator
  readonly #memory: BufferMemory
  readonly #gate: Gate
  readonly #settings: SenderSettings
  /** Requests under way, by node. */
  readonly #inFlight = new Map<number, number>()
  #planned = false
  #flushing = 0
  #isStopped = false
  #refreshing = false
  #refreshedAtMs = Number.NEGATIVE_INFINITY
  #timer: Timer | undefined
  #timerAtMs = 0

  constructor({ cluster, accumulator, memory, gate, settings }: SenderParts) {
    this.#cluster = cluster
    this.#accumulator = accumulator
    this.#memory = memory
    this.#gate = gate
    this.#settings = settings
    gate.changed = () => this.wake()
    gate.broken = error => this.giveUp(error)
  }

  /** Sends what is ready at the end of this turn of the event loop. */
  wake(): void {
    if (this.#planned || this.#isStopped) return
    this.#planned = true
    setImmediate(() => {
      this.#planned = false
      this.#drain()
    })
  }

  /** Resolves when all batches of now are done; they do not linger. */
  async flush(): Promise<void> {
    const { incomplete } = this.#accumulator
    if (incomplete.size === 0) return
    this.#flushing++
    this.wake()
    await new Promise<void>(resolve => {
      let open = incomplete.size
      const done = (): void => {
        if (--open === 0) resolve()
      }
      for (const batch of incomplete.keys()) (batch.onDone ??= []).push(done)
    })
    this.#flushing--
  }

  /** Gives up all batches. */
  giveUp(error: Error): void {
    for (const queue of this.#accumulator.queues()) {
      for (const batch of queue.waiting.splice(0)) this.#failed(queue, batch, error)
    }
  }

  /** Nothing is sent any more; what there still is fails. */
  stop(error: Error): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#timer = undefined
    this.#gate.stop()
    this.giveUp(error)
    for (const batch of this.#accumulator.incomplete.keys()) this.#end(batch, () => batch.failed(error))
  }

  #drain(): void {
    if (this.#isStopped) return
    const nowMs = this.#cluster.clock.monotonic()
    this.#expire(nowMs)
    const { ready } = this.#accumulator
    const byNode = new Map<number, PartitionQueue[]>()
    let nextMs = Number.POSITIVE_INFINITY
    let isLeaderMissing = false
    for (const queue of ready) {
      if (queue.waiting.length === 0) {
        ready.delete(queue)
        continue
      }
      const atMs = this.#readyAtMs(queue, nowMs)
      if (atMs > nowMs) {
        nextMs = Math.min(nextMs, atMs)
        continue
      }
      const leader = this.#cluster.leaderOf(queue.topic, queue.partition) ?? -1
      if (leader < 0) {
        isLeaderMissing = true
        noteMissing(queue)
      } else if (!this.#gate.admits(queue)) continue
      else {
        const queues = byNode.get(leader)
        if (queues === undefined) byNode.set(leader, [queue])
        else queues.push(queue)
      }
    }
    for (const [node, queues] of byNode) this.#sendTo(node, queues, nowMs)
    if (isLeaderMissing) {
      const atMs = this.#refreshedAtMs + this.#settings.retry.initialRetryTime
      if (atMs <= nowMs) this.#refresh()
      else nextMs = Math.min(nextMs, atMs)
    }
    const [oldest] = this.#accumulator.incomplete.keys()
    this.#wakeAt(Math.min(nextMs, oldest?.deadlineMs ?? Number.POSITIVE_INFINITY), nowMs)
  }

  /** From when on the partition's first batch can be sent; Infinity where an answer has to come before. */
  #readyAtMs(queue: PartitionQueue, nowMs: number): number {
    const [head] = queue.waiting
    if (head === undefined) return Number.POSITIVE_INFINITY
    if (queue.isLost || (queue.isGapped && head.producer === undefined)) {
      if (queue.inFlight.length > 0) return Number.POSITIVE_INFINITY
      queue.restart()
      this.#gate.renew()
    }
    if (!queue.mayPipeline) return Number.POSITIVE_INFINITY
    if (head.kind.acks === -1 && this.#gate.name() === undefined) return Number.POSITIVE_INFINITY
    if (queue.retryAtMs > nowMs) return queue.retryAtMs
    if (head.isClosed || this.#flushing > 0 || this.#memory.isShort || this.#settings.lingerMs === 0) return nowMs
    return head.createdMs + this.#settings.lingerMs
  }

  #sendTo(node: number, queues: PartitionQueue[], nowMs: number): void {
    let offset = 0
    while ((this.#inFlight.get(node) ?? 0) < this.#settings.maxInFlight) {
      const sent: Sent[] = []
      let bytes = 0
      for (let step = 0; step < queues.length; step++) {
        const queue = queues[(offset + step) % queues.length]
        const batch = queue?.waiting[0]
        if (queue === undefined || batch === undefined || this.#readyAtMs(queue, nowMs) > nowMs || !this.#isCompressed(queue)) continue
        const [first] = sent
        if (first !== undefined && (first.batch.kind.acks !== batch.kind.acks || first.batch.kind.timeoutMs !== batch.kind.timeoutMs))
          continue
        if (first !== undefined && bytes + batch.sizeBytes > Math.min(REQUEST_BYTES, this.#settings.maxRequestSize)) break
        const records = this.#take(queue, batch)
        if (records === undefined) continue
        bytes += records.length
        sent.push({ queue, batch, records })
      }
      if (sent.length === 0) return
      offset++
      this.#send(node, sent)
    }
  }

  /** Whether the partition's first batch needs no other thread any more; those behind it that are full are compressed at the same time. */
  #isCompressed(queue: PartitionQueue): boolean {
    const [head] = queue.waiting
    if (head === undefined || head.kind.compression === 'none') return true
    for (const batch of queue.waiting.slice(0, this.#settings.maxInFlight)) {
      if (batch !== head && !batch.isClosed) break
      this.#close(queue, batch)
      batch.compress(error => {
        if (error !== undefined) {
          queue.remove(batch)
          this.#failed(queue, batch, error)
        }
        this.wake()
      })
    }
    return !head.isCompressing
  }

  /** Nothing is added to the batch from now on; records without a key go elsewhere. */
  #close(queue: PartitionQueue, batch: ProducerBatch): void {
    if (batch.isClosed) return
    batch.isClosed = true
    this.#accumulator.taken(queue, this.#cluster.image.topics.get(queue.topic))
  }

  /** The bytes of the partition's first batch, on their way from now on. */
  #take(queue: PartitionQueue, batch: ProducerBatch): Buffer | undefined {
    queue.waiting.shift()
    queue.usualBytes = batch.sizeBytes
    this.#close(queue, batch)
    try {
      const name = this.#gate.name()
      const records = batch.sealed(batch.producer ?? (batch.kind.acks === -1 && name ? queue.assign(name, batch) : undefined))
      batch.attempts++
      queue.inFlight.push(batch)
      return records
    } catch (error) {
      this.#failed(queue, batch, asError(error))
      return undefined
    }
  }

  #send(node: number, sent: readonly Sent[]): void {
    this.#inFlight.set(node, (this.#inFlight.get(node) ?? 0) + 1)
    const acks = sent[0]?.batch.kind.acks ?? -1
    const { body, limit } = produceRequest(sent, this.#gate, this.#cluster.image)
    const answer =
      acks === 0
        ? this.#cluster.post(node, produceApi, body).then(() => undefined)
        : this.#cluster
            .request(node, produceApi, body, limit === undefined ? {} : { maxVersion: limit })
            .then(({ body: response }) => response)
    const landed = (): void => {
      this.#inFlight.set(node, (this.#inFlight.get(node) ?? 1) - 1)
      for (const { queue, batch } of sent) queue.landed(batch)
      this.wake()
    }
    void answer.then(
      response => {
        landed()
        this.#answered(sent, response)
      },
      (error: Error) => {
        landed()
        for (const { queue, batch } of sent) {
          if (isRetriable(error)) this.#again(queue, batch, error)
          else this.#failed(queue, batch, error)
        }
        if (isRetriable(error)) this.#refresh()
      },
    )
  }

  #answered(sent: readonly Sent[], response: ProduceResponse | undefined): void {
    if (response === undefined) {
      for (const { batch } of sent) this.#written(batch, undefined)
      return
    }
    let isStale = false
    const results = resultsOf(sent, response, this.#cluster)
    for (const [index, { queue, batch }] of sent.entries()) {
      const result = results[index]
      const outcome = outcomeOf(queue, batch, result)
      switch (outcome.kind) {
        case 'written':
          this.#written(batch, outcome.placement)
          break
        case 'split':
          this.#split(queue, batch)
          break
        case 'again':
          isStale ||= outcome.isStale
          if (outcome.isLost) queue.isLost = true
          this.#again(queue, batch, outcome.error, outcome.waitMs)
          break
        default:
          this.#failed(queue, batch, outcome.error, outcome.about)
      }
    }
    if (isStale) this.#refresh()
  }

  #written(batch: ProducerBatch, placement: Placement | undefined): void {
    this.#end(batch, () => batch.written(placement))
  }

  #end(batch: ProducerBatch, tell: () => void): void {
    if (!this.#accumulator.incomplete.delete(batch)) return
    const { heldBytes } = batch
    batch.heldBytes = 0
    tell()
    this.#memory.give(heldBytes)
  }

  /** The batch is sent again, after those before it. */
  #again(queue: PartitionQueue, batch: ProducerBatch, error: Error, waitMs?: number): void {
    const { clock, random } = this.#cluster
    const { retry } = this.#settings
    batch.lastError = error
    if (batch.isDone) return
    // The parts of a batch that was split are as old as that was.
    if (batch.deadlineMs <= clock.monotonic()) return this.#failed(queue, batch, expired(queue, batch))
    if (batch.attempts > retry.retries || this.#isStopped) {
      return this.#failed(queue, batch, new KafkaJSNumberOfRetriesExceeded(error, { retryCount: batch.attempts - 1, retryTime: 0 }))
    }
    queue.putBack(batch)
    this.#accumulator.ready.add(queue)
    if (waitMs === 0) return
    const longest = Math.min(retry.initialRetryTime * retry.multiplier ** Math.min(batch.attempts - 1, 30), retry.maxRetryTime)
    const delayMs = waitMs ?? longest * (1 - retry.factor + random.next() * 2 * retry.factor)
    queue.retryAtMs = Math.max(queue.retryAtMs, clock.monotonic() + delayMs)
  }

  #failed(queue: PartitionQueue, batch: ProducerBatch, error: Error, about: Error | ((first: number, end: number) => Error) = error): void {
    // Its sequence will never come: the broker would refuse what is after it.
    if (batch.producer !== undefined) queue.isGapped = true
    if (!this.#accumulator.incomplete.has(batch)) return
    this.#end(batch, () => batch.failed(about))
    this.#gate.failed(error, batch)
  }

  #split(queue: PartitionQueue, batch: ProducerBatch): void {
    if (batch.isDone) return
    const { producer } = batch
    const batches = batch.split(2)
    let sequence = producer?.baseSequence ?? 0
    const { incomplete, ready } = this.#accumulator
    incomplete.delete(batch)
    for (const part of batches) {
      part.sealed(producer === undefined ? undefined : { ...producer, baseSequence: sequence })
      sequence = (sequence + part.count) % 0x80000000
      incomplete.set(part, queue)
      queue.putBack(part)
    }
    batch.replaced()
    ready.add(queue)
  }

  #expire(nowMs: number): void {
    for (const [batch, queue] of this.#accumulator.incomplete) {
      if (batch.deadlineMs > nowMs) return
      queue.remove(batch)
      this.#failed(queue, batch, expired(queue, batch))
    }
  }

  #refresh(): void {
    if (this.#refreshing) return
    this.#refreshing = true
    const { clock } = this.#cluster
    const done = (): void => {
      this.#refreshing = false
      this.#refreshedAtMs = clock.monotonic()
      this.wake()
    }
    this.#cluster.refresh().then(done, done)
  }

  /** A timer that fires too early does no harm, so that none is taken back for a later one: there is one for thousands of batches. */
  #wakeAt(atMs: number, nowMs: number): void {
    if (!Number.isFinite(atMs) || (this.#timer !== undefined && atMs >= this.#timerAtMs)) return
    this.#timer?.cancel()
    this.#timerAtMs = atMs
    this.#timer = this.#cluster.clock.after(Math.max(1, Math.ceil(atMs - nowMs)), () => {
      this.#timer = undefined
      this.wake()
    })
  }
}

function noteMissing({ topic, partition, waiting: [head] }: PartitionQueue): void {
  if (head !== undefined) head.lastError ??= protocolError(ErrorCode.LEADER_NOT_AVAILABLE, undefined, { topic, partition })
}

function expired(queue: PartitionQueue, batch: ProducerBatch): Error {
  const place = `${queue.topic}-${queue.partition}`
  const tries = batch.attempts === 0 ? 'never sent' : `sent ${batch.attempts} times`
  const cause = batch.lastError
  return new KafkaJSTimeout(
    `${batch.count} messages for ${place} were not acknowledged within the delivery time-out (${tries})${cause === undefined ? '' : `: ${cause.message}`}`,
    { cause, hint: 'Look at the cause; deliveryTimeoutMs says how long messages may take' },
  )
}
