// Jumps of the wall clock by an hour and by ten years, there and back, under load (F18; libfaketime, which leaves the monotonic clock alone):
// members stay in their groups, groups give partitions to new members, producing and fetching go on, also for idempotent producers, nothing
// is deleted, nothing spins, and once the clock is right retention does its work. ROUNDS repeats the jumps (1 by default).
//
// What the wall clock decides, here as in Apache Kafka, and what is different on purpose (docs/known-gaps.md):
// - Retention compares the records' own timestamps with the wall clock. After a jump of ten years forwards Kafka deletes everything that has
//   a time limit at its next look. Here a jump that this process saw stops deletion by time for a day, or until the clock is back.
// - A record whose timestamp is more than `message.timestamp.after.max.ms` ahead (an hour) gets INVALID_TIMESTAMP: with the broker's clock
//   behind, that is every record of a client whose clock is right. It is the same in Kafka.
// - Committed offsets of groups without members expire by the wall clock, as in Kafka: ten years forwards are more than any limit.
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTopicsApi, ErrorCode, listOffsetsApi } from '@ottla/protocol'
import { expect, it } from 'vitest'
import { type BrokerProcess, cpuSeconds, startBroker } from '../compat/broker.ts'
import { Wire } from '../compat/wire.ts'
import { HeartbeatMember, IdempotentProducer, KafkaJsMember } from './clock-clients.ts'
import { expectNothingLost, histories, produce, randomOf, seedOf, skipBecause } from './load.ts'

const rounds = Number(process.env.ROUNDS ?? 1)
const libraries = ['/usr/lib/x86_64-linux-gnu/faketime', '/usr/lib/aarch64-linux-gnu/faketime', '/usr/lib/faketime', '/usr/lib64/faketime']
const hour = 3600
const tenYears = 10 * 365 * 24 * hour
/** Where the clock is after each jump, in seconds from the right time. */
const jumps = [hour, 0, tenYears, 0, -hour, 0, -tenYears, 0]
const settleMs = 700
const partitions = 3

/** The broker's wall clock. */
class WallClock implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'ottla-clock-'))
  readonly #file = join(this.#folder, 'offset')
  readonly environment: Record<string, string>

  constructor(library: string) {
    this.set(0)
    this.environment = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_NO_CACHE: '1',
      NO_FAKE_STAT: '1',
    }
  }

  /** Seconds from the right time. */
  set(offset: number): void {
    writeFileSync(`${this.#file}.new`, `${offset < 0 ? '' : '+'}${offset}\n`)
    renameSync(`${this.#file}.new`, this.#file)
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true })
  }
}

const never = '9223372036854775807'
const anyTime = { 'message.timestamp.after.max.ms': never, 'segment.bytes': '1048576' }
/** Topics and their settings. */
const topics: Record<string, Record<string, string>> = {
  plain: { ...anyTime, 'retention.ms': '86400000' },
  once: { ...anyTime, 'retention.ms': '86400000' },
  // Its clients' clocks are right, so it refuses their records while the broker's is behind.
  strict: { 'retention.ms': '86400000' },
  old: { ...anyTime, 'retention.ms': '3600000' },
}

async function createTopics(broker: BrokerProcess): Promise<void> {
  await using wire = await Wire.connect(broker.port)
  const answer = await wire.ask(createTopicsApi, 7, {
    topics: Object.entries(topics).map(([name, settings]) => ({
      name,
      numPartitions: partitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(settings).map(([setting, value]) => ({ name: setting, value })),
    })),
  })
  expect(answer.topics.map(({ errorCode }) => errorCode)).toEqual(Object.keys(topics).map(() => ErrorCode.NONE))
}

/** First offsets of all partitions of a topic. */
async function startOffsets(broker: BrokerProcess, topic: string): Promise<number[]> {
  await using wire = await Wire.connect(broker.port)
  const answer = await wire.ask(listOffsetsApi, 7, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: topic, partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp: -2 })) }],
  })
  return answer.topics[0]?.partitions.map(({ offset }) => offset) ?? []
}

/** Waits up to `limitMs` (20 s) for something to become true. */
async function until(what: string, isSo: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  for (let waited = 0; !(await isSo()); waited += 50) {
    if (waited > limitMs) throw new Error(`it did not come to it that ${what}`)
    await sleep(50)
  }
}

