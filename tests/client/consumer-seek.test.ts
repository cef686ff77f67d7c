// The client's consumer beside a broker of this repository: seek, pause, assign, where partitions begin, how far behind it is.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startWorld, until, type World } from './consumer-world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

const nothing = (): void => {}
const texts = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `v${from + index}`)

test('a seek before the assignment is where the partition begins, and is committed', async () => {
  const topic = await world.createTopic(world.name('seek'))
  await world.write(topic, texts(5))
  const consumer = world.consumer({ groupId: 'seek' })
  await consumer.subscribe({ topic })
  expect(() => consumer.seek({ topic, partition: 0, offset: '1' })).toThrow('Consumer group was not initialized')
  const got: string[] = []
  const running = consumer.run({ eachMessage: async ({ message }) => void got.push(message.offset) })
  consumer.seek({ topic, partition: 0, offset: '3' })
  await running
  await until(() => got.length === 2)
  expect(got).toEqual(['3', '4'])
  await until(async () => (await world.committed('seek', topic)) === 5)
  consumer.seek({ topic, partition: 0, offset: '2' })
  await until(() => got.length === 5)
  consumer.seek({ topic, partition: 0, offset: '-2' })
  await until(() => got.length === 10)
  consumer.seek({ topic, partition: 0, offset: '-1' })
  await world.write(topic, texts(1, 5))
  await until(() => got.includes('5'))
  expect(got.slice(0, 10)).toEqual(['3', '4', '2', '3', '4', '0', '1', '2', '3', '4'])
})

test('a seek while a batch is handled makes it stale and drops the rest', async () => {
  const topic = await world.createTopic(world.name('stale'))
  await world.write(topic, texts(5))
  const consumer = world.consumer()
  await consumer.subscribe({ topic })
  const got: string[] = []
  const stale: boolean[] = []
  await consumer.run({
    eachBatch: async ({ batch, isStale, resolveOffset }) => {
      got.push(batch.messages.map(({ offset }) => offset).join())
      if (got.length === 1) consumer.seek({ topic, partition: 0, offset: '3' })
      stale.push(isStale())
      resolveOffset('0')
    },
  })
  await until(() => got.length === 2)
  await consumer.stop()
  expect([got, stale]).toEqual([
    ['0,1,2,3,4', '3,4'],
    [true, false],
  ])
})

test('a paused partition brings nothing until it is resumed', async () => {
  const topic = await world.createTopic(world.name('pause'), 2)
  const consumer = world.consumer()
  await consumer.subscribe({ topic })
  const got: string[] = []
  let resume = nothing
  await consumer.run({
    eachMessage: async ({ partition, message, pause }) => {
      got.push(`${partition}/${message.offset}`)
      if (partition === 0 && message.offset === '1') resume = pause()
    },
  })
  await world.write(topic, texts(4), 0)
  await until(() => got.length === 2)
  await world.write(topic, texts(2), 1)
  await until(() => got.length === 4)
  expect(consumer.paused()).toEqual([{ topic, partitions: [0] }])
  expect(got).toEqual(['0/0', '0/1', '1/0', '1/1'])
  resume()
  await until(() => got.length === 6)
  expect(got.slice(4)).toEqual(['0/2', '0/3'])
  consumer.pause([{ topic }])
  expect(consumer.paused()).toEqual([{ topic, partitions: [0, 1] }])
  consumer.resume([{ topic, partitions: [1] }])
  expect(consumer.paused()).toEqual([{ topic, partitions: [0] }])
  await world.write(topic, texts(1), 0)
  await world.write(topic, texts(1), 1)
  await until(() => got.length === 7)
  consumer.resume([{ topic }])
  await until(() => got.length === 8)
  expect(got.slice(6)).toEqual(['1/2', '0/4'])
})

