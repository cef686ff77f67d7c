// The bound on memory: order of waiting, what is larger than all of it, and what ends a wait.
import { expect, test } from 'vitest'
import { VirtualClock } from '../consumer/fetch/fake-cluster-testing.ts'
import { BufferMemory } from './buffer-memory.ts'

const memoryOf = () => {
  const clock = new VirtualClock()
  return { clock, memory: new BufferMemory(clock, { limit: 100, maxBlockMs: 50 }) }
}

test('those who wait go in order, also before smaller ones that came later', async () => {
  const { memory } = memoryOf()
  expect(memory.tryTake(80)).toBe(true)
  const order: number[] = []
  const waits = [50, 10, 60].map((bytes, index) => memory.take(bytes).then(() => order.push(index)))
  expect(memory.tryTake(5)).toBe(false)
  expect(memory.isShort).toBe(true)
  memory.give(80)
  await Promise.all(waits.slice(0, 2))
  expect(order).toEqual([0, 1])
  memory.give(50)
  await Promise.all(waits)
  expect(memory.used).toBe(70)
  expect(memory.isShort).toBe(false)
})

test('what is larger than all of it goes alone', async () => {
  const { memory } = memoryOf()
  expect(memory.tryTake(10)).toBe(true)
  expect(memory.tryTake(500)).toBe(false)
  const large = memory.take(500)
  memory.give(10)
  await large
  expect(memory.used).toBe(500)
  expect(memory.tryTake(1)).toBe(false)
})

test('a wait ends after maxBlockMs or by its signal, and those behind it go on', async () => {
  const { clock, memory } = memoryOf()
  memory.tryTake(90)
  const stop = new AbortController()
  const long = memory.take(90)
  const aborted = memory.take(90, stop.signal)
  const small = memory.take(10)
  const told = Promise.allSettled([long, aborted, small])
  stop.abort(new Error('enough'))
  await clock.advance(50)
  const [first, second, third] = await told
  expect(first).toMatchObject({ reason: { name: 'KafkaJSTimeout', message: expect.stringContaining('No room for 90 bytes within 50 ms') } })
  expect(second).toMatchObject({ reason: { message: 'enough' } })
  expect(third.status).toBe('fulfilled')
  expect(memory.used).toBe(100)
})
