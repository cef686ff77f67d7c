// The client's consumer beside a broker of this repository: members come and go while handlers are at work.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Consumer } from '../../packages/client/src/consumer/types.ts'
import { startWorld, until, type World } from './consumer-world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({
    'group.consumer.min.heartbeat.interval.ms': '50',
    'group.consumer.heartbeat.interval.ms': '100',
    'group.consumer.assignment.interval.ms': '0',
  })
})
afterAll(() => world[Symbol.asyncDispose]())

const texts = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `v${from + index}`)
const records = Array.from({ length: 25 }, (_, index) => ({ key: `k${index % 5}`, value: `v${index}` }))
/** Something to wait for until the test lets go. */
const gate = (): { readonly open: Promise<void>; readonly letGo: () => void } => {
  const waiting: (() => void)[] = []
  const open = new Promise<void>(resolve => waiting.push(resolve))
  return { open, letGo: () => waiting.forEach(resolve => resolve()) }
}
const sleep = (delayMs: number) => new Promise(resolve => setTimeout(resolve, delayMs))
const owns = (consumer: Consumer) => consumer.assignment().flatMap(({ partitions }) => partitions).length

describe.each(['classic', 'consumer'] as const)('with the %s protocol', groupProtocol => {
  test.each(['partition', 'key', 'none'] as const)(
    'a second member takes over without a record twice or not at all (order %s)',
    async order => {
      const topic = await world.createTopic(world.name('handover'), 4)
      const groupId = world.name('handover-group')
      for (let partition = 0; partition < 4; partition++) await world.write(topic, records, partition)
      const handled = new Map<string, number>()
      const count = async ({ partition, message }: { partition: number; message: { offset: string } }) => {
        await sleep(1)
        const place = `${partition}/${message.offset}`
        handled.set(place, (handled.get(place) ?? 0) + 1)
      }
      const first = world.consumer({ groupId, groupProtocol })
      await first.subscribe({ topic })
      await first.run({ concurrency: 3, order, eachMessage: count })
      await until(() => handled.size > 10)
      const second = world.consumer({ groupId, groupProtocol })
      await second.subscribe({ topic })
      await second.run({ concurrency: 3, order, eachMessage: count })
      await until(() => owns(first) === 2 && owns(second) === 2)
      for (let partition = 0; partition < 4; partition++) await world.write(topic, records, partition)
      await until(() => handled.size > 125)
      await first.stop()
      await until(() => handled.size === 200 && owns(second) === 4)
      await second.stop()
      expect([...handled.values()].every(times => times === 1)).toBe(true)
      for (let partition = 0; partition < 4; partition++) expect(await world.committed(groupId, topic, partition)).toBe(50)
    },
  )

  test('a handler in hand finishes, and is committed, before its partition goes to another member', async () => {
    const topic = await world.createTopic(world.name('slow'), 2)
    const groupId = world.name('slow-group')
    await world.write(topic, texts(1), 0)
    await world.write(topic, texts(1), 1)
    const log: string[] = []
    const first = world.consumer({ groupId, groupProtocol })
    await first.subscribe({ topic })
    await first.run({
      partitionsConsumedConcurrently: 2,
      eachBatch: async ({ batch, isStale }) => {
        log.push(`first begins ${batch.partition}`)
        await until(() => isStale() || log.includes('go'))
        await sleep(50)
        log.push(`first ends ${batch.partition}`)
      },
    })
    await until(() => log.length === 2)
    const second = world.consumer({ groupId, groupProtocol })
    await second.subscribe({ topic })
    const joining = second.run({ eachMessage: async ({ partition }) => void log.push(`second gets ${partition}`) })
    await until(() => log.some(line => line.startsWith('first ends')))
    log.push('go')
    await joining
    await until(() => owns(second) === 1 && owns(first) === 1)
    await until(() => log.filter(line => line.startsWith('first ends')).length === 2)
    await second.stop()
    await first.stop()
    expect(log.filter(line => line.startsWith('first begins')).length).toBeGreaterThanOrEqual(2)
  })
})

test('stop waits for handlers only so long, tells them, and what they reject with later harms nobody', async () => {
  const topic = await world.createTopic(world.name('hang'))
  await world.write(topic, texts(2))
  const consumer = world.consumer({ groupId: 'hang', stopTimeout: 100 })
  await consumer.subscribe({ topic })
  const log: string[] = []
  let hangs = false
  const held = gate()
  await consumer.run({
    eachMessage: async ({ message, signal }) => {
      if (message.offset === '0') return
      hangs = true
      signal.addEventListener('abort', () => log.push(`told: ${String(signal.reason)}`))
      await held.open
      log.push('over')
      throw new Error('too late')
    },
  })
  await until(() => hangs)
  await consumer.stop()
  expect(log).toEqual(['told: Error: The consumer was stopped'])
  held.letGo()
  await until(() => log.length === 2)
  await sleep(10)
  expect(await world.committed('hang', topic)).toBe(1)
})

