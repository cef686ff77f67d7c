// What a consumer does when things take long or go wrong, with time that is moved by hand.
import { expect, test, vi } from 'vitest'
import { KafkaJSCorruptRecordError, KafkaJSError, KafkaJSNonRetriableError, protocolError } from '../errors/index.ts'
import { FakeWorld } from './consumer-testing.ts'
import { settled } from './fetch/fake-cluster-testing.ts'
import type { ConsumerConfig, ConsumerRunConfig } from './types.ts'

const nothing = (): void => undefined
const values = (count: number) => Array.from({ length: count }, (_, index) => `k${index % 3}:${index}`)

async function started(run: ConsumerRunConfig, config: Partial<ConsumerConfig> & { partitions?: number; batchSize?: number } = {}) {
  const world = new FakeWorld(config)
  const events: string[] = []
  for (const name of ['consumer.stop', 'consumer.disconnect', 'consumer.crash', 'consumer.connect'] as const) {
    world.consumer.on(name, ({ payload }: { payload: unknown }) => {
      const crash = typeof payload === 'object' && payload !== null && 'restart' in payload ? ` restart=${String(payload.restart)}` : ''
      events.push(`${name}${crash}`)
    })
  }
  await world.consumer.subscribe({ topics: ['t'], fromBeginning: true })
  await world.consumer.run(run)
  return { world, events, clock: world.clock }
}

test('commits in the background keep their distance, and the last one is not forgotten', async () => {
  const { world, clock } = await started({ eachMessage: async () => {} }, { batchSize: 1 })
  world.append(values(1))
  await clock.advance(0)
  expect(world.commits).toEqual(['t-0@1'])
  for (let count = 0; count < 5; count++) {
    world.append(values(1))
    await clock.advance(10)
  }
  expect(world.commits).toEqual(['t-0@1'])
  await clock.advance(100)
  expect(world.commits).toEqual(['t-0@1', 't-0@6'])
  await clock.advance(1000)
  expect(world.commits.length).toBe(2)
  world.append(values(1))
  await world.consumer.stop()
  expect(world.membership.hasLeft && world.fetcher.isClosed).toBe(true)
})

test('autoCommitThreshold and autoCommitInterval commit while a batch is handled', async () => {
  const { world } = await started({ autoCommitThreshold: 4, eachMessage: async () => {} })
  world.append(values(10))
  await settled()
  expect(world.commits.slice(0, 2)).toEqual(['t-0@4', 't-0@8'])
  const slow = await started({
    autoCommitInterval: 50,
    eachMessage: async () => new Promise(resolve => void slow.clock.after(20, resolve)),
  })
  slow.world.append(values(10))
  await slow.clock.advance(130)
  expect(slow.world.commits).toEqual(['t-0@3', 't-0@6'])
})

test('each failure waits longer, other partitions go on, and progress begins anew', async () => {
  const log: string[] = []
  const { world, clock } = await started(
    {
      eachMessage: async ({ partition, message }) => {
        log.push(`${clock.now()} ${partition}/${message.offset}`)
        const failsAt = partition === 0 && ['1', '2'].includes(message.offset)
        if (failsAt && log.filter(line => line.endsWith(` 0/${message.offset}`)).length < 3) throw new Error('not now')
      },
    },
    { partitions: 2 },
  )
  world.append(values(3), 0)
  world.append(values(2), 1)
  await clock.advance(2000)
  expect(log).toEqual(['1000 0/0', '1000 0/1', '1000 1/0', '1000 1/1', '1100 0/1', '1300 0/1', '1300 0/2', '1400 0/2', '1600 0/2'])
  expect(world.commits).toEqual(['t-0@1', 't-1@2', 't-0@2', 't-0@3'])
})

test('a crash stops the consumer, says so, and begins anew where it was', async () => {
  const tries: string[] = []
  const { world, events, clock } = await started({
    eachMessage: async ({ message }) => {
      tries.push(message.offset)
      if (message.offset === '1' && tries.length < 7) throw new Error('no')
    },
  })
  world.append(values(2))
  await clock.advance(100 + 200 + 400)
  expect(tries).toEqual(['0', '1', '1', '1', '1'])
  expect(events).toEqual(['consumer.stop', 'consumer.disconnect', 'consumer.crash restart=true'])
  await clock.advance(2000)
  expect(tries.slice(5)).toEqual(['1', '1'])
  expect([world.memberships.length, world.commits.at(-1)]).toEqual([2, 't-0@2'])
})

