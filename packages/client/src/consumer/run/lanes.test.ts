// Gaps, and many messages at once, with time that is moved by hand.
import { expect, test } from 'vitest'
import { FakeWorld } from '../consumer-testing.ts'
import { settled } from '../fetch/fake-cluster-testing.ts'
import type { ConsumerRunConfig } from '../types.ts'
import { finishedOf, textOfFinished } from './finished-ahead.ts'
import { Fifo } from '../../fifo.ts'
import { Gaps } from './gaps.ts'

test('the longest finished run counts', () => {
  const gaps = new Gaps()
  const entries = [5, 6, 9, 10].map(next => gaps.add(next))
  const finish = (at: number) => gaps.finish(entries[at] ?? gaps.add(0))
  expect([finish(1), finish(0), finish(3), finish(2)]).toEqual([-1, 6, -1, 10])
  expect(gaps.size).toBe(0)
  const many = Array.from({ length: 5000 }, (_, index) => gaps.add(index + 11))
  expect(many.map(entry => gaps.finish(entry)).at(-1)).toBe(5010)
})

test('a queue gives back what it was given, in order', () => {
  const fifo = new Fifo<number>()
  const out: (number | undefined)[] = []
  for (let round = 0; round < 3000; round++) {
    fifo.push(round)
    if (round % 2 === 1) out.push(fifo.shift())
  }
  while (fifo.length > 0) out.push(fifo.shift())
  expect(out).toEqual(Array.from({ length: 3000 }, (_, index) => index))
  expect(fifo.shift()).toBe(undefined)
})

/** A consumer whose handlers end when the test says so. */
async function held(run: Pick<ConsumerRunConfig, 'concurrency' | 'order'>) {
  const world = new FakeWorld({ batchSize: 100 })
  const begun: string[] = []
  const ends = new Map<string, (error?: Error) => void>()
  await world.consumer.subscribe({ topic: 't', fromBeginning: true })
  await world.consumer.run({
    ...run,
    eachMessage: ({ message }) =>
      new Promise((resolve, reject) => {
        begun.push(message.offset)
        ends.set(message.offset, error => (error === undefined ? resolve() : reject(error)))
      }),
  })
  const end = async (offset: string, error?: Error): Promise<void> => {
    ends.get(offset)?.(error)
    await settled()
  }
  return { world, begun, end }
}

test('one message of a key at a time, others meanwhile', async () => {
  const { world, begun, end } = await held({ concurrency: 3, order: 'key' })
  world.append(['a:0', 'a:1', 'b:2', 'a:3', 'c:4', 'd:5'])
  await settled()
  expect(begun).toEqual(['0', '2', '4'])
  await end('2')
  expect(begun).toEqual(['0', '2', '4', '5'])
  await end('0')
  expect(begun).toEqual(['0', '2', '4', '5', '1'])
  await world.clock.advance(100)
  expect(world.commits).toEqual(['t-0@0', 't-0@1'])
  await end('5')
  await end('1')
  await end('4')
  expect(begun.at(-1)).toBe('3')
  await end('3')
  await world.clock.advance(100)
  expect(world.commits.at(-1)).toBe('t-0@6')
})

test('a failing message keeps its key waiting, not the others, and what it holds up is not committed', async () => {
  const { world, begun, end } = await held({ concurrency: 2, order: 'key' })
  world.append(['a:0', 'a:1', 'b:2', 'c:3'])
  await settled()
  await end('0', new Error('not now'))
  await end('2')
  await end('3')
  expect([begun, world.commits]).toEqual([['0', '2', '3'], ['t-0@0']])
  await world.clock.advance(100)
  expect(begun).toEqual(['0', '2', '3', '0'])
  await end('0')
  await world.clock.advance(100)
  expect([begun.at(-1), world.commits.at(-1)]).toEqual(['1', 't-0@1'])
  await end('1')
  await world.clock.advance(100)
  expect(world.commits.at(-1)).toBe('t-0@4')
})

test('what overtook a slow message is not handled again by who gets the partition next', async () => {
  const { world, begun, end } = await held({ concurrency: 3, order: 'key' })
  world.append(['a:0', 'b:1', 'c:2', 'a:3'])
  await settled()
  await end('1')
  await end('2')
  await world.clock.advance(100)
  const { membership } = world
  const facts = membership.facts ?? expect.fail('not a member')
  const lost = membership.listener.lost(membership.assignment)
  await end('0')
  await lost
  await membership.listener.assigned(membership.assignment, facts)
  await settled()
  expect(begun).toEqual(['0', '1', '2', '0'])
  await end('0')
  await end('3')
  await world.clock.advance(100)
  expect([begun.at(-1), world.commits.at(-1), world.metadata.get('t-0')]).toEqual(['3', 't-0@4', null])
})

test('what is finished ahead goes through text, and metadata of others tell nothing', () => {
  for (const finished of [[], [100], [101, 105, 108, 116], [100 + 16_383]])
    expect([...finishedOf(100, textOfFinished(100, finished))]).toEqual(finished)
  expect(textOfFinished(100, [99, 100 + 16_384])).toBeNull()
  expect(
    textOfFinished(
      0,
      Array.from({ length: 16_384 }, (_, at) => at),
    )?.length,
  ).toBeLessThan(4096)
  for (const metadata of [null, '', 'mine', 'ottla:finished:1:', 'ottla:finished:1:*?']) expect(finishedOf(0, metadata).size).toBe(0)
})

test('what waits for a paused partition waits until it is resumed', async () => {
  const { world, begun, end } = await held({ concurrency: 1, order: 'none' })
  world.append(['a:0', 'a:1', 'b:2'])
  await settled()
  world.consumer.pause([{ topic: 't' }])
  await end('0')
  expect(begun).toEqual(['0'])
  world.consumer.resume([{ topic: 't' }])
  await settled()
  expect(begun).toEqual(['0', '1'])
})

test('a seek drops what waits, and what runs does not count any more', async () => {
  const { world, begun, end } = await held({ concurrency: 1, order: 'key' })
  world.append(['a:0', 'a:1', 'a:2'])
  await settled()
  world.consumer.seek({ topic: 't', partition: 0, offset: '2' })
  await end('0')
  expect(begun).toEqual(['0', '2'])
  await end('2')
  await world.clock.advance(200)
  expect(world.commits).toEqual(['t-0@2', 't-0@3'])
})

test('no more is taken than can be kept in hand', async () => {
  const { world, end } = await held({ concurrency: 2, order: 'none' })
  world.append(Array.from({ length: 5000 }, (_, index) => `k:${index}`))
  await settled()
  expect(world.fetcher.read.get('t-0')?.offset).toBe(1000)
  await end('0')
  await end('1')
  expect(world.fetcher.read.get('t-0')?.offset).toBe(1100)
})
