// When a handler counts as too slow, with time that is moved by hand.
import { expect, test, vi } from 'vitest'
import { FakeWorld } from '../consumer-testing.ts'
import { delay } from '../../retry.ts'
import type { ConsumerConfig, ConsumerRunConfig } from '../types.ts'

async function started(run: ConsumerRunConfig, config: Partial<ConsumerConfig> & { batchSize?: number } = {}) {
  const world = new FakeWorld({ maxPollInterval: 1_000, ...config })
  await world.consumer.subscribe({ topics: ['t'], fromBeginning: true })
  await world.consumer.run(run)
  return { world, clock: world.clock, asides: () => world.membership.asides }
}

const nothing = (): void => undefined
const values = (count: number) => Array.from({ length: count }, (_, index) => `k${index}:${index}`)

test.each([1, 3])('a handler that takes longer makes the consumer stand aside until it is done (concurrency %s)', async concurrency => {
  let finish = nothing
  const eachMessage = async () =>
    new Promise<void>(resolve => {
      finish = resolve
    })
  const { world, clock, asides } = await started({ eachMessage, concurrency, order: 'key' }, { stopTimeout: 0 })
  const errors = vi.spyOn(world.consumer.logger(), 'error')
  const told: unknown[] = []
  world.consumer.on(world.consumer.events.POLL_TIMEOUT, ({ payload }) => told.push(payload))
  await clock.advance(5_000)
  world.append(values(1))
  await clock.advance(990)
  expect([asides(), told]).toEqual([[], []])
  await clock.advance(20)
  expect(asides()).toEqual(['aside'])
  expect(told).toEqual([{ groupId: 'g', topic: 't', partition: 0, offset: '0', maxPollInterval: 1_000 }])
  expect(errors.mock.calls[0]?.[0]).toMatch(/^A handler takes longer than maxPollInterval/)
  await clock.advance(5_000)
  expect(asides()).toEqual(['aside'])
  finish()
  await clock.advance(0)
  expect(asides()).toEqual(['aside', 'on'])
  world.append(values(1))
  await clock.advance(1_010)
  expect(asides()).toEqual(['aside', 'on', 'aside'])
  await world.consumer.stop()
  expect(asides()).toEqual(['aside', 'on', 'aside'])
})

test('many messages that take their time, heartbeats and resolved offsets are progress', async () => {
  const each = await started({ eachMessage: async () => new Promise(resolve => void each.clock.after(900, resolve)) })
  each.world.append(values(5))
  await each.clock.advance(6_000)
  expect([each.asides(), each.world.commits.at(-1)]).toEqual([[], 't-0@5'])
  const batches = await started({
    eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
      for (const { offset } of batch.messages) {
        await delay(batches.clock, 900)
        resolveOffset(offset)
        await delay(batches.clock, 900)
        await heartbeat()
      }
    },
  })
  batches.world.append(values(3))
  await batches.clock.advance(6_000)
  expect([batches.asides(), batches.world.commits.at(-1)]).toEqual([[], 't-0@3'])
})

test('the time between two tries does not count', async () => {
  let tries = 0
  const eachMessage = async () => {
    tries++
    if (tries < 3) throw new Error('not yet')
  }
  const { world, clock, asides } = await started({ eachMessage }, { retry: { initialRetryTime: 5_000, factor: 0 } })
  world.append(values(1))
  await clock.advance(60_000)
  expect([tries, asides()]).toEqual([3, []])
})

test('is off unless it is set', async () => {
  const { world, clock, asides } = await started({ eachMessage: async () => new Promise(() => {}) }, { maxPollInterval: 0, stopTimeout: 0 })
  world.append(values(1))
  await clock.advance(3_600_000)
  expect(asides()).toEqual([])
  await world.consumer.stop()
  expect(() => new FakeWorld({ maxPollInterval: -1 })).toThrow('Invalid maxPollInterval -1, expected milliseconds')
})
