// What to test of a program that uses Kafka, each item a test to copy: that records arrive where and how they should, and that nothing is
// lost when something goes wrong. All of it runs against a real broker inside this process.
import { EventEmitter, once } from 'node:events'
import type { Kafka, Producer } from '@ottla/client'
import { expectGroup, expectTopic, startKafka, type TestKafka } from '@ottla/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type Billing,
  type BillingOptions,
  INVOICES,
  isOrder,
  type Order,
  ORDERS,
  placeOrders,
  REJECTED,
  startBilling,
} from './billing-service.ts'

let kafka: TestKafka
let client: Kafka
let producer: Producer
const running = new Set<Billing>()

beforeAll(async () => {
  kafka = await startKafka({ topics: { [ORDERS]: 4, [INVOICES]: 4, [REJECTED]: 1 } })
})
afterAll(() => kafka.close())

beforeEach(async () => {
  client = kafka.client({ retry: { initialRetryTime: 10 } })
  producer = client.producer()
  await producer.connect()
})
afterEach(async () => {
  for (const billing of running) await billing.stop()
  running.clear()
  await producer.disconnect()
  await kafka.reset()
})

const billing = async (options: BillingOptions = {}): Promise<Billing> => {
  const started = await startBilling(client, options)
  running.add(started)
  return started
}

const ordersOf = (customer: string, count: number, first = 1): Order[] =>
  Array.from({ length: count }, (_, at) => ({ id: first + at, customer, total: 10 * (first + at) }))

describe('what is sent', () => {
  it('goes to the right topic', async () => {
    await placeOrders(producer, ordersOf('ada', 1))
    await expectTopic(kafka.topic(ORDERS)).toHaveReceived({ value: { id: 1, customer: 'ada', total: 10 } })
    await expectTopic(kafka.topic(INVOICES)).notToHaveReceived({})
  })

  it('has the right key and headers', async () => {
    await placeOrders(producer, ordersOf('ada', 1))
    await expectTopic(kafka.topic(ORDERS)).toHaveReceived({ key: 'ada', headers: { 'content-type': 'application/json' } })
  })

  it('is in one partition for each key', async () => {
    await placeOrders(producer, [...ordersOf('ada', 3), ...ordersOf('bob', 3)])
    await placeOrders(producer, ordersOf('ada', 3, 4))
    const records = await kafka.topic(ORDERS).received(9)
    const partitions = new Set(records.filter(({ key }) => key === 'ada').map(({ partition }) => partition))
    expect(partitions.size).toBe(1)
  })

  it('is in order', async () => {
    for (let first = 1; first <= 41; first += 10)
      await placeOrders(producer, [...ordersOf('ada', 10, first), ...ordersOf('bob', 10, first)])
    await kafka.topic(ORDERS).received(100)
    await expectTopic(kafka.topic(ORDERS)).toBeInOrderPerKey(({ value }) => isOrder(value) && value.id)
  })

  it('has the right format', async () => {
    await placeOrders(producer, ordersOf('ada', 5))
    // A schema of zod, valibot or any other Standard Schema can stand here.
    await expectTopic(kafka.topic(ORDERS)).toHaveFormat(isOrder)
  })

  it('is sent once, also where the acknowledgement is lost', async () => {
    const lost = kafka.faults.loseAnswer('Produce', { topic: ORDERS })
    await placeOrders(producer, ordersOf('ada', 3))
    await lost.consumed
    await expectTopic(kafka.topic(ORDERS)).toHaveCount(3)
    await expectTopic(kafka.topic(ORDERS)).toHaveNoDuplicates()
  })

  it('is sent again where the broker refuses it for a while', async () => {
    const refused = kafka.faults.fail('Produce', { errorCode: 'NOT_LEADER_OR_FOLLOWER', times: 2 })
    await placeOrders(producer, ordersOf('ada', 1))
    await refused.consumed
    await expectTopic(kafka.topic(ORDERS)).toHaveReceived({ key: 'ada' }, { times: 1 })
  })
})

describe('what is received', () => {
  it('is committed when it is handled', async () => {
    await billing()
    await placeOrders(producer, ordersOf('ada', 3))
    await expectTopic(kafka.topic(INVOICES)).toHaveCount(3)
    await kafka.group('billing').drained(ORDERS)
    const [{ partition } = { partition: -1 }] = await kafka.topic(ORDERS).records()
    await expectGroup(kafka.group('billing')).toHaveCommitted(ORDERS, { [partition]: 3 })
  })

  it('is not committed before', async () => {
    const steps = new EventEmitter()
    const begun = once(steps, 'begun')
    await billing({
      onOrder: async () => {
        steps.emit('begun')
        await once(steps, 'done')
      },
    })
    await placeOrders(producer, ordersOf('ada', 1))
    await begun
    expect(await kafka.group('billing').lag(ORDERS)).toBe(1)
    steps.emit('done')
    await kafka.group('billing').drained(ORDERS)
  })

  it('is tried again when handling it fails', async () => {
    let failures = 2
    await billing({
      onOrder: () => {
        if (failures-- > 0) throw new Error('the database is busy')
      },
    })
    await placeOrders(producer, ordersOf('ada', 1))
    await expectTopic(kafka.topic(INVOICES)).toHaveReceived(
      { key: 'ada', value: { order: 1, amount: 10 } },
      { times: 1, timeoutMs: 10_000 },
    )
  })

  it('is set aside when it cannot be read, and holds nothing up', async () => {
    await billing()
    await kafka.topic(ORDERS).produce({ key: 'ada', value: 'no order' })
    await placeOrders(producer, ordersOf('ada', 1))
    await expectTopic(kafka.topic(REJECTED)).toHaveReceived({ key: 'ada', value: 'no order' }, { times: 1 })
    await expectTopic(kafka.topic(INVOICES)).toHaveReceived({ key: 'ada' })
  })
})

