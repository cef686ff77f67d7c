// Assertions of topics and groups, and what they say when they fail.
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest'
import { expectGroup, expectTopic, startKafka, type TestKafka, type Topic } from '../index.ts'
import { expect } from '../vitest.ts'

const messageOf = async (work: Promise<unknown>): Promise<string> => {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return error instanceof Error ? error.message : 'nothing was thrown'
}

const version = ({ value }: { value: unknown }): unknown => (typeof value === 'object' && value !== null && 'v' in value ? value.v : 0)

describe('assertions', () => {
  let kafka: TestKafka
  let orders: Topic

  beforeAll(async () => {
    kafka = await startKafka({ topics: { orders: 2 }, transport: 'memory' })
    orders = kafka.topic('orders')
  })
  afterAll(() => kafka.close())
  afterEach(() => kafka.reset())

  it('find a record by key, value, headers and partition', async () => {
    await orders.produce({ key: 'a', value: { id: 1, items: [{ price: 5 }] }, headers: { trace: 't-1' }, partition: 1 })
    await expectTopic(orders).toHaveReceived({ key: 'a', value: { id: 1, items: [{ price: 5 }] }, headers: { trace: 't-1' }, partition: 1 })
    await expectTopic(orders).toHaveReceived({ key: /^a$/, value: (value: { id: number }) => value.id === 1 })
    await expectTopic(orders).toHaveReceived({ value: '{"id":1,"items":[{"price":5}]}', offset: 0 }, { times: 1 })
    await expect(orders).toHaveReceived({ value: expect.objectContaining({ id: 1 }) })
    await expect(orders).toHaveReceived({ value: { id: expect.any(Number), items: [{ price: 5 }] }, key: Buffer.from('a') })
    await expect(orders).not.toHaveReceived({ key: 'b' })
    await expectTopic(orders).notToHaveReceived({ key: 'b' })
    await expect(orders).toHaveRecordCount(1)
  })

  it('wait for it', async () => {
    const wanted = expectTopic(orders).toHaveReceived({ value: 'late' })
    await orders.produce([{ value: 'early' }, { value: 'late' }])
    await wanted
  })

  it('say what came nearest', async () => {
    await orders.produce([
      { key: 'a', value: { id: 1, total: 5 }, partition: 0 },
      { key: 'b', value: { id: 2, total: 7 }, headers: { trace: 'x' }, partition: 1 },
    ])
    const expected = { key: 'b', value: { id: 2, total: 8 }, headers: { trace: 'x' } }
    expect(await messageOf(expectTopic(orders).toHaveReceived(expected, { timeoutMs: 20 }))).toBe(
      [
        `topic orders has not received a record with key 'b', value {"id":2,"total":8}, header trace 'x' within 20 ms.`,
        'It has 2 records; the nearest is that of partition 1 at offset 0:',
        '  value.total: expected 8, is 7',
      ].join('\n'),
    )
    expect(await messageOf(expect(orders).toHaveReceived({ key: 'c' }, { timeoutMs: 20 }))).toContain(`key: expected 'c', is 'a'`)
    expect(await messageOf(expect(orders).not.toHaveReceived({ key: 'a' }))).toContain(
      `topic orders has received a record with key 'a', at partition 0 offset 0`,
    )
    expect(await messageOf(expectTopic(orders).toHaveReceived({ key: 'a' }, { times: 2, timeoutMs: 20 }))).toContain(
      'It has received it 1 times.',
    )
    expect(await messageOf(expectTopic(kafka.topic('other')).notToHaveReceived({}))).toBe('there is no topic other; there are orders')
    expect(await messageOf(orders.received(3, { timeoutMs: 20 }))).toContain(`topic orders received 2 of 3 records within 20 ms.`)
  })

  it('see the order per key, duplicates and formats', async () => {
    await orders.produce([
      { key: 'a', value: { v: 1 } },
      { key: 'b', value: { v: 9 } },
      { key: 'a', value: { v: 2 } },
    ])
    await expect(orders).toBeInOrderPerKey(version)
    await expect(orders).toHaveNoDuplicates()
    await expect(orders).toHaveFormat((value: { v: unknown }) => typeof value.v === 'number')
    await orders.produce([{ key: 'a', value: { v: 1 } }])
    expect(await messageOf(expect(orders).toBeInOrderPerKey(version))).toMatch(
      /^topic orders: the records of key 'a' are not in order: 1 \(partition \d offset \d\) after 2 \(partition \d offset \d\)$/,
    )
    expect(await messageOf(expectTopic(orders).toHaveNoDuplicates())).toMatch(
      /^topic orders has \["a",\{"v":1\}\] twice: partition \d offset \d and/,
    )
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) => (version({ value }) === 9 ? { issues: [{ message: 'too large', path: ['v'] }] } : { value }),
      },
    }
    expect(await messageOf(expectTopic(orders).toHaveFormat(schema))).toMatch(/has not the format: v: too large\n {2}'\{"v":9\}'$/)
    await orders.produce({ value: 'no json' })
    expect(await messageOf(expectTopic(orders).toHaveFormat(() => true))).toContain('cannot decode the record of orders-')
  })

  it('see what groups have committed', async () => {
    await orders.produce([
      { value: 1, partition: 0 },
      { value: 2, partition: 0 },
    ])
    const group = kafka.group('billing')
    expect(await messageOf(expectGroup(group).toHaveCommitted('orders', { 0: 2 }, { timeoutMs: 10 }))).toBe(
      'group billing has not committed these offsets of orders\n  partition 0: expected 2, is nothing',
    )
    expect(await messageOf(expect(group).toHaveLagBelow(2, { topic: 'orders', timeoutMs: 10 }))).toBe(
      'group billing lags by 2 records, the limit is below 2',
    )
    await expect(group).toHaveLagBelow(3, { topic: 'orders' })
    expect(await messageOf(group.drained('orders', { timeoutMs: 10 }))).toBe(
      'group billing done with topic orders: not within 10 ms.\nIt lags:\n  partition 0: 2 behind, nothing committed',
    )
    expect(await messageOf(group.stable({ timeoutMs: 10 }))).toContain('It is Dead (classic protocol) with 0 members')
  })

  it('wait for a broker that starts again', async () => {
    await orders.produce({ value: 1, partition: 0 })
    await kafka.stop()
    const wanted = expectGroup(kafka.group('billing')).toHaveLagBelow(2, { topic: 'orders' })
    await kafka.start()
    await wanted
  })

  it('do not wait for what is not to happen', async () => {
    await orders.produce({ value: 1, partition: 0 })
    const begun = performance.now()
    await expect(orders).not.toHaveRecordCount(2)
    await expect(kafka.group('billing')).not.toHaveCommitted('orders', { 0: 1 })
    await expect(kafka.group('billing')).not.toHaveLagBelow(1, { topic: 'orders' })
    expect(performance.now() - begun).toBeLessThan(3000)
  })

  it('tell bytes apart that are no text', async () => {
    await orders.produce([
      { key: Buffer.from([0xff]), value: Buffer.from([1, 0xff]), partition: 0 },
      { key: Buffer.from([0xfe]), value: Buffer.from([0, 0xfe]), partition: 1 },
      { key: Buffer.from([0xff]), value: Buffer.from([1, 0xfe]), partition: 0 },
    ])
    await expectTopic(orders).toHaveNoDuplicates()
    await expectTopic(orders).toBeInOrderPerKey(({ raw }) => raw.value?.[0] ?? 0)
    await orders.produce({ value: { v: 1 }, partition: 1 })
    interface Versioned {
      readonly v: number
    }
    await expectTopic(orders).toHaveNoDuplicates<Versioned>(({ offset, partition, value }) => [partition, offset, value.v])
    await expect(orders).toHaveNoDuplicates<Versioned>(({ offset, partition, value }) =>
      BigInt(partition * 10 + offset + Number(value.v === 7)),
    )
  })

  it('tell the seed of faults by chance', async () => {
    const random = kafka.faults.random({ rate: 1, apis: ['EndTxn'], seed: 77 })
    expect(await messageOf(expectTopic(orders).toHaveCount(1, { timeoutMs: 5 }))).toContain('startKafka({ seed: 77 })')
    expect(await messageOf(expect(orders).toHaveRecordCount(1, { timeoutMs: 5 }))).toContain('startKafka({ seed: 77 })')
    await random.lift()
  })
})
