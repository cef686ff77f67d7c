import { ErrorCode } from '@ottla/protocol'
import { expect, test } from 'vitest'
import type { FetchedRecords } from '../parts.ts'
import { messagesOf } from './message.ts'
import { fetcherWorld } from './model-brokers-testing.ts'

const t = (partition = 0) => ({ topic: 't', partition })
const offsets = (from: number, end: number): string[] => Array.from({ length: end - from }, (_, index) => String(from + index))
const must = (taken: FetchedRecords | undefined): FetchedRecords => {
  if (taken === undefined) throw new Error('nothing to take')
  return taken
}

test('records come in order, in a session that only says what changed', async () => {
  const { brokers, fetcher, drain } = fetcherWorld([1, 1])
  brokers.log('t', 0).fill(10)
  fetcher.add([
    { ...t(0), offset: 3 },
    { ...t(1), offset: 0 },
  ])
  expect(await drain()).toEqual(offsets(3, 10).map(offset => `0:${offset}`))
  brokers.log('t', 1).fill(2)
  expect(await drain(600)).toEqual(['1:0', '1:1'])
  const [first, second, third] = brokers.fetches.map(({ request }) => request)
  expect(first).toMatchObject({ sessionId: 0, sessionEpoch: 0, forgottenTopicsData: [] })
  expect(first?.topics[0]?.partitions.map(({ partition }) => partition)).toEqual([0, 1])
  expect(second).toMatchObject({ sessionId: 101, sessionEpoch: 1 })
  expect(second?.topics[0]?.partitions.map(({ partition, fetchOffset }) => [partition, fetchOffset])).toEqual([[0, 10]])
  expect(third?.topics[0]?.partitions.map(({ partition, fetchOffset }) => [partition, fetchOffset])).toEqual([[1, 2]])
})

test('what is in hand is read on, and not handed out twice', async () => {
  const { cluster, brokers, fetcher } = fetcherWorld([1], { maxBytesPerPartition: 100 })
  for (let batch = 0; batch < 4; batch++) brokers.log('t', 0).fill(5)
  fetcher.add([{ ...t(), offset: 0 }])
  await cluster.clock.advance(5)
  const first = must(fetcher.take())
  await cluster.clock.advance(5)
  expect(fetcher.position(t())).toEqual({ offset: 10, endOffset: 20 })
  expect(fetcher.take()).toBeUndefined()
  fetcher.done(first)
  const second = must(fetcher.take())
  expect(messagesOf(second).map(({ offset }) => offset)).toEqual(offsets(5, 10))
  await cluster.clock.advance(100)
  expect(brokers.fetches).toHaveLength(3)
})

test('partitions take turns', async () => {
  const { cluster, brokers, fetcher } = fetcherWorld([1, 1, 1], { maxBytesPerPartition: 100 })
  for (let partition = 0; partition < 3; partition++) for (let batch = 0; batch < 3; batch++) brokers.log('t', partition).fill(5)
  fetcher.add([0, 1, 2].map(partition => ({ ...t(partition), offset: 0 })))
  const turns: number[] = []
  for (let round = 0; round < 9; round++) {
    await cluster.clock.advance(20)
    const taken = must(fetcher.take())
    turns.push(taken.partition)
    fetcher.done(taken)
  }
  expect(turns).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2])
})

test('a seek drops what was read ahead and what is under way', async () => {
  const { cluster, brokers, fetcher, drain } = fetcherWorld()
  brokers.log('t', 0).fill(10)
  brokers.log('t', 0).fill(10)
  fetcher.add([{ ...t(), offset: 0 }])
  await cluster.clock.advance(5)
  const taken = must(fetcher.take())
  expect(fetcher.isCurrent(taken)).toBe(true)
  expect(fetcher.seek(t(), 15)).toBe(true)
  expect(fetcher.isCurrent(taken)).toBe(false)
  fetcher.done(taken)
  // The answer to the fetch from 20 on comes now.
  expect(await drain(600)).toEqual(offsets(15, 20))
  expect(fetcher.seek(t(7), 1)).toBe(false)
  fetcher.seek(t(), 2)
  await cluster.clock.advance(1)
  fetcher.seek(t(), 18)
  expect(await drain(600)).toEqual(['18', '19'])
})

test('a paused partition keeps what was read ahead, and hands it out when resumed', async () => {
  const { cluster, brokers, fetcher, drain } = fetcherWorld([1, 1])
  brokers.log('t', 0).fill(3)
  fetcher.add([
    { ...t(0), offset: 0 },
    { ...t(1), offset: 0 },
  ])
  await cluster.clock.advance(5)
  fetcher.pause([t(0)])
  expect(fetcher.paused()).toEqual([t(0)])
  brokers.log('t', 0).fill(3)
  brokers.log('t', 1).fill(1)
  expect(await drain(600)).toEqual(['1:0'])
  fetcher.resume([t(0)])
  expect(await drain(1000)).toEqual(offsets(0, 6).map(offset => `0:${offset}`))
})

