// The client's consumer beside a broker of this repository: KafkaJS's methods.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startWorld, until, type World } from './consumer-world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

const texts = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `v${from + index}`)

test('eachMessage gets every message in order, and offsets are committed', async () => {
  const topic = await world.createTopic(world.name('messages'))
  await world.write(topic, [{ key: 'k', value: 'v0', headers: { h: 'x' } }, 'v1', 'v2'])
  const consumer = world.consumer({ groupId: 'messages' })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const got: string[] = []
  const payloads: object[] = []
  await consumer.run({
    eachMessage: async payload => {
      got.push(`${payload.partition}/${payload.message.offset}/${payload.message.value?.toString()}`)
      payloads.push(payload)
    },
  })
  await until(() => got.length === 3)
  expect(got).toEqual(['0/0/v0', '0/1/v1', '0/2/v2'])
  expect(payloads[0]).toMatchObject({
    topic,
    partition: 0,
    message: { key: Buffer.from('k'), value: Buffer.from('v0'), offset: '0', attributes: 0, headers: { h: Buffer.from('x') } },
  })
  await until(async () => (await world.committed('messages', topic)) === 3)
  await world.write(topic, ['v3'])
  await until(() => got.length === 4)
  await consumer.stop()
  expect(await world.committed('messages', topic)).toBe(4)
  const again = world.consumer({ groupId: 'messages' })
  await again.subscribe({ topic, fromBeginning: true })
  const later: string[] = []
  await again.run({ eachMessage: async ({ message }) => void later.push(message.offset) })
  await world.write(topic, ['v4'])
  await until(() => later.length > 0)
  expect(later).toEqual(['4'])
})

test('eachBatch gets batches with what KafkaJS says of them', async () => {
  const topic = await world.createTopic(world.name('batches'))
  await world.write(topic, texts(10))
  const consumer = world.consumer({ groupId: 'batches' })
  await consumer.subscribe({ topic })
  const seen: object[] = []
  await consumer.run({
    eachBatch: async ({ batch, uncommittedOffsets, isRunning, isStale, resolveOffset }) => {
      resolveOffset('4')
      seen.push({
        at: [batch.topic, batch.partition, batch.highWatermark, batch.messages.length, batch.isEmpty()],
        offsets: [batch.firstOffset(), batch.lastOffset(), batch.offsetLag(), batch.offsetLagLow()],
        state: [isRunning(), isStale()],
        uncommitted: uncommittedOffsets(),
      })
    },
  })
  await until(() => seen.length > 0)
  expect(seen).toEqual([
    {
      at: [topic, 0, '10', 10, false],
      offsets: ['0', '9', '0', '9'],
      state: [true, false],
      uncommitted: { topics: [{ topic, partitions: [{ partition: 0, offset: '5' }] }] },
    },
  ])
  await until(async () => (await world.committed('batches', topic)) === 10)
})

test('without autoCommit nothing is committed but what is said', async () => {
  const topic = await world.createTopic(world.name('manual'))
  await world.write(topic, texts(5))
  const consumer = world.consumer({ groupId: 'manual' })
  await consumer.subscribe({ topic })
  let handled = 0
  await consumer.run({ autoCommit: false, eachMessage: async () => void handled++ })
  await until(() => handled === 5)
  expect(await world.committed('manual', topic)).toBe(-1)
  await consumer.commitOffsets([{ topic, partition: 0, offset: '3', metadata: 'm' }])
  expect(await world.committed('manual', topic)).toBe(3)
  await consumer.stop()
  expect(await world.committed('manual', topic)).toBe(3)
})

test('a failing handler is tried again from the failed offset, and what came before it is committed', async () => {
  const topic = await world.createTopic(world.name('failing'))
  await world.write(topic, texts(3))
  const consumer = world.consumer({ groupId: 'failing' })
  await consumer.subscribe({ topic })
  const tries: string[] = []
  let committed = -1
  await consumer.run({
    eachMessage: async ({ message }) => {
      tries.push(message.offset)
      if (message.offset !== '2') return
      if (tries.length < 4) throw new Error('once more')
      committed = await world.committed('failing', topic)
    },
  })
  await until(() => tries.length === 4)
  expect(tries).toEqual(['0', '1', '2', '2'])
  await until(() => committed === 2)
  await until(async () => (await world.committed('failing', topic)) === 3)
})

