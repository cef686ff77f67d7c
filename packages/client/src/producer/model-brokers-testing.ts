// Brokers for tests of the producer: logs in memory that check sequences as Kafka's brokers do (class ProducerStateManager), behind connections that
// answer in order, break, and lose answers, as chance has it.
import type { AnyApi, ResponseOf } from '@ottla/protocol'
import {
  encodeResponse,
  ErrorCode,
  initProducerIdApi,
  nextSequence,
  produceApi,
  RecordBatch,
  readResponse,
  recordsOf,
  requestCodec,
  Reader,
  Writer,
} from '@ottla/protocol'
import type { Answer, BodyFor, Destination, RequestOptions } from '../cluster/cluster.ts'
import { FakeCluster } from '../consumer/fetch/fake-cluster-testing.ts'
import { KafkaJSConnectionClosedError } from '../errors/index.ts'

interface Known {
  epoch: number
  next: number
  /** The last five batches: what is sent again is known by them. */
  last: { readonly first: number; readonly count: number; readonly offset: number }[]
}

interface ModelPartition {
  leader: number
  readonly values: string[]
  readonly producers: Map<number, Known>
}

type PartitionAnswer = ResponseOf<typeof produceApi>['responses'][number]['partitionResponses'][number]

const answerOf = (index: number, errorCode: number, baseOffset = -1): PartitionAnswer => ({
  index,
  errorCode,
  baseOffset,
  logAppendTimeMs: -1,
  logStartOffset: 0,
  recordErrors: [],
  errorMessage: null,
  currentLeader: { leaderId: -1, leaderEpoch: -1 },
})

/** How often things go wrong, in a thousand. */
export interface Mishaps {
  /** A connection breaks before the request is looked at. */
  readonly broken: number
  /** The answer is lost, and the connection with it. */
  readonly lost: number
  /** Leadership moves. */
  readonly moved: number
  /** The broker is too busy: REQUEST_TIMED_OUT although it was written. */
  readonly late: number
  /** The broker forgets who wrote. */
  readonly forgotten: number
}

export const noMishaps: Mishaps = { broken: 0, lost: 0, moved: 0, late: 0, forgotten: 0 }

const noFetches = (): never => {
  throw new Error('Nothing is fetched here')
}

/** See the top of the file. */
export class ModelBrokers extends FakeCluster {
  mishaps = noMishaps
  readonly partitions: ModelPartition[]
  /** The most requests that one broker had under way. */
  mostInFlight = 0
  requests = 0
  readonly #chance: () => number
  readonly #lines = new Map<number, { tail: Promise<unknown>; generation: number; waiting: number }>()
  #producerId = 0

  constructor(partitions: number, chance: () => number) {
    super({ fetch: noFetches, listOffsets: noFetches, epochEnds: noFetches }, [1, 2], chance)
    this.#chance = chance
    this.partitions = Array.from({ length: partitions }, (_, index) => ({ leader: 1 + (index % 2), values: [], producers: new Map() }))
    this.#tell()
  }

