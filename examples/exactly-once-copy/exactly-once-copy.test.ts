// Copies while payments come in, and is killed in the middle, again and again: no receipt is missing, and none is there twice.
import { startKafka } from '@ottla/testing'
import { expect, test } from 'vitest'
import { Program } from '../running.ts'

test('each payment has one receipt, though the copy is killed', async () => {
  await using kafka = await startKafka({ topics: { payments: 2, receipts: 3 } })
  const env = { KAFKA_BROKERS: kafka.bootstrap }
  const start = () => new Program('exactly-once-copy/copy-payments', { env, args: ['copy-1'] })
  const payments = kafka.topic('payments')
  const pay = (first: number) =>
    payments.produce(Array.from({ length: 200 }, (_, index) => ({ key: `customer ${index % 7}`, value: `payment ${first + index}` })))

  await pay(0)
  for (const round of [1, 2]) {
    await using copy = start()
    await copy.prints(/^copied/)
    const paid = pay(round * 200)
    expect(await copy.end('SIGKILL')).toBe('SIGKILL')
    await paid
  }
  await using copy = start()
  await kafka.group('receipts').drained('payments', { timeoutMs: 30_000 })
  expect(await copy.end()).toBe('SIGTERM')

  const receipts = await kafka.topic('receipts').records()
  const numbers = receipts.map(({ value }) => Number(value?.replace('received: payment ', '')))
  expect(numbers.toSorted((one, other) => one - other)).toEqual(Array.from({ length: 600 }, (_, index) => index))
})