it(`goes on through ${rounds * jumps.length} jumps of the clock`, { timeout: 600_000 }, async context => {
  const library = libraries.map(folder => join(folder, 'libfaketimeMT.so.1')).find(path => existsSync(path))
  if (library === undefined) {
    skipBecause('jumps of the clock', 'libfaketime is not installed')
    context.skip()
    return
  }
  const random = randomOf(seedOf('jumps of the clock'))
  using clock = new WallClock(library)
  const settings = {
    'log.flush.mode': 'ack',
    'group.initial.rebalance.delay.ms': '0',
    'offsets.topic.num.partitions': '3',
    'log.retention.check.interval.ms': '200',
    'log.initial.task.delay.ms': '200',
    'offsets.retention.check.interval.ms': '200',
  }
  await using broker = await startBroker(settings, { environment: clock.environment })
  await createTopics(broker)
  const [all, strict, old] = [histories(partitions), histories(partitions), histories(partitions)]
  let stopped = false
  const how = { random, goesOn: () => !stopped }
  await using kafkaJs = await KafkaJsMember.join(broker, 'plain')
  await using first = await HeartbeatMember.join(broker, 'plain', 'beats')
  const once = await Promise.all(Array.from({ length: partitions }, (_, partition) => IdempotentProducer.start(broker, 'once', partition)))
  const load = [
    ...all.map(history => produce(broker, history, { topic: 'plain', ...how })),
    ...strict.map(history => produce(broker, history, { topic: 'strict', ...how })),
    ...once.map(producer => producer.run(() => !stopped)),
  ]
  Promise.all(load).catch(() => {})
  for (const jump of Array.from({ length: rounds }, () => jumps).flat()) {
    await sleep(settleMs)
    clock.set(jump)
    const progress = () => [...all.map(({ acknowledged }) => acknowledged.size), ...once.map(({ sequence }) => sequence), kafkaJs.records]
    const before = progress()
    const moved = () => progress().every((now, i) => now > (before[i] ?? 0) + 20)
    await until(`everybody goes on after the clock is off by ${jump} s\n${broker.output().slice(-2000)}`, moved)
    // A member that joins now gets its share, and gives it back.
    await using second = await HeartbeatMember.join(broker, 'plain', 'beats')
    await until(`a new member gets partitions, the clock being off by ${jump} s`, async () => {
      await first.beat()
      await second.beat()
      return second.partitions.length > 0 && first.partitions.length + second.partitions.length === partitions
    })
    await second.leave()
    for (const topic of ['plain', 'once', 'strict']) expect(await startOffsets(broker, topic), `${topic}, ${jump} s`).toEqual([0, 0, 0])
    if (jump === -tenYears) for (const { errors } of strict) expect([...errors.keys()]).toEqual([ErrorCode.INVALID_TIMESTAMP])
    expect(kafkaJs.wrong).toEqual([])
  }
  for (const { errors } of all) expect([...errors.keys()]).toEqual([])
  stopped = true
  await Promise.all(load)

  for (const offset of [tenYears, -tenYears, 0]) {
    clock.set(offset)
    await sleep(500)
    const before = cpuSeconds(broker.pid)
    await sleep(2000)
    const used = (cpuSeconds(broker.pid) - before) / 2
    console.log(`clock off by ${offset} s, nothing to do: ${(used * 100).toFixed(0)} % of a processor used`)
    expect(used).toBeLessThan(0.5)
  }
  expect(broker.output()).toContain('the clock jumped')
  // The clock is right again: what is older than its limit goes, the rest stays.
  await Promise.all(
    old.map(history => produce(broker, history, { topic: 'old', random, goesOn: () => history.sent < 50, ageMs: 2 * hour * 1000 })),
  )
  await until('retention deletes what is old', async () => (await startOffsets(broker, 'old')).every(offset => offset > 0))
  expect(await broker.stop()).toBe(0)
  await broker.start()
  const total = await expectNothingLost(broker, 'plain', all)
  await expectNothingLost(broker, 'strict', strict)
  for (const producer of once) await producer.expectStoredOnce()
  expect(broker.output()).not.toMatch(/uncaught|unhandled|is an error of this program/i)
  console.log(`${rounds * jumps.length} jumps, ${total} acknowledged records, none lost; kafkajs read ${kafkaJs.records}`)
})
