// Time that is advanced: what the broker and clients do when it passes.
import { describe, expect, it } from 'vitest'
import { startKafka } from './index.ts'

describe.each(['virtual', 'hybrid'] as const)('a %s clock', clock => {
  it('applies retention', async () => {
    await using kafka = await startKafka({
      clock,
      transport: 'memory',
      topics: { orders: { partitions: 1, config: { 'retention.ms': 3_600_000, 'segment.ms': 600_000 } } },
    })
    const orders = kafka.topic('orders')
    await orders.produce({ value: 'old' })
    await kafka.clock.advance('30m')
    await orders.produce({ value: 'new' })
    expect((await orders.records()).map(({ value }) => value)).toEqual(['old', 'new'])
    await kafka.clock.advance('45m')
    expect((await orders.records()).map(({ value }) => value)).toEqual(['new'])
  })

  it('advances a week in a moment', async () => {
    await using kafka = await startKafka({ clock, transport: 'memory', topics: { orders: 1 } })
    const used = process.cpuUsage()
    const before = kafka.clock.now()
    await kafka.topic('orders').produce({ value: 'x' })
    await kafka.clock.advance('8d', clock === 'hybrid' ? { stepMs: 300_000 } : {})
    expect(kafka.clock.now() - before).toBeGreaterThanOrEqual(8 * 86_400_000)
    expect(await kafka.topic('orders').records()).toEqual([])
    // Time of the processor: others may use the machine as well.
    expect(process.cpuUsage(used).user).toBeLessThan(10_000_000)
  })

  it('ends the session of a member that is not heard of', async () => {
    await using kafka = await startKafka({ clock, transport: 'memory', topics: { orders: 2 } })
    const own = kafka.client()
    const consumer = own.consumer({ groupId: 'billing', sessionTimeout: 30_000, heartbeatInterval: 3000 })
    await consumer.connect()
    await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
    await consumer.run({ eachMessage: async () => undefined })
    await kafka.group('billing').stable({ members: 1 })
    // Its heartbeats go by the same clock.
    await kafka.clock.advance('10m')
    const { members } = await kafka.group('billing').stable({ members: 1 })
    const hang = kafka.faults.fail('Heartbeat', { errorCode: 'COORDINATOR_NOT_AVAILABLE', times: Number.POSITIVE_INFINITY })
    await kafka.clock.advance('1m')
    await hang.lift()
    // What a client waits before it tries again has to pass too.
    const later = await kafka.clock.advanceUntil(kafka.group('billing').stable({ members: 1 }))
    expect(later.members[0]?.memberId).not.toBe(members[0]?.memberId)
    await consumer.disconnect()
  })

  it('aborts transactions that take too long', async () => {
    await using kafka = await startKafka({ clock, transport: 'memory', topics: { orders: 1 } })
    const producer = kafka.client().producer({ transactionalId: 't', transactionTimeout: 60_000 })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic: 'orders', messages: [{ value: 'never' }] })
    await kafka.topic('orders').produce({ value: 'behind it' })
    expect(await kafka.topic('orders').records()).toEqual([])
    expect((await kafka.topic('orders').records({ isolation: 'uncommitted' })).length).toBe(2)
    await kafka.clock.advance('2m')
    expect((await kafka.topic('orders').received(1)).map(({ value }) => value)).toEqual(['behind it'])
    await producer.disconnect()
  })
})
