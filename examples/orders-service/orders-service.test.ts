// The whole story of the README: orders that go well, that need a second try, that wait in a retry topic, that nobody can read, that are refused, and
// are replayed once the reason is gone.
import { startKafka } from '@ottla/testing'
import { expect, test } from 'vitest'
import { Program, run } from '../running.ts'

test('orders are shipped, tried again, laid aside and replayed', async () => {
  await using kafka = await startKafka({ topics: { orders: 2 } })
  await using warehouse = new Program('orders-service/serve-warehouse', { env: { PORT: '0' } })
  await warehouse.prints(/^listening on/)
  const url = warehouse.lines[0]?.replace('listening on ', '') ?? ''
  const env = { KAFKA_BROKERS: kafka.bootstrap, WAREHOUSE: url }
  await using shipping = new Program('orders-service/ship-orders', { env })

  await run('orders-service/place-orders', { env, args: ['chair', 'lamp', 'table', 'unicorn'] })
  await kafka.topic('orders').produce({ value: 'no order at all' })
  await shipping.prints(
    /^shipped chair$/,
    /^shipped lamp$/,
    /^order \d: the warehouse says 503, again in \d+ ms$/,
    /^order \d: the warehouse says 503, again in 600 ms by orders\.shipping\.retry\.2$/,
    /^shipped table$/,
    /^order \d: shipped at try 4$/,
    /^order \d: there is no unicorn, put into orders\.shipping\.dlt$/,
    /^order \d: .*JSON.*, put into orders\.shipping\.dlt$/,
  )
  const listed = await run('orders-service/replay-orders', { env })
  expect(listed).toHaveLength(2)
  expect(listed).toContainEqual(expect.stringMatching(/KafkaJSDeserializationError: .* \(1 tries\)$/))
  expect(listed).toContainEqual(expect.stringMatching(/OrderRefused: there is no unicorn \(1 tries\)$/))

  await fetch(`${url}/stock/unicorn`, { method: 'PUT' })
  expect(await run('orders-service/replay-orders', { env, args: ['OrderRefused'] })).toEqual(['replayed 1 of 1'])
  await shipping.prints(/^shipped unicorn$/)
  await kafka.group('shipping').drained('orders', { timeoutMs: 30_000 })
  expect(await shipping.end()).toBe('SIGTERM')
  expect(shipping.lines.filter(line => line.startsWith('shipped'))).toHaveLength(4)
})
