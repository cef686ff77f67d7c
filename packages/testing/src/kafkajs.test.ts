// KafkaJS against the broker in the test process.
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { startKafka, type TestKafka } from './index.ts'

const clientOf = (kafka: TestKafka, inMemory: boolean): Kafka =>
  new Kafka({
    clientId: 'shop',
    brokers: kafka.brokers,
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries: 8 },
    ...(inMemory ? { socketFactory: kafka.socketFactory } : {}),
  })

describe.each(['tcp', 'memory'] as const)('KafkaJS over %s', transport => {
  const start = () => startKafka({ topics: { orders: 2 }, transport })

  it('produces and consumes', async () => {
    await using kafka = await start()
    const client = clientOf(kafka, transport === 'memory')
    const producer = client.producer()
    await producer.connect()
    await producer.send({
      topic: 'orders',
      messages: [
        { key: 'a', value: '1', headers: { trace: 'x' } },
        { value: '2', partition: 1 },
      ],
    })
    const records = await kafka.topic('orders').received(2)
    expect(new Set(records.map(({ value }) => value))).toEqual(new Set(['1', '2']))
    expect(records.find(({ key }) => key === 'a')?.headers).toEqual({ trace: 'x' })

    const consumer = client.consumer({ groupId: 'billing', maxWaitTimeInMs: 50 })
    const seen: string[] = []
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders', fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)), autoCommitInterval: 10 })
    await kafka.group('billing').stable({ members: 1 })
    await kafka.topic('orders').produce([{ key: 'b', value: { total: 3 } }])
    await kafka.group('billing').drained('orders')
    expect(new Set(seen)).toEqual(new Set(['1', '2', '{"total":3}']))
    expect(await kafka.group('billing').lag('orders')).toBe(0)
    const [member] = await kafka.group('billing').members()
    expect(member?.assignment).toEqual({ orders: [0, 1] })
    await consumer.disconnect()
    await producer.disconnect()
  })

  it('tries again after errors, lost connections and lost answers', async () => {
    await using kafka = await start()
    const producer = clientOf(kafka, transport === 'memory').producer({ idempotent: true })
    await producer.connect()
    const refused = kafka.faults.fail('Produce', { errorCode: 'NOT_LEADER_OR_FOLLOWER', topic: 'orders' })
    await producer.send({ topic: 'orders', messages: [{ key: 'a', value: '1' }] })
    await refused.consumed
    const dropped = kafka.faults.dropConnection('Produce')
    await producer.send({ topic: 'orders', messages: [{ key: 'a', value: '2' }] })
    const lost = kafka.faults.loseAnswer('Produce')
    await producer.send({ topic: 'orders', messages: [{ key: 'a', value: '3' }] })
    expect([refused.count, dropped.count, lost.count]).toEqual([1, 1, 1])
    kafka.faults.assertAllConsumed()
    expect((await kafka.topic('orders').records()).map(({ value }) => value)).toEqual(['1', '2', '3'])
    await producer.disconnect()
  })

  it('comes back after the broker went away', async () => {
    await using kafka = await start()
    const client = clientOf(kafka, transport === 'memory')
    const producer = client.producer()
    await producer.connect()
    await producer.send({ topic: 'orders', messages: [{ key: 'a', value: '1' }] })
    await kafka.restart({ crash: true })
    await producer.send({ topic: 'orders', messages: [{ key: 'a', value: '2' }] })
    expect((await kafka.topic('orders').received(2)).map(({ value }) => value)).toEqual(['1', '2'])
    await producer.disconnect()
  })
})
