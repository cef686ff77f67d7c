// Where records wait to be sent (class RecordAccumulator): an open batch for each partition and kind, and all batches that are not done.
import { BATCH_HEADER_BYTES, type Clock, type Random } from '@ottla/protocol'
import type { TopicFacts } from '../cluster/cluster.ts'
import { type BatchKind, ProducerBatch, type RecordContent } from './batch.ts'
import { BufferPool } from './buffer-pool.ts'
import type { Delivery, DeliveryPart } from './delivery.ts'
import { PartitionQueue } from './partition-queue.ts'
import { STICKY } from './partitioners.ts'

/** What of a producer's settings the accumulator needs. */
export interface AccumulatorSettings {
  readonly batchSize: number
  readonly deliveryTimeoutMs: number
  /** The most memory of done batches that is kept for new ones. */
  readonly keptBytes: number
}

/** Records of one topic, checked, with their partitions. */
export interface PlacedRecords {
  readonly facts: TopicFacts
  readonly records: readonly RecordContent[]
  /** Partition of each, or one for all. STICKY where any will do. */
  readonly partitions: Int32Array | number
  /** Time of each, or one for all. */
  readonly timestamps: readonly number[] | number
}

interface TopicQueues {
  readonly queues: (PartitionQueue | undefined)[]
  sticky: number
}

/** More than any record adds around its key, value and headers. */
const RECORD_OVERHEAD_BYTES = 32

/** See the top of the file. */
export class Accumulator {
  readonly #clock: Clock
  readonly #random: Random
  readonly #settings: AccumulatorSettings
  readonly #pool: BufferPool
  readonly #topics = new Map<string, TopicQueues>()
  /** Queues with something waiting. */
  readonly ready = new Set<PartitionQueue>()
  /** Batches that are not done, the oldest first, and where they go. */
  readonly incomplete = new Map<ProducerBatch, PartitionQueue>()
  #nextOrder = 0

  constructor(world: { readonly clock: Clock; readonly random: Random }, settings: AccumulatorSettings) {
    this.#clock = world.clock
    this.#random = world.random
    this.#settings = settings
    this.#pool = new BufferPool(settings.keptBytes)
  }

  /** Adds records to the open batches. Returns by how many bytes the batches grew. */
  append(placed: PlacedRecords, kind: BatchKind, delivery: Delivery): number {
    const { facts, records, partitions, timestamps } = placed
    const topic = this.#topic(facts)
    const parts: (DeliveryPart | undefined)[] = []
    const nowMs = this.#clock.monotonic()
    let batch: ProducerBatch | undefined
    let queue: PartitionQueue | undefined
    let grown = 0
    for (let index = 0; index < records.length; index++) {
      const record = records[index]
      if (record === undefined) continue
      const wanted = typeof partitions === 'number' ? partitions : (partitions[index] ?? 0)
      const partition = wanted === STICKY ? topic.sticky : wanted
      if (queue === undefined || queue.partition !== partition) {
        queue = this.#queue(topic, facts.name, partition)
        batch = queue.open
      }
      const most = mostBytes(record)
      if (
        batch === undefined ||
        batch.isClosed ||
        !isSameKind(batch.kind, kind) ||
        (batch.count > 0 && batch.sizeBytes + most > this.#settings.batchSize)
      ) {
        if (batch !== undefined) {
          batch.isClosed = true
          if (wanted === STICKY) queue = this.#queue(topic, facts.name, this.#turn(topic, facts))
        }
        const left = typeof partitions === 'number' ? (records.length - index) * most : 0
        batch = this.#begin(queue, { kind, nowMs, leastBytes: most, roomBytes: left })
      }
      const part = (parts[queue.partition] ??= delivery.part(facts.name, queue.partition))
      const before = batch.sizeBytes
      batch.add(record, typeof timestamps === 'number' ? timestamps : (timestamps[index] ?? nowMs), part)
      batch.heldBytes += batch.sizeBytes - before
      grown += batch.sizeBytes - before
    }
    return grown
  }

  /** A batch leaves: records without a key go elsewhere from now on. */
  taken(queue: PartitionQueue, facts: TopicFacts | undefined): void {
    const topic = this.#topics.get(queue.topic)
    if (topic?.sticky === queue.partition && facts !== undefined) this.#turn(topic, facts)
  }

  *queues(): Generator<PartitionQueue, void, undefined> {
    for (const { queues } of this.#topics.values()) for (const queue of queues) if (queue !== undefined) yield queue
  }

  #topic(facts: TopicFacts): TopicQueues {
    const known = this.#topics.get(facts.name)
    if (known !== undefined) return known
    const topic = { queues: [], sticky: Math.floor(this.#random.next() * facts.partitions.length) }
    this.#topics.set(facts.name, topic)
    if ((facts.partitions[topic.sticky]?.leader ?? -1) < 0) this.#turn(topic, facts)
    return topic
  }

  #queue(topic: TopicQueues, name: string, partition: number): PartitionQueue {
    return (topic.queues[partition] ??= new PartitionQueue(name, partition))
  }

  /** The next partition that has a leader, else the next. */
  #turn(topic: TopicQueues, { partitions }: TopicFacts): number {
    const count = partitions.length
    for (let step = 1; step <= count; step++) {
      const next = (topic.sticky + step) % count
      if ((partitions[next]?.leader ?? -1) >= 0) return (topic.sticky = next)
    }
    return (topic.sticky = (topic.sticky + 1) % count)
  }

  #begin(queue: PartitionQueue, about: { kind: BatchKind; nowMs: number; leastBytes: number; roomBytes: number }): ProducerBatch {
    const { batchSize, deliveryTimeoutMs } = this.#settings
    const { kind, nowMs } = about
    const expected = Math.min(Math.max(queue.usualBytes, about.roomBytes + BATCH_HEADER_BYTES), batchSize)
    const roomBytes = Math.max(expected, about.leastBytes + BATCH_HEADER_BYTES)
    const start = { kind, order: this.#nextOrder++, span: 1, createdMs: nowMs, deadlineMs: nowMs + deliveryTimeoutMs }
    const batch = new ProducerBatch(start, this.#pool, roomBytes)
    const open = queue.open
    if (open !== undefined) open.isClosed = true
    queue.waiting.push(batch)
    this.ready.add(queue)
    this.incomplete.set(batch, queue)
    return batch
  }
}

const isSameKind = (one: BatchKind, other: BatchKind): boolean =>
  one === other ||
  (one.acks === other.acks &&
    one.timeoutMs === other.timeoutMs &&
    one.compression === other.compression &&
    one.isTransactional === other.isTransactional)

/** At most so many bytes a record adds to a batch. */
export function mostBytes(record: RecordContent): number {
  let size = RECORD_OVERHEAD_BYTES + mostOf(record.key) + mostOf(record.value)
  if (record.headers !== undefined) for (const { key, value } of record.headers) size += 10 + mostOf(key) + mostOf(value)
  return size
}

/** Text is at most three bytes for each of its units. */
const mostOf = (content: RecordContent['key']): number =>
  content === null || content === undefined ? 0 : typeof content === 'string' ? content.length * 3 : content.length