test('partitions can be read without a group', async () => {
  const topic = await world.createTopic(world.name('assign'), 2)
  await world.write(topic, texts(3), 0)
  await world.write(topic, texts(3), 1)
  const consumer = world.consumer({ groupId: null })
  consumer.assign([
    { topic, partition: 0, offset: '1' },
    { topic, partition: 1 },
  ])
  const got: string[] = []
  await consumer.run({ eachMessage: async ({ partition, message }) => void got.push(`${partition}/${message.offset}`) })
  await until(() => got.length === 5)
  expect(got.toSorted()).toEqual(['0/1', '0/2', '1/0', '1/1', '1/2'])
  expect(consumer.assignment()).toEqual([{ topic, partitions: [0, 1] }])
  await expect(consumer.commitOffsets([{ topic, partition: 0, offset: '1' }])).rejects.toThrow('nowhere to commit')
  await consumer.stop()
  await world.write(topic, texts(1, 3), 1)
  await consumer.run({ eachMessage: async ({ partition, message }) => void got.push(`${partition}/${message.offset}`) })
  await until(() => got.length === 6)
  expect(got[5]).toBe('1/3')
})

test('by hand with a group id, offsets are committed for it', async () => {
  const topic = await world.createTopic(world.name('assigned'))
  await world.write(topic, texts(3), 0)
  const consumer = world.consumer({ groupId: 'by-hand' })
  consumer.assign([{ topic, partition: 0 }])
  let handled = 0
  await consumer.run({ eachMessage: async () => void handled++ })
  await until(() => handled === 3)
  await consumer.stop()
  expect(await world.committed('by-hand', topic)).toBe(3)
})

test('offsets for timestamps, and lag in records and seconds', async () => {
  const topic = await world.createTopic(world.name('lag'))
  const start = Date.now() - 60_000
  await world.write(
    topic,
    [0, 1, 2, 3].map(index => ({ value: 'x', timestamp: start + index * 1_000 })),
  )
  const consumer = world.consumer()
  const at = (timestamp: number) => consumer.offsetsForTimestamps([{ topic, partition: 0, timestamp }])
  expect(await at(start + 1_500)).toEqual([{ topic, partition: 0, offset: '2' }])
  expect(await at(start + 99_000)).toEqual([{ topic, partition: 0, offset: '4' }])
  await expect(at(1.5)).rejects.toThrow('Invalid timestamp')
  await consumer.subscribe({ topic })
  let resume = nothing
  await consumer.run({
    eachMessage: async ({ message, pause }) => {
      if (message.offset === '1') resume = pause()
    },
  })
  await until(async () => (await consumer.lag())[0]?.records === 2)
  const [lag] = await consumer.lag()
  expect(lag).toMatchObject({ topic, partition: 0, records: 2 })
  expect(Math.round(lag?.seconds ?? 0)).toBeGreaterThanOrEqual(58)
  resume()
  await until(async () => (await consumer.lag())[0]?.records === 0)
  expect(await consumer.lag()).toEqual([{ topic, partition: 0, records: 0, seconds: 0 }])
})

test('where nothing is committed a partition begins at its end by default, and nowhere with none', async () => {
  const topic = await world.createTopic(world.name('reset'))
  await world.write(topic, texts(3))
  const latest = world.consumer({ offsetReset: 'latest' })
  await latest.subscribe({ topic })
  const got: string[] = []
  await latest.run({ eachMessage: async ({ message }) => void got.push(message.offset) })
  await world.write(topic, texts(1, 3))
  await until(() => got.length > 0)
  expect(got).toEqual(['3'])
  const none = world.consumer({ offsetReset: 'none' })
  const crashes: unknown[] = []
  none.on('consumer.crash', ({ payload }) => void crashes.push([payload.restart, payload.error.message]))
  await none.subscribe({ topic })
  await none.run({ eachMessage: async () => {} })
  await until(() => crashes.length > 0)
  expect(crashes).toEqual([[false, `Nothing is committed for ${topic}-0, and offsetReset is none: seek, or commit where to begin`]])
})
