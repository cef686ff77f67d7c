// Clients that mean harm (F22 to F25) while an honest one produces and reads back: its answers stay right, the broker's memory stays within
// 256 MiB of what it was, nothing is broken afterwards and the log holds no line that a client made up. What the honest client waits for, and
// how long the event loop was held up, is printed and not judged: attackers, client and broker share the processors here.
// LONG=1 keeps slow and unread connections for a minute each. One attack alone: -t 'slow senders'.
import { setTimeout as sleep } from 'node:timers/promises'
import { BatchBuilder, ErrorCode, produceApi } from '@ottla/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrokerProcess, freePort, startBroker } from '../compat/broker.ts'
import { Wire } from '../compat/wire.ts'
import { attacks, type Target } from './attacks.ts'
import { groupAttacks, groupsServed } from './group-attacks.ts'
import { HonestClient, type Latencies, loopLag, residentMib, watchMemory } from './honest.ts'
import { largeAttacks } from './large-attacks.ts'
import { createTopic, randomOf, seedOf } from './load.ts'

const boundMib = 256
/** More than this above the baseline before an attack, and the broker is started again. */
const freshMib = 40
const isLong = process.env.LONG === '1'

/** Fills the first partition of `large` with so many MiB. */
async function fill(broker: BrokerProcess, mebibytes: number): Promise<void> {
  await using wire = await Wire.connect(broker.port)
  const { bytes } = new BatchBuilder().append({ timestamp: Date.now(), value: Buffer.alloc(1_000_000, 7) }).build()
  for (let written = 0; written < mebibytes; written++) {
    const topicData = [{ name: 'large', partitionData: [{ index: 0, records: Buffer.from(bytes) }] }]
    const answer = await wire.ask(produceApi, 9, { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData })
    expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.NONE)
  }
}

const isPrintable = (line: string): boolean =>
  Array.from({ length: line.length }, (_, at) => line.charCodeAt(at)).every(code => code >= 0x20)

const shown = ({ count, p99, maximum }: Latencies): string => `${count} answers, p99 ${p99.toFixed(0)} ms, at most ${maximum.toFixed(0)} ms`

describe('hostile clients', () => {
  let broker: BrokerProcess
  let honest: HonestClient
  let metricsPort: number
  let baselineMib: number
  let target: Target

  const begin = async () => {
    await groupsServed(broker.port)
    honest = new HonestClient(broker, 'honest')
    honest.start()
    await sleep(1000)
    honest.taken()
    baselineMib = residentMib(broker.pid)
  }

  beforeAll(async () => {
    metricsPort = await freePort()
    const random = randomOf(seedOf('hostile input'))
    broker = await startBroker({
      'metrics.listener': `127.0.0.1:${metricsPort}`,
      'offsets.topic.num.partitions': '5',
      'log.flush.mode': 'os',
    })
    target = { random, isLong, port: broker.port }
    await createTopic(broker, 'honest', 1)
    await createTopic(broker, 'attacked', 4)
    await createTopic(broker, 'large', 4)
    await fill(broker, 64)
    await begin()
    await loopLag(metricsPort)
    await sleep(1000)
    console.log(
      `before: ${shown(honest.taken())}; ${baselineMib.toFixed(0)} MiB; loop held up ${(await loopLag(metricsPort)).maximum.toFixed(0)} ms`,
    )
  })

  afterAll(async () => {
    await honest.stop()
    await broker[Symbol.asyncDispose]()
  })

  it.for(Object.entries({ ...attacks, ...largeAttacks, ...groupAttacks }))('stands %s', { timeout: 600_000 }, async ([name, attack]) => {
    if (residentMib(broker.pid) > baselineMib + freshMib) {
      await honest.stop()
      expect(honest.wrong).toEqual([])
      expect(await broker.stop()).toBe(0)
      await broker.start()
      await begin()
    }
    honest.taken()
    await loopLag(metricsPort)
    const memory = watchMemory(broker.pid)
    const told = await attack(target).finally(memory.stop)
    await sleep(300)
    const aboveMib = Math.max(memory.stop(), residentMib(broker.pid)) - baselineMib
    const lag = await loopLag(metricsPort)
    const latencies = honest.taken()
    console.log(
      `${name}: ${told}\n  honest client: ${shown(latencies)}; loop held up at most ${lag.maximum.toFixed(0)} ms, p99 ${lag.p99.toFixed(0)} ms; ` +
        `memory ${aboveMib.toFixed(0)} MiB above ${baselineMib.toFixed(0)}`,
    )
    expect(honest.wrong).toEqual([])
    expect(latencies.count).toBeGreaterThan(0)
    expect(aboveMib, 'MiB above the baseline').toBeLessThanOrEqual(boundMib)
  })

  it('is as it was afterwards', async () => {
    await sleep(500)
    expect(honest.wrong).toEqual([])
    expect(honest.taken().count).toBeGreaterThan(0)
    const lines = broker.output().split('\n')
    expect(lines.filter(line => !isPrintable(line))).toEqual([])
    const counts = new Map<string, number>()
    for (const line of lines.filter(text => text.startsWith('{'))) {
      const { level, msg } = JSON.parse(line)
      expect(level).toEqual(expect.any(Number))
      counts.set(msg, (counts.get(msg) ?? 0) + 1)
    }
    expect(broker.output()).not.toMatch(/"level":60|unhandled|uncaught/i)
    const most = [...counts].toSorted((a, b) => b[1] - a[1]).slice(0, 5)
    console.log(`${lines.length} lines of log, mostly: ${most.map(([message, count]) => `${count} "${message}"`).join(', ')}`)
    await honest.stop()
    expect(await broker.stop()).toBe(0)
    await broker.start()
  })
})