test('a partition that is taken away is forgotten, and begins anew when it comes back', async () => {
  const { cluster, brokers, fetcher, drain } = fetcherWorld([1, 2])
  brokers.log('t', 0).fill(3)
  brokers.log('t', 1, 2).fill(3)
  fetcher.assign(
    new Map([
      [
        't',
        new Map([
          [0, 0],
          [1, 0],
        ]),
      ],
    ]),
  )
  await cluster.clock.advance(5)
  const taken = must(fetcher.take())
  fetcher.assign(new Map([['t', new Map([[1, 2]])]]))
  expect(fetcher.isCurrent(taken)).toBe(false)
  fetcher.done(taken)
  expect(fetcher.position(t(0))).toBeUndefined()
  // The other goes on where it was.
  expect(await drain()).toEqual(['1:0', '1:1', '1:2'])
  fetcher.add([{ ...t(0), offset: 1 }])
  expect(await drain(1000)).toEqual(['0:1', '0:2'])
  fetcher.remove([t(0), t(1)])
  const before = brokers.fetches.length
  await cluster.clock.advance(2000)
  expect(brokers.fetches.length).toBe(before)
})

test('ready waits for records, for errors and for its signal', async () => {
  const { cluster, brokers, fetcher } = fetcherWorld()
  fetcher.add([{ ...t(), offset: 0 }])
  const gone = new AbortController()
  const aborted = fetcher.ready(gone.signal)
  gone.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
  await expect(fetcher.ready(gone.signal)).rejects.toThrow('enough')
  const { signal } = new AbortController()
  const ready = fetcher.ready(signal)
  brokers.log('t', 0).fill(1)
  await cluster.clock.advance(50)
  await ready
  await fetcher.ready(signal)
  fetcher.done(must(fetcher.take()))
  brokers.log('t', 0).answers.push({ errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED })
  const failing = fetcher.ready(signal)
  await cluster.clock.advance(600)
  await failing
  expect(() => fetcher.take()).toThrow('t-0')
  const told = expect(fetcher.ready(signal)).rejects.toThrow('closed')
  const closing = fetcher.close()
  await cluster.clock.advance(10)
  await Promise.all([told, closing])
})

test('memory bounds what is read ahead; answers count until all of their partitions are done', async () => {
  const { cluster, brokers, fetcher, drain } = fetcherWorld([1, 2], { maxBytesPerPartition: 1000, bufferMemory: 2000 })
  for (let batch = 0; batch < 5; batch++) for (const partition of [0, 1]) brokers.log('t', partition, partition + 1).fill(50)
  fetcher.add([
    { ...t(0), offset: 0 },
    { ...t(1), offset: 0 },
  ])
  await cluster.clock.advance(50)
  const hands = [must(fetcher.take()), must(fetcher.take())]
  await cluster.clock.advance(50)
  const underWay = brokers.fetches.length
  await cluster.clock.advance(500)
  expect(brokers.fetches.length).toBe(underWay)
  expect(underWay).toBeLessThanOrEqual(4)
  for (const taken of hands) fetcher.done(taken)
  expect(await drain(200)).toHaveLength(500 - messagesOf(hands[0]!).length - messagesOf(hands[1]!).length)
})

test('paused partitions do not keep the memory from others', async () => {
  const { cluster, brokers, fetcher, drain } = fetcherWorld([1, 2], { maxBytesPerPartition: 1000, bufferMemory: 1000 })
  brokers.log('t', 0).fill(80)
  fetcher.add([
    { ...t(0), offset: 0 },
    { ...t(1), offset: 0 },
  ])
  await cluster.clock.advance(10)
  fetcher.pause([t(0)])
  brokers.log('t', 1, 2).fill(80)
  expect(await drain(1000)).toHaveLength(80)
  fetcher.resume([t(0)])
  expect(await drain(1000)).toHaveLength(80)
})

test('an idle partition does not hold up a busy one on the same broker', async () => {
  const { cluster, brokers, fetcher } = fetcherWorld([1, 1], { maxBytesPerPartition: 100 })
  for (let batch = 0; batch < 40; batch++) brokers.log('t', 0).fill(5)
  fetcher.add([
    { ...t(0), offset: 0 },
    { ...t(1), offset: 0 },
  ])
  const started = cluster.clock.monotonic()
  let count = 0
  while (count < 200) {
    const taken = fetcher.take()
    await cluster.clock.advance(4)
    if (taken === undefined) continue
    count += messagesOf(taken).length
    fetcher.done(taken)
  }
  expect(cluster.clock.monotonic() - started).toBeLessThan(800)
})

test('a partition whose records nobody takes does not hold up the others', async () => {
  const { cluster, brokers, fetcher } = fetcherWorld([1, 1], { maxBytesPerPartition: 100 })
  for (let batch = 0; batch < 3; batch++) brokers.log('t', 0).fill(5)
  fetcher.add([
    { ...t(0), offset: 0 },
    { ...t(1), offset: 0 },
  ])
  await cluster.clock.advance(20)
  // Somebody is busy with the first partition, whose next records lie here.
  must(fetcher.take())
  await cluster.clock.advance(200)
  brokers.log('t', 1).fill(1)
  await cluster.clock.advance(100)
  expect(must(fetcher.take())).toMatchObject({ partition: 1, nextOffset: 1 })
})
