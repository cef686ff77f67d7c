// A consumer whose handler takes longer than maxPollInterval, beside a broker: others get its partitions, and it comes back when it is done.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Consumer } from '../../packages/client/src/consumer/types.ts'
import { startWorld, until, type World } from './consumer-world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({
    'group.consumer.min.heartbeat.interval.ms': '50',
    'group.consumer.heartbeat.interval.ms': '100',
    'group.consumer.assignment.interval.ms': '0',
  })
})
afterAll(() => world[Symbol.asyncDispose]())

const nothing = (): void => undefined
const owns = (consumer: Consumer) => consumer.assignment().flatMap(({ partitions }) => partitions).length

test.each(['classic', 'consumer'] as const)('the %s protocol', async groupProtocol => {
  const topic = await world.createTopic(world.name('slow-handler'), 2)
  const groupId = world.name('slow-handler-group')
  for (const partition of [0, 1]) await world.write(topic, ['a', 'b'], partition)
  const calls: string[] = []
  let finish = nothing
  const first = world.consumer({ groupId, groupProtocol, maxPollInterval: 500 })
  await first.subscribe({ topic })
  await first.run({
    partitionsConsumedConcurrently: 2,
    eachMessage: async ({ partition, message, signal }) => {
      calls.push(`first ${partition}/${message.offset}`)
      if (partition !== 1 || finish !== nothing) return
      await new Promise<void>(resolve => {
        finish = resolve
        signal.addEventListener('abort', () => calls.push('first is told'))
      })
    },
  })
  await until(() => calls.includes('first is told'))
  const second = world.consumer({ groupId, groupProtocol })
  await second.subscribe({ topic })
  await second.run({ eachMessage: async ({ partition, message }) => void calls.push(`second ${partition}/${message.offset}`) })
  await until(() => owns(second) === 2 && calls.includes('second 1/1'))
  expect(owns(first)).toBe(0)
  finish()
  await until(() => owns(first) === 1 && owns(second) === 1)
  expect(calls.filter(call => call === 'second 0/0' || call === 'first 1/1')).toEqual([])
  await Promise.all([first.stop(), second.stop()])
  for (const partition of [0, 1]) expect(await world.committed(groupId, topic, partition)).toBe(2)
})

test.each(['classic', 'consumer'] as const)('a static member of the %s protocol comes back to its partitions', async groupProtocol => {
  const topic = await world.createTopic(world.name('slow-static'), 2)
  const groupId = world.name('slow-static-group')
  for (const partition of [0, 1]) await world.write(topic, ['a', 'b'], partition)
  const calls: string[] = []
  let finish: (() => void) | undefined
  const consumer = world.consumer({ groupId, groupProtocol, maxPollInterval: 500, groupInstanceId: 'one' })
  await consumer.subscribe({ topic })
  await consumer.run({
    eachMessage: async ({ partition, message, signal }) => {
      calls.push(`${partition}/${message.offset}`)
      if (finish !== undefined) return
      await new Promise<void>(resolve => {
        finish = resolve
        signal.addEventListener('abort', () => calls.push('told'))
      })
    },
  })
  await until(() => calls.includes('told'))
  expect(owns(consumer)).toBe(0)
  finish?.()
  await until(() => owns(consumer) === 2 && calls.includes('0/1') && calls.includes('1/1'))
  await consumer.stop()
  for (const partition of [0, 1]) expect(await world.committed(groupId, topic, partition)).toBe(2)
})
