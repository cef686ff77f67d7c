import { ErrorCode } from '@ottla/protocol'
import { expect, test } from 'vitest'
import { fetcherWorld } from './fetch/model-brokers-testing.ts'
import { listOffsets, offsetsOf } from './offsets-of.ts'

const at = (partition: number, spec: 'earliest' | 'latest' | 'max-timestamp' | number) => ({ topic: 't', partition, at: spec })

/** Lets time pass until a promise is kept. */
async function passing<T>(world: ReturnType<typeof fetcherWorld>, work: Promise<T>): Promise<T> {
  const state = { isOver: false }
  const watched = work.finally(() => (state.isOver = true))
  watched.catch(() => undefined)
  for (let passed = 0; passed < 10_000 && !state.isOver; passed += 50) await world.cluster.clock.advance(50)
  return watched
}

test('each leader is asked once, twice where a partition is asked for twice', async () => {
  const world = fetcherWorld([1, 2, 1])
  world.brokers.log('t', 0).fill(5)
  world.brokers.log('t', 1).fill(7)
  world.brokers.log('t', 1).lastStableOffset = 6
  const queries = [at(2, 'latest'), at(0, 'latest'), at(1, 'latest'), at(0, 'earliest')]
  expect((await passing(world, offsetsOf(world.cluster, queries))).map(({ offset }) => offset)).toEqual([0, 5, 7, 0])
  expect(world.brokers.listed).toEqual(['t-2@-1', 't-0@-1', 't-1@-1', 't-0@-2'])
  const committed = await passing(world, offsetsOf(world.cluster, [at(1, 'latest')], { readUncommitted: false }))
  expect(committed).toEqual([{ topic: 't', partition: 1, offset: 6, timestamp: -1, leaderEpoch: 0 }])
  expect(await offsetsOf(world.cluster, [])).toEqual([])
})

test('only what failed is asked for again, with new metadata where that may help', async () => {
  const world = fetcherWorld([1, 2])
  world.brokers.log('t', 0).listErrors.push(ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.OFFSET_NOT_AVAILABLE)
  world.brokers.log('t', 0).fill(3)
  const found = await passing(world, offsetsOf(world.cluster, [at(0, 'latest'), at(1, 'latest')]))
  expect(found.map(({ offset }) => offset)).toEqual([3, 0])
  expect(world.brokers.listed).toEqual(['t-0@-1', 't-1@-1', 't-0@-1', 't-0@-1'])
})

test('what a new try would meet again is told at once, what it might not when tries are used up', async () => {
  const world = fetcherWorld([1, 2])
  world.brokers.log('t', 0).listErrors.push(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
  await expect(passing(world, offsetsOf(world.cluster, [at(0, 'latest'), at(1, 'latest')]))).rejects.toMatchObject({
    code: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  })
  world.brokers.cut(2)
  await expect(passing(world, offsetsOf(world.cluster, [at(1, 'latest')]))).rejects.toMatchObject({
    name: 'KafkaJSNumberOfRetriesExceeded',
  })
  await expect(passing(world, offsetsOf(world.cluster, [at(9, 'latest')]))).rejects.toMatchObject({
    name: 'KafkaJSNumberOfRetriesExceeded',
  })
  const outcomes = await passing(world, listOffsets(world.cluster, [at(0, 'earliest'), at(1, 'earliest'), at(9, 'earliest')]))
  expect(outcomes).toMatchObject([{ offset: 0 }, { code: ErrorCode.NETWORK_EXCEPTION }, { code: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }])
  world.cluster.newest.set('ListOffsets', 6)
  await expect(passing(world, offsetsOf(world.cluster, [at(0, 'max-timestamp')]))).rejects.toMatchObject({
    code: ErrorCode.UNSUPPORTED_VERSION,
  })
  const signal = AbortSignal.abort(new Error('enough'))
  await expect(passing(world, offsetsOf(world.cluster, [at(0, 'latest')], { signal }))).rejects.toThrow('enough')
})