test('who stops a consumer that has crashed is not surprised by a new beginning', async () => {
  const { world, clock } = await started({ eachMessage: async () => Promise.reject(new Error('no')) })
  world.append(values(1))
  await clock.advance(750)
  await world.consumer.disconnect()
  await clock.advance(60_000)
  expect(world.memberships.length).toBe(1)
})

test('a group that cannot be joined is a crash; a retriable one is tried again', async () => {
  const world = new FakeWorld()
  world.joinFailure = new KafkaJSError('not yet')
  const crashes: unknown[] = []
  world.consumer.on('consumer.crash', ({ payload }) => void crashes.push([payload.error.message, payload.restart]))
  await world.consumer.subscribe({ topic: 't' })
  await world.consumer.run({ eachMessage: async () => {} })
  await settled()
  expect(crashes).toEqual([['not yet', true]])
  world.joinFailure = protocolError(30)
  await world.clock.advance(200)
  expect([crashes.length, world.memberships.length]).toEqual([2, 2])
  expect(crashes[1]).toMatchObject([expect.any(String), false])
  await world.clock.advance(10_000)
  expect(world.memberships.length).toBe(2)
})

test('what a fetch fails with is tried again, or ends the consumer', async () => {
  const { world, events, clock } = await started({ eachMessage: async () => {} })
  world.fetcher.failure = new KafkaJSError('broken')
  world.append(values(1))
  await clock.advance(50)
  expect(world.commits).toEqual([])
  await clock.advance(60)
  expect(world.commits).toEqual(['t-0@1'])
  world.fetcher.failure = new KafkaJSNonRetriableError('no')
  world.append(values(1))
  await clock.advance(0)
  expect(events.at(-1)).toBe('consumer.crash restart=false')
})

test('records that cannot be read are tried again while other partitions go on, and then end the consumer', async () => {
  const { world, events } = await started({ eachMessage: async () => {} }, { partitions: 2 })
  const crashes: Error[] = []
  world.consumer.on('consumer.crash', ({ payload }) => void crashes.push(payload.error))
  const failure = new KafkaJSCorruptRecordError('poison', { topic: 't', partition: 0, offset: 7 })
  const { retries } = world.cluster.retry
  for (let count = 1; count <= retries + 1; count++) {
    expect([count, events]).toEqual([count, []])
    world.fetcher.failure = failure
    world.append(values(1), 1)
    await settled()
    if (count <= retries) expect(world.stored.get('t-1') ?? 0, 'not held up').toBeGreaterThanOrEqual(1)
  }
  await settled()
  expect(events.at(-1)).toBe('consumer.crash restart=false')
  expect(crashes).toEqual([failure])
})

test('partitions of topics that are not subscribed are told and not read', async () => {
  const { world } = await started({ eachMessage: async () => {} })
  const told: unknown[] = []
  world.consumer.on('consumer.received_unsubscribed_topics', ({ payload }) => void told.push(payload))
  const { facts, listener } = world.membership
  if (facts === null) throw new Error('not joined')
  await listener.assigned([{ topic: 'other', partition: 1 }], facts)
  expect(world.consumer.assignment()).toEqual([{ topic: 't', partitions: [0] }])
  expect(told).toEqual([
    {
      groupId: 'g',
      generationId: 1,
      memberId: 'm',
      assignedTopics: ['other'],
      topicsSubscribed: ['t'],
      topicsNotSubscribed: ['other'],
    },
  ])
})

test('what could not be committed between two rounds of the group is committed in the next', async () => {
  const { world, clock } = await started({ eachMessage: async () => {} })
  world.membership.commitFailure = protocolError(27)
  world.append(values(1))
  await clock.advance(200)
  expect(world.commits).toEqual([])
  const { facts, listener } = world.membership
  if (facts !== null) await listener.assigned([], facts)
  await clock.advance(0)
  expect(world.commits).toEqual(['t-0@1'])
})

test('offsets are committed with the leader epoch of their records, and with none after a seek', async () => {
  const { world, clock } = await started({ eachMessage: async () => {} })
  world.append(values(4))
  await clock.advance(200)
  expect([world.commits.at(-1), world.membership.epochs]).toEqual(['t-0@4', [3]])
  world.consumer.pause([{ topic: 't' }])
  world.consumer.seek({ topic: 't', partition: 0, offset: '2' })
  await clock.advance(200)
  expect([world.commits.at(-1), world.membership.epochs]).toEqual(['t-0@2', [-1]])
})

