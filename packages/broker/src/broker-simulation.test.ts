// Random requests to a whole broker beside a plain model of what its partitions must hold, through stops, kills and power losses.
import {
  BatchBuilder,
  batchesIn,
  createTopicsApi,
  deleteRecordsApi,
  deleteTopicsApi,
  ErrorCode,
  fetchApi,
  listOffsetsApi,
  produceApi,
  recordsOf,
  seededRandom,
} from '@ottla/protocol'
import { expect, it } from 'vitest'
import type { Ending } from './broker-simulation.ts'
import { SimulatedBroker } from './broker-simulation.ts'

const STEPS = 60
const names = ['a', 'b', 'c'] as const
const PARTITIONS = 2

interface Row {
  readonly value: string
  readonly timestamp: number
}

interface Batch {
  readonly bytes: Buffer
  readonly rows: readonly Row[]
  readonly baseOffset: number
}

/** What a partition must hold. */
interface Place {
  readonly topic: string
  readonly index: number
  readonly producerId: number
  rows: Row[]
  start: number
  last: Batch | null
}

const { NONE, OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode

class Run {
  readonly seed: number
  readonly broker: SimulatedBroker
  readonly #random
  readonly #topics = new Map<string, Place[]>()
  #serial = 0
  #producers = 0
  /** What was done, for whoever looks for the reason of a failure. */
  readonly journal: string[] = []

  constructor(seed: number, broker: SimulatedBroker) {
    this.seed = seed
    this.broker = broker
    this.#random = seededRandom(seed + 1)
  }

  async steps(count: number): Promise<void> {
    const kinds = [
      ...(['produce', 'produce', 'produce', 'again', 'fetch', 'fetch', 'long', 'offsets', 'time', 'trim'] as const),
      ...(['create', 'create', 'remove', 'wait', 'end', 'end'] as const),
    ]
    for (let step = 0; step < count; step++) {
      const kind = kinds[this.#below(kinds.length)] ?? 'fetch'
      const topic = names[this.#below(names.length)] ?? 'a'
      const place = this.#topics.get(topic)?.[this.#below(PARTITIONS)]
      this.journal.push(`${kind} ${topic} ${place?.index ?? '-'}`)
      if (kind === 'create') await this.#create(topic)
      else if (kind === 'remove') await this.#remove(topic)
      else if (kind === 'end') await this.#end()
      else if (kind === 'wait') this.broker.clock.advance(this.#below(900))
      else if (place === undefined) expect((await this.#read(topic, 0, 0))?.errorCode).toBe(UNKNOWN_TOPIC_OR_PARTITION)
      else if (kind === 'produce') await this.#produce(place)
      else if (kind === 'again') await this.#again(place)
      else if (kind === 'long') await this.#longPoll(place)
      else if (kind === 'offsets') await this.#offsets(place)
      else if (kind === 'time') await this.#time(place)
      else if (kind === 'trim') await this.#trim(place)
      else await this.#fetch(place)
    }
    for (const places of this.#topics.values()) for (const place of places) await this.#whole(place)
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit)
  }

  #batch({ producerId, rows }: Place, baseOffset = rows.length): Batch {
    const compression = (['none', 'none', 'gzip', 'lz4', 'zstd'] as const)[this.#below(5)] ?? 'none'
    const added = Array.from({ length: 1 + this.#below(5) }, () => ({
      value: `${this.#serial++}`.padEnd(this.#below(300), '.'),
      timestamp: this.broker.clock.now() - this.#below(50),
    }))
    const builder = new BatchBuilder({ compression, producerId, producerEpoch: 0, baseSequence: baseOffset })
    for (const row of added) builder.append(row)
    return { bytes: Buffer.from(builder.build().bytes), rows: added, baseOffset }
  }

  async #send({ index, topic }: Place, { bytes }: Batch) {
    const topicData = [{ name: topic, partitionData: [{ index, records: Buffer.from(bytes) }] }]
    const answer = await this.broker.ask(produceApi, 9, { acks: this.#below(2) === 0 ? 1 : -1, timeoutMs: 1000, topicData })
    return answer?.responses[0]?.partitionResponses[0]
  }

  async #produce(place: Place): Promise<void> {
    const batch = this.#batch(place)
    expect(await this.#send(place, batch)).toMatchObject({ errorCode: NONE, baseOffset: batch.baseOffset, logStartOffset: place.start })
    place.rows.push(...batch.rows)
    place.last = batch
  }

  async #again(place: Place): Promise<void> {
    if (place.last === null) return
    expect(await this.#send(place, place.last)).toMatchObject({ errorCode: NONE, baseOffset: place.last.baseOffset })
    const gap = this.#batch(place, place.rows.length + 1 + this.#below(9))
    expect((await this.#send(place, gap))?.errorCode).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  }

  async #read(topic: string, partition: number, fetchOffset: number, maxWaitMs = 0) {
    const answer = await this.broker.ask(fetchApi, 12, {
      maxWaitMs,
      minBytes: 1,
      topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: this.#below(3000) }] }],
      forgottenTopicsData: [],
    })
    return answer?.responses[0]?.partitions[0]
  }

  /** Compares what was read from an offset on with the model; returns where the next read begins. */
  #compare(place: Place, offset: number, records: Buffer | null): number {
    let next = offset
    for (const batch of batchesIn(records ?? Buffer.alloc(0))) {
      expect(batch.checksumMatches()).toBe(true)
      for (const record of recordsOf(batch)) {
        if (record.offset < offset) continue
        expect(record.offset).toBe(next)
        expect({ value: String(record.value), timestamp: record.timestamp }).toEqual(place.rows[next])
        next++
      }
    }
    return next
  }

  async #fetch(place: Place): Promise<void> {
    const offset = this.#below(place.rows.length + 3)
    const read = await this.#read(place.topic, place.index, offset)
    const isInside = offset >= place.start && offset <= place.rows.length
    expect(read?.errorCode).toBe(isInside ? NONE : OFFSET_OUT_OF_RANGE)
    if (!isInside) return
    expect(read).toMatchObject({ highWatermark: place.rows.length, logStartOffset: place.start })
    const next = this.#compare(place, offset, read?.records ?? null)
    if (offset < place.rows.length) expect(next).toBeGreaterThan(offset)
  }

  async #longPoll(place: Place): Promise<void> {
    const offset = place.rows.length
    const reading = this.#read(place.topic, place.index, offset, 60_000)
    await this.#produce(place)
    expect(this.#compare(place, offset, (await reading)?.records ?? null)).toBeGreaterThan(offset)
  }

  async #list({ index, topic }: Place, timestamp: number) {
    const topics = [{ name: topic, partitions: [{ partitionIndex: index, timestamp }] }]
    const answer = await this.broker.ask(listOffsetsApi, 7, { replicaId: -1, isolationLevel: 0, topics })
    return answer?.topics[0]?.partitions[0]
  }

  async #offsets(place: Place): Promise<void> {
    expect(await this.#list(place, -1)).toMatchObject({ errorCode: NONE, offset: place.rows.length, timestamp: -1 })
    expect(await this.#list(place, -2)).toMatchObject({ errorCode: NONE, offset: place.start, timestamp: -1 })
  }

  async #time(place: Place): Promise<void> {
    const timestamp = this.broker.clock.now() - this.#below(1000)
    const offset = place.rows.findIndex((row, at) => at >= place.start && row.timestamp >= timestamp)
    const found = await this.#list(place, timestamp)
    expect(found).toMatchObject({ errorCode: NONE, offset, timestamp: place.rows[offset]?.timestamp ?? -1 })
  }

  async #trim(place: Place): Promise<void> {
    const { index, topic } = place
    const offset = this.#below(place.rows.length + 2) - 1
    const topics = [{ name: topic, partitions: [{ partitionIndex: index, offset }] }]
    const answer = await this.broker.ask(deleteRecordsApi, 2, { timeoutMs: 1000, topics })
    const result = answer?.topics[0]?.partitions[0]
    expect(result?.errorCode).toBe(NONE)
    place.start = Math.max(place.start, offset === -1 ? place.rows.length : offset)
    expect(result?.lowWatermark).toBe(place.start)
  }

  async #create(topic: string): Promise<void> {
    const topics = [{ name: topic, numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs: [] }]
    const answer = await this.broker.ask(createTopicsApi, 7, { topics })
    expect(answer?.topics[0]?.errorCode).toBe(this.#topics.has(topic) ? ErrorCode.TOPIC_ALREADY_EXISTS : NONE)
    if (this.#topics.has(topic)) return
    const place = (index: number): Place => ({ topic, index, producerId: ++this.#producers, rows: [], start: 0, last: null })
    this.#topics.set(
      topic,
      Array.from({ length: PARTITIONS }, (_, index) => place(index)),
    )
  }

  async #remove(topic: string): Promise<void> {
    const place = this.#topics.get(topic)?.[0]
    const reading = place === undefined ? null : this.#read(topic, 0, place.rows.length, 60_000)
    const answer = await this.broker.ask(deleteTopicsApi, 5, { topicNames: [topic], timeoutMs: 1000 })
    expect(answer?.responses[0]?.errorCode).toBe(place === undefined ? UNKNOWN_TOPIC_OR_PARTITION : NONE)
    this.#topics.delete(topic)
    if (reading !== null) expect((await reading)?.errorCode).toBe(UNKNOWN_TOPIC_OR_PARTITION)
  }

  /** The broker ends while it is asked for things; what it has not acknowledged may be there, as a prefix, or not. */
  async #end(): Promise<void> {
    const ending = (['stop', 'kill', 'power loss'] as const)[this.#below(3)] ?? ('stop' satisfies Ending)
    const places = [...this.#topics.values()].flat()
    const under = places.filter(() => this.#below(2) === 0).map(place => ({ place, batch: this.#batch(place) }))
    const answers = under.map(({ batch, place }) => this.#send(place, batch).catch(() => undefined))
    for (let turns = this.#below(4); turns > 0; turns--) await new Promise(resolve => setImmediate(resolve))
    this.journal.push(`  ${ending} with ${under.length} under way`)
    await this.broker.restart(ending)
    const answered = await Promise.all(answers)
    for (const place of places) {
      // Where all records of a partition are deleted, a restart forgets its producers, as in Kafka (ProducerStateManager.truncateAndReload).
      if (place.start === place.rows.length) place.last = null
      const at = under.findIndex(one => one.place === place)
      const batch = under[at]?.batch
      // Whether the batch got there is told by sending it again, as a producer does: it is stored once.
      if (batch !== undefined) {
        const end = (await this.#list(place, -1))?.offset
        if (answered[at]?.errorCode === NONE) expect(end, 'acknowledged').toBe(place.rows.length + batch.rows.length)
        else expect([place.rows.length, place.rows.length + batch.rows.length]).toContain(end)
        expect(await this.#send(place, batch)).toMatchObject({ errorCode: NONE, baseOffset: batch.baseOffset })
        place.rows.push(...batch.rows)
        place.last = batch
      }
      const start = (await this.#list(place, -2))?.offset ?? -1
      // The start of a log is on disk from checkpoint to checkpoint, as in Kafka.
      if (ending === 'stop') expect(start).toBe(place.start)
      else expect(start).toBeLessThanOrEqual(place.start)
      place.start = start
    }
  }

  async #whole(place: Place): Promise<void> {
    for (let offset = place.start; offset < place.rows.length; ) {
      const read = await this.#read(place.topic, place.index, offset)
      const next = this.#compare(place, offset, read?.records ?? null)
      expect(next).toBeGreaterThan(offset)
      offset = next
    }
  }
}

const first = Number(process.env.FUZZ_SEED)
const runs = 8 * Number(process.env.SIMULATION_TIMES)

it(`holds what its model holds, over ${runs} runs from seed ${first} on`, { timeout: 600_000 }, async () => {
  for (let seed = first; seed < first + runs; seed++) {
    const broker = await SimulatedBroker.start(seed)
    const run = new Run(seed, broker)
    try {
      await run.steps(STEPS)
    } catch (error) {
      throw new Error(`FUZZ_SEED=${seed}, after:\n${run.journal.slice(-15).join('\n')}\n${String(error)}`, { cause: error })
    }
    await broker.close()
  }
})
