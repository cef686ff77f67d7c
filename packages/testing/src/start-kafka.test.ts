// Starting and stopping: kinds of storage and transport, resets, views, what cannot be started.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startKafka } from './index.ts'

/** What `work` took: by the clock, or of the processor where others use the machine as well. */
const timed = async <T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> => {
  const [begun, used] = [performance.now(), process.cpuUsage()]
  const result = await work()
  const { system, user } = process.cpuUsage(used)
  return { ms: Math.min(performance.now() - begun, (system + user) / 1000), result }
}

describe('startKafka', () => {
  it('starts a broker with its topics in a moment', async () => {
    const times: number[] = []
    for (let round = 0; round < 10; round++) {
      const topics = { orders: 3, payments: { partitions: 2, config: { 'cleanup.policy': 'compact' } } }
      const { ms, result } = await timed(() => startKafka({ topics }))
      await using kafka = result
      times.push(ms)
      expect(await kafka.topics()).toEqual([
        { name: 'orders', isInternal: false, partitions: 3 },
        { name: 'payments', isInternal: false, partitions: 2 },
      ])
    }
    expect(Math.min(...times)).toBeLessThan(50)
  })

  it('resets in a moment', async () => {
    await using kafka = await startKafka({ topics: { orders: 3 }, transport: 'memory' })
    const times: number[] = []
    for (let round = 0; round < 40; round++) {
      await kafka.topic('orders').produce([{ key: 'a', value: round }])
      await kafka.createTopics({ other: 1 })
      times.push((await timed(() => kafka.reset())).ms)
      expect((await kafka.topics()).map(({ name }) => name)).toEqual(['orders'])
      expect(await kafka.topic('orders').endOffsets()).toEqual({ 0: 0, 1: 0, 2: 0 })
    }
    expect(Math.min(...times)).toBeLessThan(5)
  })

  it('forgets groups and faults with a reset', async () => {
    await using kafka = await startKafka({ topics: { orders: 1 } })
    const consumer = kafka.client().consumer({ groupId: 'billing' })
    await consumer.connect()
    await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
    await consumer.run({ eachMessage: async () => undefined })
    await kafka.topic('orders').produce({ value: 'x' })
    await kafka.group('billing').drained('orders')
    await consumer.disconnect()
    const fault = kafka.faults.fail('Produce', { errorCode: 'NOT_LEADER_OR_FOLLOWER' })
    const gone = expect(fault.consumed).rejects.toThrow(/cleared before it happened/)
    await kafka.reset()
    await gone
    kafka.faults.assertAllConsumed()
    expect(await kafka.group('billing').offsets()).toEqual({})
    expect((await kafka.group('billing').state()).state).toBe('Dead')
  })

  it.each([
    ['memory', 'tcp'],
    ['memory', 'memory'],
    ['disk', 'tcp'],
    ['disk', 'memory'],
  ] as const)('keeps what it has over a restart: %s, %s', async (storage, transport) => {
    await using kafka = await startKafka({ topics: { orders: 1 }, storage, transport })
    await kafka.topic('orders').produce({ value: '1' })
    await kafka.stop()
    expect(() => kafka.connect()).toThrow(/stopped/)
    await kafka.start()
    await kafka.topic('orders').produce({ value: '2' })
    await kafka.restart({ crash: true })
    expect((await kafka.topic('orders').records()).map(({ value }) => value)).toEqual(['1', '2'])
  })

  it('removes its own folder, and leaves that of a test', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ottla-testing-own-'))
    try {
      const first = await startKafka({ storage: folder, topics: { orders: 1 } })
      await first.topic('orders').produce({ value: 'x' })
      await first.close()
      expect(existsSync(join(folder, 'orders-0'))).toBe(true)
      await using second = await startKafka({ storage: folder, topics: { orders: 1, payments: 2 } })
      expect((await second.topics()).map(({ name }) => name)).toEqual(['orders', 'payments'])
      expect((await second.topic('orders').records()).map(({ value }) => value)).toEqual(['x'])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
    const own = await startKafka({ storage: 'disk' })
    const [made] = own.broker.directories
    await own.close()
    expect(made !== undefined && existsSync(made)).toBe(false)
  })

  it('gives each test a view of its own', async () => {
    await using kafka = await startKafka()
    const one = kafka.isolated()
    const other = kafka.isolated()
    await one.createTopics({ orders: 1 })
    await other.createTopics({ orders: 1 })
    await one.topic('orders').produce({ value: 'x' })
    expect(await other.topic('orders').records()).toEqual([])
    expect(one.name('orders')).toBe(`${one.prefix}orders`)
    expect(await one.group('g').lag('orders')).toBe(1)
    await one.close()
    expect((await kafka.topics()).map(({ name }) => name)).toEqual([other.name('orders')])
  })

  it('says what cannot be started', async () => {
    await expect(startKafka({ brokers: 3 })).rejects.toThrow(/^brokers: 3: several brokers that replicate to one another are not there yet/)
    await expect(startKafka({ worker: true, transport: 'memory' })).rejects.toThrow(/^worker: true needs transport: 'tcp'/)
    await expect(startKafka({ seed: 0.5 })).rejects.toThrow('seed: 0.5: a whole number')
    await expect(startKafka({ storage: '' })).rejects.toThrow(/^storage: 'memory', 'disk', or the path/)
    await expect(startKafka({ settings: { 'num.partitions': 'many' } })).rejects.toThrow(/num\.partitions/)
    await expect(startKafka({ topics: { 'no such name!': 1 } })).rejects.toThrow(/creating the topic no such name!/)
  })

  it('closes once, also with clients connected and waiting', async () => {
    const kafka = await startKafka({ topics: { orders: 1 } })
    const waiting = kafka.topic('orders').received(1, { timeoutMs: 200 })
    const failed = expect(waiting).rejects.toThrow()
    const begun = performance.now()
    await Promise.all([kafka.close(), kafka.close()])
    expect(performance.now() - begun).toBeLessThan(1000)
    await kafka.close()
    await failed
  })

  it.each(['virtual', 'hybrid'] as const)('lets clients end that outlive it: %s', async clock => {
    const kafka = await startKafka({ topics: { orders: 1 }, transport: 'memory', clock })
    const own = kafka.client()
    const [consumer, producer] = [own.consumer({ groupId: 'billing' }), own.producer()]
    await Promise.all([consumer.connect(), producer.connect()])
    await consumer.subscribe({ topics: ['orders'] })
    await consumer.run({ eachMessage: async () => undefined })
    await kafka.close()
    await consumer.disconnect()
    await producer.disconnect()
  })

  it('repeats ids with its seed', async () => {
    const ids: string[] = []
    for (let round = 0; round < 2; round++) {
      await using kafka = await startKafka({ seed: 5, topics: { orders: 1 } })
      ids.push(kafka.broker.clusterId, kafka.broker.metadata.image.topic('orders')?.id ?? '')
      expect(kafka.seed).toBe(5)
    }
    expect(ids.slice(0, 2)).toEqual(ids.slice(2))
  })
})

describe('a broker in a worker thread', () => {
  it('does the same', async () => {
    await using kafka = await startKafka({ worker: true, topics: { orders: { partitions: 1, config: { 'retention.ms': 60_000 } } } })
    const producer = kafka.client({ retry: { initialRetryTime: 5 } }).producer()
    await producer.connect()
    const fault = kafka.faults.fail('Produce', { errorCode: 'NOT_LEADER_OR_FOLLOWER' })
    await fault.ready
    await producer.send({ topic: 'orders', messages: [{ value: 'x' }] })
    await fault.consumed
    expect((await kafka.topic('orders').received(1)).map(({ value }) => value)).toEqual(['x'])
    await kafka.restart()
    await kafka.clock.advance('20m')
    expect(await kafka.topic('orders').records()).toEqual([])
    await kafka.reset()
    expect(() => kafka.broker).toThrow(/worker thread/)
    await producer.disconnect()
    await expect(startKafka({ worker: true, settings: { 'num.partitions': 'many' } })).rejects.toThrow(/num\.partitions/)
  })
})