test('of messages that are handled at the same time the batch ends with the last', async () => {
  const log: string[] = []
  const { world, clock } = await started({
    concurrency: 2,
    order: 'none',
    eachMessage: async ({ message }) => new Promise(resolve => void clock.after(10 * (Number(message.offset) + 1), resolve)),
  })
  world.consumer.on('consumer.start_batch_process', () => void log.push('start'))
  world.consumer.on('consumer.end_batch_process', ({ payload }) => void log.push(`end after ${payload.duration}`))
  world.append(values(2))
  await clock.advance(15)
  expect(log).toEqual(['start'])
  await clock.advance(10)
  expect(log).toEqual(['start', 'end after 20'])
})

test('commits that fail because the group rebalances harm nobody, others are a crash', async () => {
  const { world, events, clock } = await started({ eachMessage: async () => {} })
  world.membership.commitFailure = protocolError(27)
  world.append(values(1))
  await clock.advance(200)
  expect([events, world.commits]).toEqual([[], []])
  world.append(values(1))
  await clock.advance(200)
  expect(world.commits).toEqual(['t-0@2'])
  world.membership.commitFailure = protocolError(30)
  world.append(values(1))
  await clock.advance(200)
  expect(events.at(-1)).toBe('consumer.crash restart=false')
})

test('a handler that hangs holds up a rebalance for the rebalance time-out, and is told', async () => {
  let told: unknown = null
  const { world, clock } = await started(
    {
      eachMessage: async ({ signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => {
            told = signal.reason
            reject(new Error('gave up'))
          }),
        ),
    },
    { rebalanceTimeout: 10_000 },
  )
  world.append(values(2))
  await clock.advance(0)
  let isRevoked = false
  const revoked = world.membership.listener.revoked([{ topic: 't', partition: 0 }]).then(() => (isRevoked = true))
  await clock.advance(8_900)
  expect([isRevoked, told]).toEqual([false, null])
  await clock.advance(200)
  await revoked
  expect(told).toMatchObject({ message: 'The partition went to another member of the group' })
  expect(world.commits).toEqual([])
})

test('what was lost is not committed, and what its handlers finish later does not count', async () => {
  let finish = nothing
  const { world, clock } = await started({
    eachMessage: async () =>
      new Promise(resolve => {
        finish = resolve
      }),
  })
  world.append(values(2))
  await clock.advance(0)
  const lost = world.membership.listener.lost([{ topic: 't', partition: 0 }])
  finish()
  await lost
  await clock.advance(1000)
  expect([world.commits, world.consumer.assignment()]).toEqual([[], []])
})

test('a run without a handler passes nothing over', async () => {
  const { world, clock } = await started({})
  world.append(values(3))
  await clock.advance(1000)
  await world.consumer.stop()
  expect(world.commits).toEqual([])
})

const offsets = (partition: string, offset: string) => ({
  topics: [{ topic: 't', partitions: [{ partition: Number(partition), offset }] }],
})

test('commitOffsetsIfNecessary takes partitions as text, and refuses what is no offset', async () => {
  const refused: unknown[] = []
  const { world } = await started({
    autoCommit: false,
    eachBatch: async ({ commitOffsetsIfNecessary }) => {
      await commitOffsetsIfNecessary(offsets('0', '2'))
      const text: unknown = JSON.parse('{"topics":[{"topic":"t","partitions":[{"partition":"0","offset":"3"}]}]}')
      await Reflect.apply(commitOffsetsIfNecessary, undefined, [text])
      for (const [partition, offset] of [
        ['x', '1'],
        ['0', '1.5'],
        ['0', '-1'],
      ] as const)
        await commitOffsetsIfNecessary(offsets(partition, offset)).catch((error: unknown) => refused.push(error))
    },
  })
  world.append(values(4))
  await settled()
  expect(world.commits).toEqual(['t-0@2', 't-0@3'])
  expect(refused.map(error => error instanceof KafkaJSNonRetriableError)).toEqual([true, true, true])
})

test('a handler that does not end is warned of each time rebalanceTimeout is over', async () => {
  const { world, clock } = await started({ eachMessage: async () => new Promise(() => {}) }, { rebalanceTimeout: 1_000, stopTimeout: 0 })
  const warnings = vi.spyOn(world.consumer.logger(), 'warn')
  await clock.advance(5_000)
  expect(warnings, 'nothing to do').not.toHaveBeenCalled()
  world.append(values(1))
  await clock.advance(3_100)
  const told = () => warnings.mock.calls.filter(([text]) => text === 'A handler does not end, and its partition stands still').length
  expect(told()).toBe(2)
  await world.consumer.stop()
  await clock.advance(5_000)
  expect(told()).toBe(2)
})
