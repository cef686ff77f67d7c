// What the durability suites share: producers that remember what was acknowledged, and the comparison with what is stored afterwards.
import { setTimeout as sleep } from 'node:timers/promises'
import { BatchBuilder, createTopicsApi, ErrorCode, produceApi, recordsOf, seededRandom } from '@ottla/protocol'
import { expect } from 'vitest'
import type { BrokerProcess } from '../compat/broker.ts'
import { Wire } from '../compat/wire.ts'

/** What one producer sent to its partition. Every text is sent once; one that was refused is not sent again. */
export interface History {
  readonly partition: number
  sent: number
  /** Text to offset. */
  readonly acknowledged: Map<string, number>
  /** Error codes to how often they were the answer. */
  readonly errors: Map<number, number>
}

export const histories = (count: number): History[] =>
  Array.from({ length: count }, (_, partition) => ({ partition, sent: 0, acknowledged: new Map(), errors: new Map() }))

/** Random numbers below 1 of a seed. */
export const randomOf = (seed: number): (() => number) => {
  const random = seededRandom(seed)
  return () => random.next()
}

/** The run's seed, from SEED where that is set; printed, so that a failure can be repeated as far as a real process allows. */
export const seedOf = (suite: string): number => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`${suite}: SEED=${seed}`)
  return seed
}

export async function createTopic(broker: BrokerProcess, topic: string, partitions: number): Promise<void> {
  await using wire = await Wire.connect(broker.port)
  const created = await wire.ask(createTopicsApi, 7, {
    topics: [{ name: topic, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }],
  })
  expect(created.topics[0]?.errorCode).toBe(ErrorCode.NONE)
}

const batchOf = (texts: readonly string[], ageMs = 0): Buffer => {
  const builder = new BatchBuilder({ compression: 'none' })
  for (const text of texts) builder.append({ timestamp: Date.now() - ageMs, key: null, value: Buffer.from(text), headers: [] })
  return builder.build().bytes
}

/** How records are produced. */
export interface Producing {
  readonly topic: string
  readonly random: () => number
  /** Largest value in bytes; default 700. */
  readonly valueBytes?: number
  /** How old the records say that they are; default 0. */
  readonly ageMs?: number
  /** Asked before each batch. */
  goesOn(): boolean
}

/** Produces to one partition, a batch after the other, until told to stop or the broker is gone. */
export async function produce(broker: BrokerProcess, history: History, how: Producing): Promise<void> {
  const { partition } = history
  try {
    await using wire = await Wire.connect(broker.port)
    while (how.goesOn()) {
      const texts = Array.from({ length: 1 + Math.floor(how.random() * 20) }, () => {
        const text = `${partition}/${history.sent++}/`
        return text.padEnd(text.length + Math.floor(how.random() * (how.valueBytes ?? 700)), 'x')
      })
      const answer = await wire.ask(produceApi, 9, {
        transactionalId: null,
        acks: -1,
        timeoutMs: 5_000,
        topicData: [{ name: how.topic, partitionData: [{ index: partition, records: batchOf(texts, how.ageMs) }] }],
      })
      const result = answer.responses[0]?.partitionResponses[0]
      if (result === undefined) throw new Error('an answer without the partition')
      if (result.errorCode === ErrorCode.NONE) texts.forEach((text, i) => history.acknowledged.set(text, result.baseOffset + i))
      else {
        history.errors.set(result.errorCode, (history.errors.get(result.errorCode) ?? 0) + 1)
        await sleep(20)
      }
    }
  } catch (error) {
    // The broker is gone; what was not acknowledged may or may not be there.
    if (!(error instanceof Error) || !/closed the connection|ECONN|EPIPE/.test(error.message)) throw error
  }
}

/** Everything in a partition, text to offset. Checksums are right, offsets without a gap, nothing is there twice. */
export async function stored(broker: BrokerProcess, topic: string, partition: number): Promise<Map<string, number>> {
  await using wire = await Wire.connect(broker.port)
  const found = new Map<string, number>()
  let due = 0
  for (const batch of await wire.batches(topic, partition)) {
    expect(batch.checksumMatches()).toBe(true)
    for (const record of recordsOf(batch)) {
      expect(record.offset).toBe(due++)
      const text = record.value?.toString() ?? ''
      expect(found.has(text), `${text.slice(0, 40)} is there twice`).toBe(false)
      found.set(text, record.offset)
    }
  }
  return found
}

/** After a start what is not flushed yet is not served: gives the broker ten seconds to get to `end`. */
async function storedUpTo(broker: BrokerProcess, place: { topic: string; partition: number; end: number }): Promise<Map<string, number>> {
  for (let waited = 0; ; waited += 100) {
    const found = await stored(broker, place.topic, place.partition)
    if (found.size >= place.end || waited >= 10_000) return found
    await sleep(100)
  }
}

/** Compares what is stored with what was sent: nothing acknowledged is lost or moved, the order is kept, nothing is invented. Returns how many were acknowledged. */
export async function expectNothingLost(broker: BrokerProcess, topic: string, all: readonly History[]): Promise<number> {
  let total = 0
  for (const { partition, sent, acknowledged } of all) {
    const end = Math.max(-1, ...[...acknowledged.values()].slice(-1)) + 1
    const found = await storedUpTo(broker, { topic, partition, end })
    const lost = [...acknowledged].filter(([text, offset]) => found.get(text) !== offset)
    expect(
      lost.slice(0, 5).map(([text, offset]) => `${offset}: ${text.slice(0, 40)}`),
      `${lost.length} records of partition ${partition} are lost or elsewhere`,
    ).toEqual([])
    const numbers = [...found.keys()].map(text => Number(text.split('/')[1]))
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(Math.max(-1, ...numbers.slice(-1))).toBeLessThan(sent)
    total += acknowledged.size
  }
  return total
}

/** A suite that cannot run here is skipped with a line that says why; with REQUIRE_ALL=1 it fails. */
export const skipBecause = (suite: string, reason: string): void => {
  if (process.env.REQUIRE_ALL === '1') throw new Error(`${suite} cannot run: ${reason}`)
  console.log(`${suite} is SKIPPED: ${reason}`)
}