  override async request<A extends AnyApi>(to: Destination, api: A, body: BodyFor<A>, options: RequestOptions = {}): Promise<Answer<A>> {
    const version = await this.versionOf(to, api, Math.min(options.maxVersion ?? 12, 12))
    const writer = new Writer()
    requestCodec(api, version).write(writer, typeof body === 'function' ? body(version) : body)
    const bytes = writer.bytes()
    const frame =
      api.key === initProducerIdApi.key
        ? encodeResponse({ api: initProducerIdApi, version, correlationId: 1, body: this.#named() })
        : encodeResponse({ api: produceApi, version, correlationId: 1, body: await this.#inLine(Number(to), bytes, version) })
    return { body: readResponse(api, version, Buffer.concat(frame).subarray(4)).body, version, nodeId: Number(to) }
  }

  override refresh(): ReturnType<FakeCluster['refresh']> {
    this.#tell()
    return super.refresh()
  }

  #tell(): void {
    this.topic(
      't',
      this.partitions.map(({ leader }) => leader),
    )
    this.publish()
  }

  #named(): ResponseOf<typeof initProducerIdApi> {
    const none = { throttleTimeMs: 0, errorCode: 0, ongoingTxnProducerId: -1, ongoingTxnProducerEpoch: -1 }
    return { ...none, producerId: this.#producerId++, producerEpoch: 0 }
  }

  /** One connection for each broker: requests are handled in order, and when it breaks all that wait fail. */
  async #inLine(node: number, bytes: Buffer, version: number): Promise<ResponseOf<typeof produceApi>> {
    const line = this.#lines.get(node) ?? { tail: Promise.resolve(), generation: 0, waiting: 0 }
    this.#lines.set(node, line)
    const { generation } = line
    this.requests++
    this.mostInFlight = Math.max(this.mostInFlight, ++line.waiting)
    const isBroken = (): boolean => line.generation !== generation
    const turn = line.tail.then(async () => {
      await new Promise<void>(resolve => this.clock.after(1 + this.#chance() * 20, resolve))
      if (isBroken() || this.#happens(this.mishaps.broken)) throw this.#cut(line, generation)
      const answer = this.#produce(node, bytes, version)
      if (this.#happens(this.mishaps.lost)) throw this.#cut(line, generation)
      return answer
    })
    line.tail = turn.catch(() => undefined)
    return turn.finally(() => line.waiting--)
  }

  #cut(line: { generation: number }, generation: number): Error {
    if (line.generation === generation) line.generation++
    return new KafkaJSConnectionClosedError('Closed connection', { host: 'b', port: 1 })
  }

  #happens(inThousand: number): boolean {
    return this.#chance() * 1000 < inThousand
  }

  #produce(node: number, bytes: Buffer, version: number): ResponseOf<typeof produceApi> {
    const request = requestCodec(produceApi, version).read(new Reader(bytes))
    const responses = request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index, records }) => this.#append(node, index, records ?? Buffer.alloc(0))),
    }))
    return { responses, throttleTimeMs: 0, nodeEndpoints: [] }
  }

  #append(node: number, index: number, records: Buffer): PartitionAnswer {
    const partition = this.partitions[index]
    if (partition === undefined) return answerOf(index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if (this.#happens(this.mishaps.moved)) partition.leader = 3 - partition.leader
    if (partition.leader !== node) return answerOf(index, ErrorCode.NOT_LEADER_OR_FOLLOWER)
    const batch = new RecordBatch(records)
    batch.ensureValid()
    if (this.#happens(this.mishaps.forgotten)) partition.producers.clear()
    const refused = this.#refused(partition, batch)
    if (refused !== undefined) return { ...refused, index }
    const offset = partition.values.length
    for (const record of recordsOf(batch)) partition.values.push(record.value?.toString() ?? '')
    const known = partition.producers.get(batch.producerId)
    known?.last.push({ first: batch.baseSequence, count: batch.recordsCount, offset })
    if (known !== undefined && known.last.length > 5) known.last.shift()
    return answerOf(index, this.#happens(this.mishaps.late) ? ErrorCode.REQUEST_TIMED_OUT : ErrorCode.NONE, offset)
  }

  #refused(partition: ModelPartition, batch: RecordBatch): PartitionAnswer | undefined {
    const { producerId, producerEpoch, baseSequence, recordsCount } = batch
    if (producerId < 0) return undefined
    const known = partition.producers.get(producerId)
    if (known === undefined && baseSequence !== 0) return answerOf(0, ErrorCode.UNKNOWN_PRODUCER_ID)
    if (known !== undefined && producerEpoch < known.epoch) return answerOf(0, ErrorCode.INVALID_PRODUCER_EPOCH)
    if (known === undefined || producerEpoch > known.epoch) {
      if (baseSequence !== 0) return answerOf(0, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
      partition.producers.set(producerId, { epoch: producerEpoch, next: nextSequence(0, recordsCount), last: [] })
      return undefined
    }
    const before = known.last.find(({ first, count }) => first === baseSequence && count === recordsCount)
    if (before !== undefined) return answerOf(0, ErrorCode.NONE, before.offset)
    if (baseSequence !== known.next) return answerOf(0, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    known.next = nextSequence(baseSequence, recordsCount)
    return undefined
  }
}

/** The same numbers for the same seed. */
export function chanceOf(seed: number): () => number {
  let state = seed * 2_654_435_761 + 1
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x297a2d39) | 0
    const mixed = Math.imul(state ^ (state >>> 12), 0x85ebca6b)
    return ((mixed ^ (mixed >>> 13)) >>> 0) / 0x1_0000_0000
  }
}
