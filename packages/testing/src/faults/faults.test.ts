// Scripted faults as clients meet them.
import { AssertionError } from 'node:assert'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type ApiName, startKafka, type TestKafka } from '../index.ts'
import { RandomFaults } from './random-faults.ts'

describe('scripted faults', () => {
  let kafka: TestKafka
  let client: Kafka
  let admin: Admin

  beforeAll(async () => {
    kafka = await startKafka({ topics: { orders: 2 }, seed: 7 })
    client = new Kafka({
      brokers: kafka.brokers,
      clientId: 'shop',
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 5, retries: 5 },
    })
    admin = client.admin()
    await admin.connect()
  })
  afterAll(async () => {
    await admin.disconnect()
    await kafka.close()
  })
  afterEach(() => kafka.reset())

  const sends = async (value: string): Promise<void> => {
    const producer = client.producer()
    await producer.connect()
    try {
      await producer.send({ topic: 'orders', messages: [{ key: 'k', value }] })
    } finally {
      await producer.disconnect()
    }
  }

  it('are for those requests alone that they name', async () => {
    const other = kafka.faults.fail('Produce', { errorCode: 'NOT_LEADER_OR_FOLLOWER', topic: 'payments' })
    const stranger = kafka.faults.fail('Produce', { errorCode: 'NOT_LEADER_OR_FOLLOWER', clientId: 'somebody else' })
    const second = kafka.faults.fail('Produce', { errorCode: 'NOT_LEADER_OR_FOLLOWER', clientId: 'shop', nth: 2, times: 2 })
    await sends('1')
    expect(second.count).toBe(0)
    await sends('2')
    await second.consumed
    expect([other.count, stranger.count, second.count]).toEqual([0, 0, 2])
    expect(() => kafka.faults.assertAllConsumed()).toThrow(
      'faults that did not happen:\n  Produce, topic payments: NOT_LEADER_OR_FOLLOWER (happened 0 of 1 times)\n  Produce, clientId somebody else:',
    )
  })

  it('fail what cannot be tried again', async () => {
    kafka.faults.fail('Produce', { errorCode: 'TOPIC_AUTHORIZATION_FAILED' })
    await expect(sends('1')).rejects.toThrow(/not authorized/i)
    expect(await kafka.topic('orders').records()).toEqual([])
    kafka.faults.fail('CreateTopics', { errorCode: 'POLICY_VIOLATION' })
    await expect(admin.createTopics({ topics: [{ topic: 'new' }] })).rejects.toThrow()
  })

  it('put errors into the metadata of topics, and leave the brokers there', async () => {
    const fault = kafka.faults.fail('Metadata', { errorCode: 'LEADER_NOT_AVAILABLE' })
    await sends('1')
    expect(fault.count).toBe(1)
  })

  it('delay by the clock of the broker', async () => {
    const fault = kafka.faults.delay('ListOffsets', { by: '5m', clientId: 'shop' })
    const offsets = client.admin()
    await offsets.connect()
    const asked = offsets.fetchTopicOffsets('orders')
    await kafka.topic('orders').produce({ value: 'x', partition: 0 })
    await fault.happened(1)
    await kafka.clock.advance('5m')
    expect((await asked).map(({ high }) => high)).toContain('1')
    await offsets.disconnect()
  })

  it('give batches a wrong checksum', async () => {
    const fault = kafka.faults.corrupt({ topic: 'orders' })
    await kafka.topic('orders').produce({ value: 'x' })
    const consumer = client.consumer({ groupId: 'g', maxWaitTimeInMs: 20 })
    const seen: string[] = []
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders', fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) })
    await fault.consumed
    await kafka.group('g').drained('orders')
    expect(seen.length).toBeGreaterThan(0)
    await consumer.disconnect()
  })

  it('reach fetches of a session, which name no partitions', async () => {
    const consumer = kafka.client().consumer({ groupId: 'session', maxWaitTimeInMs: 20 })
    await consumer.connect()
    await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
    await consumer.run({ eachMessage: async () => undefined })
    await kafka.topic('orders').produce({ value: '1' })
    await kafka.group('session').drained('orders')
    const refused = kafka.faults.fail('Fetch', { errorCode: 'NOT_LEADER_OR_FOLLOWER', topic: 'orders' })
    const dropped = kafka.faults.dropConnection('Fetch', { topic: 'orders', nth: 2 })
    await refused.consumed
    await dropped.consumed
    await kafka.topic('orders').produce({ value: '2' })
    await kafka.group('session').drained('orders')
    await consumer.disconnect()
  })

  it('make everything slow until they are lifted', async () => {
    const slow = kafka.faults.slowBroker({ by: '1m', jitter: '1m' })
    const listed = admin.listTopics()
    await slow.consumed
    await slow.lift()
    expect(await listed).toContain('orders')
    const fast = admin.listTopics()
    expect(await fast).toContain('orders')
    expect(slow.count).toBe(1)
  })

  it('leave requests without an answer', async () => {
    const fault = kafka.faults.hang('Produce')
    const sent = sends('1')
    await fault.consumed
    expect((await kafka.topic('orders').received(1)).map(({ value }) => value)).toEqual(['1'])
    await fault.lift()
    await sent
  })

  it('fill the disk, and break it', async () => {
    const full = kafka.faults.fullDisk()
    await expect(sends('1')).rejects.toThrow()
    await full.consumed
    await full.lift()
    await sends('2')
    const failing = kafka.faults.failingDisk()
    await expect(sends('3')).rejects.toThrow()
    await failing.consumed
    await failing.lift()
    await kafka.restart()
    await sends('4')
    expect((await kafka.topic('orders').records()).map(({ value }) => value)).toEqual(['2', '4'])
  })

  it('end sessions of members', async () => {
    const consumer = client.consumer({ groupId: 'g', maxWaitTimeInMs: 20, heartbeatInterval: 20 })
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders' })
    await consumer.run({ eachMessage: async () => undefined })
    const { members } = await kafka.group('g').stable({ members: 1 })
    expect(await kafka.faults.expireSession('g')).toBe(1)
    const again = await kafka.group('g').stable({ members: 1 })
    expect(again.members[0]?.memberId).not.toBe(members[0]?.memberId)
    await consumer.disconnect()
    await expect(kafka.faults.expireSession('nobody')).rejects.toThrow('group nobody has no members whose session could end')
  })

  it('say that they did not happen, once', async () => {
    const fault = kafka.faults.fail('EndTxn', { errorCode: 'INVALID_TXN_STATE' })
    await expect(fault.happened(1, { timeoutMs: 10 })).rejects.toThrow(
      'fault not consumed within 10 ms: EndTxn: INVALID_TXN_STATE (happened 0 of 1 times)',
    )
    expect(() => kafka.faults.assertAllConsumed()).toThrow(AssertionError)
    // Nobody waits for this one when it is cleared: no rejection is left without a handler.
    expect(fault.consumed).toBeInstanceOf(Promise)
  })

  it('are for APIs that there are', () => {
    // As a program without types has it.
    const names = ['produce'].filter((name): name is ApiName => name !== '')
    for (const name of names) {
      expect(() => kafka.faults.delay(name, { by: '1s' })).toThrow(`'produce' is no API of the broker: write 'Produce'`)
    }
    kafka.faults.assertAllConsumed()
  })

  it('repeat for an API whatever other APIs are asked', () => {
    const spec = {
      id: 1,
      seed: 3,
      rate: 0.5,
      kinds: ['error', 'delay', 'drop before'],
      apis: ['Produce', 'Heartbeat'],
      maxDelayMs: 50,
    } as const
    const [one, other] = [new RandomFaults(spec), new RandomFaults(spec)]
    const actions = Array.from({ length: 20 }, () => one.actionFor('Produce'))
    const between = actions.map((_, at) => {
      for (let asked = 0; asked < at % 3; asked++) other.actionFor('Heartbeat')
      return other.actionFor('Produce')
    })
    expect(between).toEqual(actions)
    expect(new Set(actions.map(action => action?.kind)).size).toBe(4)
  })

  it('repeat with their seed', async () => {
    const counts: number[] = []
    for (let round = 0; round < 2; round++) {
      const fault = kafka.faults.random({ rate: 0.3, kinds: ['error', 'drop before'], apis: ['Produce'] })
      for (let at = 0; at < 10; at++) await kafka.topic('orders').partitions()
      for (let at = 0; at < 5; at++) await sends(String(at))
      await kafka.reset()
      counts.push(fault.count)
    }
    expect(counts[0]).toBeGreaterThan(0)
    expect(counts[1]).toBe(counts[0])
  })
})
