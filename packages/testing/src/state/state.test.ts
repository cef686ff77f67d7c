// Topics and groups as tests see them, with transactions among them.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startKafka, TimeoutError, type TestKafka } from '../index.ts'

describe('state of the broker', () => {
  let kafka: TestKafka
  beforeAll(async () => {
    kafka = await startKafka({ topics: { orders: 2 }, transport: 'memory' })
  })
  afterAll(() => kafka.close())
  afterEach(() => kafka.reset())

  it('decodes records', async () => {
    const orders = kafka.topic('orders')
    const places = await orders.produce([
      { key: 'a', value: { n: 1 }, partition: 1, timestamp: 1_700_000_000_000, headers: { h: 'x', bytes: Buffer.from([1]) } },
      { key: null, value: null, partition: 1 },
      { key: Buffer.from([0]), value: 7, partition: 0 },
    ])
    expect(places).toEqual([
      { partition: 1, offset: 0 },
      { partition: 1, offset: 1 },
      { partition: 0, offset: 0 },
    ])
    const [first, second, third] = await orders.records({ value: 'json', key: 'buffer' })
    expect(first).toMatchObject({ partition: 0, key: Buffer.from([0]), value: 7 })
    expect(second).toMatchObject({
      partition: 1,
      offset: 0,
      timestamp: 1_700_000_000_000,
      value: { n: 1 },
      headers: { h: 'x', bytes: '\u0001' },
    })
    expect(third).toMatchObject({ key: null, value: null, headers: {} })
    expect(await orders.records({ partition: 0, value: bytes => bytes.length })).toMatchObject([{ value: 1 }])
    expect((await orders.last())?.value).toBeDefined()
    await expect(
      orders.records({
        value: () => {
          throw new Error('no order')
        },
      }),
    ).rejects.toThrow('cannot decode the record of orders-0 at offset 0: no order')
  })

  it('puts records where the Java producer does', async () => {
    await kafka.createTopics({ wide: 16 })
    const keys = Array.from({ length: 40 }, (_, at) => `key-${at}`)
    await kafka.topic('wide').produce(keys.map(key => ({ key, value: 1 })))
    const producer = kafka.client().producer()
    await producer.connect()
    await producer.send({ topic: 'wide', messages: keys.map(key => ({ key, value: '2' })) })
    const partitions = new Map<string, Set<number>>()
    for (const { key, partition } of await kafka.topic('wide').received(80)) {
      partitions.set(key ?? '', (partitions.get(key ?? '') ?? new Set()).add(partition))
    }
    expect([...partitions.values()].every(set => set.size === 1)).toBe(true)
    await producer.disconnect()
  })

  it('sees what transactions commit, and nothing of what they abort', async () => {
    const orders = kafka.topic('orders')
    const producer = kafka.client().producer({ transactionalId: 't' })
    await producer.connect()
    for (const [value, isKept] of [
      ['1', true],
      ['2', false],
      ['3', true],
    ] as const) {
      const transaction = await producer.transaction()
      await transaction.send({ topic: 'orders', messages: [{ value, partition: 0 }] })
      await (isKept ? transaction.commit() : transaction.abort())
    }
    expect((await orders.received(2)).map(({ value }) => value)).toEqual(['1', '3'])
    expect((await orders.records({ isolation: 'uncommitted' })).map(({ value }) => value)).toEqual(['1', '2', '3'])
    expect(await kafka.group('g').lag('orders')).toBe(2)
    const consumer = kafka.client().consumer({ groupId: 'g' })
    await consumer.connect()
    await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
    await consumer.run({ eachMessage: async () => undefined })
    await kafka.group('g').drained('orders')
    expect(await kafka.group('g').lag()).toBe(0)
    await consumer.disconnect()
    await kafka.group('g').empty()
    await producer.disconnect()
  })

  it('describes groups of the new protocol', async () => {
    const consumer = kafka.client().consumer({ groupId: 'new', groupProtocol: 'consumer' })
    await consumer.connect()
    await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
    await consumer.run({ eachMessage: async () => undefined })
    const state = await kafka.clock.advanceUntil(kafka.group('new').stable({ members: 1 }))
    expect(state).toMatchObject({ type: 'consumer', members: [{ assignment: { orders: [0, 1] } }] })
    expect(await kafka.faults.expireSession('new')).toBe(1)
    await kafka.clock.advanceUntil(kafka.group('new').stable({ members: 1 }))
    await consumer.disconnect()
  })

  it('reads on from what retention has left', async () => {
    const orders = kafka.topic('orders')
    await orders.produce(Array.from({ length: 5 }, (_, value) => ({ value, partition: 0 })))
    const admin = kafka.client().admin()
    await admin.connect()
    await admin.deleteTopicRecords({ topic: 'orders', partitions: [{ partition: 0, offset: '3' }] })
    await admin.disconnect()
    expect((await orders.records()).map(({ value }) => value)).toEqual(['3', '4'])
    expect(await kafka.group('g').lag('orders')).toBe(2)
  })

  it('waits for topics that are not there yet, and for brokers that are stopped', async () => {
    const late = kafka.topic('late').received(1)
    await kafka.createTopics({ late: 1 })
    await kafka.topic('late').produce({ value: 'x' })
    expect((await late).length).toBe(1)
    const after = kafka.topic('late').received(2)
    await kafka.restart({ crash: true })
    await kafka.topic('late').produce({ value: 'y' })
    expect((await after).length).toBe(2)
    await expect(kafka.topic('late').received(3, { timeoutMs: 10 })).rejects.toBeInstanceOf(TimeoutError)
  })
})