test('after the last try the consumer crashes and begins anew', async () => {
  const topic = await world.createTopic(world.name('crashing'))
  await world.write(topic, texts(2))
  const consumer = world.consumer({ groupId: 'crashing' }, { retries: 1 })
  const crashes: unknown[] = []
  const stops: string[] = []
  consumer.on(consumer.events.CRASH, ({ type, payload }) => void crashes.push([type, payload.restart, payload.error.message]))
  consumer.on(consumer.events.STOP, ({ type }) => void stops.push(type))
  consumer.on(consumer.events.DISCONNECT, ({ type }) => void stops.push(type))
  await consumer.subscribe({ topic })
  const tries: string[] = []
  await consumer.run({
    eachMessage: async ({ message }) => {
      tries.push(message.offset)
      if (tries.length < 4) throw new Error(`try ${tries.length}`)
    },
  })
  await until(() => tries.length === 5)
  expect(tries).toEqual(['0', '0', '0', '0', '1'])
  expect(crashes).toEqual([['consumer.crash', true, 'try 2']])
  expect(stops).toEqual(['consumer.stop', 'consumer.disconnect'])
})

test('mistakes of a handler and restartOnFailure end the consumer, and it says so', async () => {
  const topic = await world.createTopic(world.name('ending'))
  await world.write(topic, texts(1))
  const crashes: unknown[] = []
  for (const [fail, retry] of [
    [() => new TypeError('x is not a function'), {}],
    [() => new Error('no more'), { retries: 0, restartOnFailure: async () => false }],
  ] as const) {
    const consumer = world.consumer({}, retry)
    consumer.on('consumer.crash', ({ payload }) => void crashes.push([payload.restart, payload.error.name]))
    await consumer.subscribe({ topic })
    const before = crashes.length
    await consumer.run({
      eachMessage: async () => {
        throw fail()
      },
    })
    await until(() => crashes.length > before)
  }
  expect(crashes).toEqual([
    [false, 'KafkaJSNonRetriableError'],
    [false, 'KafkaJSNumberOfRetriesExceeded'],
  ])
})

test('a pattern takes the topics that match, also those that come later', async () => {
  const prefix = world.name('pattern')
  await world.createTopic(`${prefix}-a`)
  const consumer = world.consumer({ metadataMaxAge: 50 })
  await consumer.subscribe({ topics: [new RegExp(`^${prefix}-.$`, 'g')], fromBeginning: true })
  const got: string[] = []
  await consumer.run({ eachMessage: async ({ topic }) => void got.push(topic) })
  await world.write(`${prefix}-a`, ['x'])
  await until(() => got.includes(`${prefix}-a`))
  await world.createTopic(`${prefix}-b`)
  await world.write(`${prefix}-b`, ['x'])
  await until(() => got.includes(`${prefix}-b`))
})

test.each([
  ['classic', 'RoundRobinAssigner'],
  ['consumer', 'uniform'],
] as const)('the group is described (%s)', async (groupProtocol, protocol) => {
  const topic = await world.createTopic(world.name('described'))
  const groupId = world.name('described-group')
  const consumer = world.consumer({ groupId, groupProtocol })
  expect(await consumer.describeGroup()).toMatchObject({ errorCode: 0, groupId, state: 'Dead', members: [] })
  await consumer.subscribe({ topic })
  await consumer.run({ eachMessage: async () => {} })
  const description = await consumer.describeGroup()
  expect(description).toMatchObject({ groupId, protocolType: 'consumer', protocol, state: 'Stable' })
  expect(description.members.map(({ memberAssignment }) => Buffer.isBuffer(memberAssignment))).toEqual([true])
})