test('a consumer can be stopped at any time, and run again', async () => {
  const topic = await world.createTopic(world.name('early'))
  await world.write(topic, texts(1))
  const consumer = world.consumer()
  await consumer.stop()
  await consumer.subscribe({ topic })
  const got: string[] = []
  const eachMessage = async ({ message }: { message: { offset: string } }) => void got.push(message.offset)
  for (const pauseMs of [0, 1, 5, 20]) {
    const running = consumer.run({ autoCommit: false, eachMessage })
    await sleep(pauseMs)
    if (pauseMs === 5) await consumer.disconnect()
    else await consumer.stop()
    await running
  }
  got.length = 0
  await consumer.run({ eachMessage })
  await until(() => got.length === 1)
})

test('a handler may stop its own consumer', async () => {
  const topic = await world.createTopic(world.name('own-end'))
  await world.write(topic, texts(3))
  const consumer = world.consumer({ groupId: 'own-end', stopTimeout: 100 })
  await consumer.subscribe({ topic })
  const got: string[] = []
  await consumer.run({
    eachMessage: async ({ message }) => {
      got.push(message.offset)
      if (message.offset === '1') await consumer.disconnect()
    },
  })
  await until(() => got.length === 2 && consumer.assignment().length === 0)
  await sleep(20)
  expect([got, await world.committed('own-end', topic)]).toEqual([['0', '1'], 1])
})

test('stop lets running handlers finish, and commits what they did', async () => {
  const topic = await world.createTopic(world.name('drain'))
  await world.write(topic, texts(5))
  const consumer = world.consumer({ groupId: 'drain' })
  await consumer.subscribe({ topic })
  let begun = 0
  let ended = 0
  const held = gate()
  await consumer.run({
    eachMessage: async () => {
      if (++begun === 2) await held.open
      ended++
    },
  })
  await until(() => begun === 2)
  const stopped = Promise.all([consumer.stop(), consumer.stop(), consumer.disconnect()])
  await sleep(20)
  held.letGo()
  await stopped
  expect([begun, ended]).toEqual([2, 2])
  expect(await world.committed('drain', topic)).toBe(2)
})

test('events have the payloads of KafkaJS', async () => {
  const topic = await world.createTopic(world.name('events'))
  await world.write(topic, texts(3))
  const consumer = world.consumer({ groupId: 'events' })
  const events = new Map<string, unknown>()
  for (const name of Object.values(consumer.events))
    consumer.on(name, ({ type, payload }: { type: string; payload: unknown }) => void events.set(type, payload))
  await consumer.connect()
  await consumer.subscribe({ topic })
  await consumer.run({ eachMessage: async () => {} })
  await until(
    async () => (await world.committed('events', topic)) === 3 && events.has('consumer.heartbeat') && events.has('consumer.fetch'),
  )
  const memberId: unknown = expect.any(String)
  const number: unknown = expect.any(Number)
  const batch = {
    topic,
    partition: 0,
    highWatermark: '3',
    offsetLag: '0',
    offsetLagLow: '2',
    batchSize: 3,
    firstOffset: '0',
    lastOffset: '2',
  }
  expect(Object.fromEntries(events)).toMatchObject({
    'consumer.connect': null,
    'consumer.group_join': {
      groupId: 'events',
      memberId,
      leaderId: memberId,
      isLeader: true,
      memberAssignment: { [topic]: [0] },
      groupProtocol: 'RoundRobinAssigner',
      duration: number,
    },
    'consumer.fetch_start': { nodeId: 1 },
    'consumer.fetch': { nodeId: 1, numberOfBatches: number, duration: number },
    'consumer.start_batch_process': batch,
    'consumer.end_batch_process': { ...batch, duration: number },
    'consumer.commit_offsets': {
      groupId: 'events',
      memberId,
      groupGenerationId: 1,
      topics: [{ topic, partitions: [{ partition: 0, offset: '3' }] }],
    },
    'consumer.heartbeat': { groupId: 'events', memberId, groupGenerationId: 1 },
    'consumer.network.request': { apiName: expect.any(String) as unknown, clientId: expect.any(String) as unknown },
  })
})
