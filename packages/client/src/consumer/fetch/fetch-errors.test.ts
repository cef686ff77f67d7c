// What brokers answer that is not records, and what the fetcher makes of it.
import { ErrorCode } from '@ottla/protocol'
import { expect, test } from 'vitest'
import { KafkaJSConnectionClosedError } from '../../errors/index.ts'
import { fetcherWorld } from './model-brokers-testing.ts'

const t = (partition = 0) => ({ topic: 't', partition })
const offsets = (from: number, end: number): string[] => Array.from({ length: end - from }, (_, index) => String(from + index))

test('sessions that the broker forgot, or whose epoch is off, are begun anew; without sessions everything is named', async () => {
  const { brokers, fetcher, drain } = fetcherWorld()
  fetcher.add([{ ...t(), offset: 0 }])
  await drain()
  for (const code of [
    ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
    ErrorCode.INVALID_FETCH_SESSION_EPOCH,
    ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
  ]) {
    brokers.refusals.push(code)
    brokers.log('t', 0).fill(1)
    await drain(1500)
    const again = brokers.fetches.findLast(({ request }) => request.sessionEpoch === 0)?.request
    expect(again?.sessionId === 0).toBe(code === ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
  }
  expect(fetcher.position(t())?.offset).toBe(3)
  brokers.givesSessions = false
  brokers.refusals.push(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
  brokers.log('t', 0).fill(4)
  expect(await drain(2000)).toEqual(offsets(3, 7))
  expect(brokers.fetches.at(-1)?.request).toMatchObject({ sessionId: 0, sessionEpoch: 0, topics: [{ partitions: [{ fetchOffset: 7 }] }] })
})

test('brokers without topic ids, and topics without', async () => {
  const { cluster, brokers, fetcher, drain } = fetcherWorld()
  cluster.newest.set('Fetch', 12)
  brokers.log('t', 0).fill(2)
  fetcher.add([{ ...t(), offset: 0 }])
  expect(await drain()).toEqual(offsets(0, 2))
  expect(brokers.fetches[0]?.request.topics[0]).toMatchObject({ topic: 't' })
  // The broker is upgraded: the session goes from names to ids.
  cluster.newest.clear()
  brokers.log('t', 0).fill(2)
  expect(await drain(600)).toEqual(offsets(2, 4))
  brokers.log('t', 0).fill(2)
  expect(await drain(1200)).toEqual(offsets(4, 6))
  expect(brokers.fetches.at(-1)?.version).toBe(18)
  cluster.topic('t', [1], { id: 'AAAAAAAAAAAAAAAAAAAAAA' })
  cluster.publish()
  brokers.log('t', 0).fill(2)
  expect(await drain(1200)).toEqual(offsets(6, 8))
  expect(brokers.fetches.at(-1)?.version).toBe(12)
})

test('a topic that is made anew has another id', async () => {
  const { cluster, brokers, fetcher, drain } = fetcherWorld()
  brokers.log('t', 0).fill(5)
  fetcher.add([{ ...t(), offset: 0 }])
  await drain()
  brokers.logs.clear()
  brokers.log('t', 0).fill(2)
  cluster.topic('t', [1], { id: 'BBBBBBBBBBBBBBBBBBBBBA' })
  // Its log has not the old position: it is reset.
  expect(await drain(2000)).toEqual(offsets(0, 2))
  expect(brokers.fetches.at(-1)?.request.topics).toEqual([])
})

test('a leader that moved is found by metadata, or told by the old one (KIP-951)', async () => {
  const { cluster, brokers, fetcher, drain } = fetcherWorld()
  const log = brokers.log('t', 0)
  log.fill(2)
  fetcher.add([{ ...t(), offset: 0 }])
  await drain()
  log.leader = 2
  log.leaderEpoch = 1
  log.fill(2)
  cluster.topic('t', [2], { epoch: 1 })
  expect(await drain(1500)).toEqual(offsets(2, 4))
  expect(brokers.epochsAsked).toEqual([{ partition: 0, currentLeaderEpoch: 1, leaderEpoch: 0 }])
  const { refreshes } = cluster
  log.leader = 1
  log.leaderEpoch = 2
  log.answers.push({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, currentLeader: { leaderId: 1, leaderEpoch: 2 } })
  log.fill(2)
  expect(await drain(520)).toEqual(offsets(4, 6))
  expect(cluster.refreshes).toBe(refreshes)
})

test.each([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.REPLICA_NOT_AVAILABLE,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.OFFSET_NOT_AVAILABLE,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.INCONSISTENT_TOPIC_ID,
])('error %d of a partition is waited out', async code => {
  const { brokers, fetcher, drain } = fetcherWorld()
  const log = brokers.log('t', 0)
  log.fill(2)
  log.answers.push({ errorCode: code }, { errorCode: code }, { errorCode: code })
  fetcher.add([{ ...t(), offset: 0 }])
  expect(await drain(2000)).toEqual(offsets(0, 2))
  expect(brokers.fetches.length).toBeLessThan(9)
})

test.each([ErrorCode.TOPIC_AUTHORIZATION_FAILED, ErrorCode.UNKNOWN_SERVER_ERROR, ErrorCode.INVALID_REQUEST])(
  'error %d of a partition is told, again after a while, and reading goes on when it has gone',
  async code => {
    const { brokers, fetcher, drain } = fetcherWorld()
    const log = brokers.log('t', 0)
    log.fill(2)
    log.answers.push({ errorCode: code }, { errorCode: code })
    fetcher.add([{ ...t(), offset: 0 }])
    const got = await drain(2000)
    expect(got.slice(2)).toEqual(offsets(0, 2))
    expect(got[0]).toMatch(/^KafkaJS/)
    expect(got[1]).toBe(got[0])
  },
)

test('an offset out of range is reset as asked for', async () => {
  for (const [offsetReset, expected] of [
    ['earliest', offsets(3, 5)],
    ['latest', []],
  ] as const) {
    const { brokers, fetcher, drain, resets } = fetcherWorld([1], { offsetReset })
    const log = brokers.log('t', 0)
    log.fill(3)
    log.fill(2)
    log.startOffset = 3
    fetcher.add([{ ...t(), offset: 1 }])
    expect(await drain()).toEqual(expected)
    expect(resets).toEqual([{ ...t(), from: 1, to: offsetReset === 'earliest' ? 3 : 5, reason: 'out-of-range' }])
  }
  const { brokers, fetcher, drain } = fetcherWorld([1], { offsetReset: 'none' })
  brokers.log('t', 0).fill(3)
  fetcher.add([{ ...t(), offset: 9 }])
  expect(await drain()).toEqual(['KafkaJSOffsetOutOfRange'])
  expect(fetcher.position(t())?.offset).toBe(9)
  fetcher.seek(t(), 2)
  expect(await drain()).toEqual(['2'])
  fetcher.seek(t(), -1)
  expect(await drain(50)).toEqual(['KafkaJSOffsetOutOfRange'])
})

test('a position that is not known is asked for, as often as it takes', async () => {
  const { brokers, fetcher, drain, resets } = fetcherWorld([1, 2], { offsetReset: topic => (topic === 't' ? 'earliest' : 'latest') })
  brokers.log('t', 0).fill(2)
  brokers.log('t', 1, 2).fill(2)
  brokers.log('t', 1).listErrors.push(ErrorCode.LEADER_NOT_AVAILABLE, ErrorCode.OFFSET_NOT_AVAILABLE)
  fetcher.assign(
    new Map([
      [
        't',
        new Map([
          [0, -1],
          [1, -1],
        ]),
      ],
    ]),
  )
  expect(await drain(50)).toEqual(['0:0', '0:1'])
  expect(await drain(1500)).toEqual(['1:0', '1:1'])
  expect(resets.map(({ reason }) => reason)).toEqual(['unset', 'unset'])
  expect(brokers.listed).toEqual(['t-0@-2', 't-1@-2', 't-1@-2', 't-1@-2'])
})

test('a topic that is not there yet is waited for', async () => {
  const { cluster, brokers, fetcher, drain } = fetcherWorld()
  fetcher.add([{ topic: 'later', partition: 0, offset: 0 }])
  expect(await drain(500)).toEqual([])
  cluster.topic('later', [-1])
  expect(await drain(500)).toEqual([])
  cluster.topic('later', [2])
  brokers.log('later', 0, 2).fill(2)
  expect(await drain(2000)).toEqual(offsets(0, 2))
})

test('a connection that is lost is made again; after the last try it is an error, and tries go on', async () => {
  const { brokers, fetcher, drain } = fetcherWorld()
  brokers.log('t', 0).fill(2)
  brokers.refusals.push(new KafkaJSConnectionClosedError('lost'))
  fetcher.add([{ ...t(), offset: 0 }])
  expect(await drain(500)).toEqual(offsets(0, 2))
  brokers.cut(1)
  expect(await drain(5000)).toEqual(['KafkaJSNumberOfRetriesExceeded'])
  brokers.cut(1, false)
  brokers.log('t', 0).fill(2)
  expect((await drain(20_000)).slice(-2)).toEqual(offsets(2, 4))
})

test('the replica that the leader names is read from, until it fails or its time is over (KIP-392)', async () => {
  const { brokers, fetcher, drain } = fetcherWorld([1], { rackId: 'r', preferredReplicaMaxAgeMs: 10_000 })
  const log = brokers.log('t', 0)
  log.fill(2)
  log.answers.push({ preferredReadReplica: 2, records: Buffer.alloc(0) })
  fetcher.add([{ ...t(), offset: 0 }])
  log.answers.push({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE })
  // The follower does not have the offset: the leader does.
  expect(await drain()).toEqual(offsets(0, 2))
  expect(brokers.fetches.map(({ nodeId }) => nodeId).slice(0, 3)).toEqual([1, 2, 1])
  expect(brokers.fetches[0]?.request.rackId).toBe('r')
  log.answers.push({ preferredReadReplica: 2, records: Buffer.alloc(0) })
  brokers.cut(2)
  await drain(700)
  log.fill(1)
  expect(await drain(2000)).toEqual(['2'])
  brokers.cut(2, false)
  log.follower = 2
  log.answers.push({ preferredReadReplica: 2, records: Buffer.alloc(0) })
  await drain(3000)
  expect(brokers.fetches.at(-1)?.nodeId).toBe(2)
  await drain(12_000)
  expect(brokers.fetches.at(-1)?.nodeId).toBe(1)
})

test('a log that lost what was read is noticed with its new leader (KIP-320)', async () => {
  const truncated = async (offsetReset: 'earliest' | 'none', end: { leaderEpoch: number; endOffset: number }) => {
    const { cluster, brokers, fetcher, drain, resets } = fetcherWorld([1], { offsetReset })
    const log = brokers.log('t', 0)
    log.fill(4)
    log.fill(4)
    fetcher.add([{ ...t(), offset: 0 }])
    await drain()
    log.batches.pop()
    log.highWatermark = 4
    log.leaderEpoch = 1
    log.fill(6)
    log.epochEnd = end
    cluster.topic('t', [1], { epoch: 1 })
    cluster.publish()
    return { got: await drain(1000), resets }
  }
  const known = await truncated('earliest', { leaderEpoch: 0, endOffset: 4 })
  expect(known.got).toEqual(offsets(4, 10))
  expect(known.resets).toEqual([{ ...t(), from: 8, to: 4, reason: 'truncated' }])
  expect((await truncated('earliest', { leaderEpoch: -1, endOffset: -1 })).got).toEqual(offsets(0, 10))
  expect((await truncated('earliest', { leaderEpoch: 0, endOffset: 8 })).got).toEqual(['8', '9'])
  expect((await truncated('none', { leaderEpoch: 0, endOffset: 4 })).got[0]).toBe('KafkaJSOffsetOutOfRange')
})

/** What a reader gets that begins at offset 8, read under `leaderEpoch`, while the leader is that of epoch 2. */
async function begunAt8(leaderEpoch: number, epochEnd: { leaderEpoch: number; endOffset: number }): Promise<string[]> {
  const { cluster, brokers, fetcher, drain } = fetcherWorld()
  cluster.topic('t', [1], { epoch: 2 })
  cluster.publish()
  const log = brokers.log('t', 0)
  log.fill(10)
  log.leaderEpoch = 2
  log.epochEnd = epochEnd
  fetcher.add([{ ...t(), offset: 8, leaderEpoch }])
  return drain(2000)
}

test('an offset that comes with its epoch is compared with a later leader before anything is read (KIP-320)', async () => {
  expect(await begunAt8(1, { leaderEpoch: 1, endOffset: 4 })).toEqual(offsets(4, 10))
  expect(await begunAt8(1, { leaderEpoch: 1, endOffset: 8 })).toEqual(['8', '9'])
  expect(await begunAt8(2, { leaderEpoch: 2, endOffset: 4 }), 'nobody needs to be asked').toEqual(['8', '9'])
  expect(await begunAt8(-1, { leaderEpoch: 1, endOffset: 4 }), 'not known').toEqual(['8', '9'])
})