describe('when something goes wrong', () => {
  it('gives records again that a member had not finished when it crashed', async () => {
    await placeOrders(producer, ordersOf('ada', 5))
    // A member that hangs in its third order, and is not heard of any more.
    const crashed = new Promise<void>(() => undefined)
    const seen: number[] = []
    const hanging = startBilling(client, { onOrder: ({ id }) => (seen.push(id) < 3 ? undefined : crashed) })
    await expectTopic(kafka.topic(INVOICES)).toHaveCount(2)
    const { consumer } = await hanging
    await kafka.faults.expireSession('billing')
    await billing()
    await expectTopic(kafka.topic(INVOICES)).toHaveReceived({ value: { order: 5, amount: 50 } }, { timeoutMs: 10_000 })
    const orders = (await kafka.topic(INVOICES).records()).map(({ value }) => value)
    expect(new Set(orders).size).toBe(5)
    await Promise.race([consumer.disconnect(), new Promise(resolve => setTimeout(resolve, 50))])
  })

  it('shares the work anew when members come and go', async () => {
    const first = await billing()
    await kafka.group('billing').stable({ members: 1 })
    // Heartbeats tell members of a rebalance; time that passes at once spares waiting for them.
    await kafka.clock.advanceUntil(billing())
    const { members } = await kafka.clock.advanceUntil(kafka.group('billing').stable({ members: 2 }))
    expect(members.map(({ assignment }) => assignment[ORDERS]?.length)).toEqual([2, 2])
    running.delete(first)
    await first.stop()
    const { members: left } = await kafka.clock.advanceUntil(kafka.group('billing').stable({ members: 1 }))
    expect(left[0]?.assignment).toEqual({ [ORDERS]: [0, 1, 2, 3] })
  })

  it('loses nothing in a rebalance', async () => {
    await billing()
    for (let round = 0; round < 5; round++) {
      await placeOrders(
        producer,
        Array.from({ length: 20 }, (_, at) => ({ id: round * 20 + at, customer: `customer-${at}`, total: 1 })),
      )
      if (round === 2) await kafka.clock.advanceUntil(billing())
    }
    await kafka.clock.advanceUntil(kafka.group('billing').drained(ORDERS))
    const invoiced = new Set((await kafka.topic(INVOICES).records({ value: 'json' })).map(({ value }) => JSON.stringify(value)))
    expect(invoiced.size).toBe(100)
  })

  it('goes on after a fail-over', async () => {
    await billing()
    await placeOrders(producer, ordersOf('ada', 3))
    await kafka.group('billing').drained(ORDERS)
    await kafka.restart({ crash: true })
    await placeOrders(producer, ordersOf('ada', 3, 4))
    await expectTopic(kafka.topic(INVOICES)).toHaveReceived({ value: { order: 6, amount: 60 } }, { timeoutMs: 10_000 })
    await expectTopic(kafka.topic(ORDERS)).toHaveNoDuplicates()
  })

  it('gets through whatever a bad network does', async () => {
    const random = kafka.faults.random({
      rate: 0.1,
      kinds: ['error', 'delay', 'drop before', 'drop after'],
      maxDelay: 20,
      apis: ['Produce', 'Fetch'],
    })
    await billing()
    for (let first = 1; first <= 21; first += 5) await placeOrders(producer, ordersOf('ada', 5, first))
    await kafka.group('billing').drained(ORDERS, { timeoutMs: 20_000 })
    await random.lift()
    await expectTopic(kafka.topic(ORDERS)).toHaveCount(25)
    await expectTopic(kafka.topic(ORDERS)).toHaveNoDuplicates()
  })
})

describe('how much there is', () => {
  it('lags no more than it may', async () => {
    await placeOrders(producer, ordersOf('ada', 50))
    expect(await kafka.group('billing').lag(ORDERS)).toBe(50)
    await billing()
    await expectGroup(kafka.group('billing')).toHaveLagBelow(10, { topic: ORDERS, timeoutMs: 10_000 })
  })

  it('takes the load of a busy day', async () => {
    const count = 2000
    const orders = Array.from({ length: count }, (_, id): Order => ({ id, customer: `customer-${id % 100}`, total: 1 }))
    let handled = 0
    await billing({ onOrder: () => void handled++ })
    const begun = performance.now()
    for (let at = 0; at < count; at += 500) await placeOrders(producer, orders.slice(at, at + 500))
    await kafka.group('billing').drained(ORDERS, { timeoutMs: 30_000 })
    expect(handled).toBe(count)
    expect(performance.now() - begun).toBeLessThan(30_000)
  })
})
