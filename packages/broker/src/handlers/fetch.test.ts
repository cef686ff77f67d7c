import { silentLogger } from '@ottla/metadata'
import type { FetchRequestInit, FetchResponse } from '@ottla/protocol'
import { batchesIn, ErrorCode, fetchApi, produceApi, recordsOf } from '@ottla/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { FetchSessions } from '../replica/fetch-session.ts'
import { batchOf, nextTurn, testId, TestReplicas } from '../replica/testing.ts'
import type { AnyHandler } from '../requests/handler.ts'
import { Loaned } from '../requests/handler.ts'
import { fetch } from './fetch.ts'
import { produce } from './produce.ts'
import { noTransactions } from './transaction-testing.ts'

let test: TestReplicas
let handler: AnyHandler
let producer: AnyHandler
let sessions: FetchSessions
const open = async (...args: Parameters<typeof TestReplicas.open>): Promise<void> => {
  test = await TestReplicas.open(...args)
  const { clock, random, replicas } = test
  sessions = new FetchSessions({ clock, random, slots: 10 })
  handler = fetch({ replicas, sessions, logger: silentLogger, maxBytes: () => 1_000_000 })
  producer = produce({ replicas, clock, logger: silentLogger, admission: noTransactions })
}
afterEach(() => test.close())

type Partition = FetchRequestInit['topics'][number]['partitions'][number]
const part = (partition: number, fetchOffset: number, more: Partial<Partition> = {}): Partition => ({
  partition,
  fetchOffset,
  partitionMaxBytes: 1_000_000,
  ...more,
})
const body = (partitions: readonly Partition[], more: Partial<FetchRequestInit> = {}): FetchRequestInit => ({
  maxWaitMs: 0,
  minBytes: 1,
  topics: [{ topic: 'a', partitions }],
  forgottenTopicsData: [],
  ...more,
})
const ask = (request: FetchRequestInit, version = 12) => test.ask(handler, fetchApi, version, request)
const waiting = (request: FetchRequestInit, version = 12) => {
  let isSettled = false
  const response = ask(request, version).finally(() => {
    isSettled = true
  })
  return { response, settled: () => isSettled }
}
const send = async (values: readonly string[], index = 0, topic = 'a') => {
  const topicData = [{ name: topic, partitionData: [{ index, records: batchOf(values) }] }]
  const sent = await test.ask(producer, produceApi, 9, { acks: -1, timeoutMs: 1000, topicData })
  expect(sent?.responses[0]?.partitionResponses[0]?.errorCode).toBe(0)
}
const valuesOf = (records: Buffer | null | undefined): string[] =>
  [...batchesIn(records ?? Buffer.alloc(0))].flatMap(batch => [...recordsOf(batch)].map(record => String(record.value)))
const only = (response: FetchResponse | null) => response?.responses[0]?.partitions[0]
const sizes = async (request: FetchRequestInit) =>
  (await ask(request))?.responses.flatMap(topic => topic.partitions.map(one => valuesOf(one.records).length))
const inSession = (sessionId: number, sessionEpoch: number, partitions: readonly Partition[] = []) =>
  body([], { sessionId, sessionEpoch, topics: partitions.length === 0 ? [] : [{ topic: 'a', partitions }] })
const shown = (response: FetchResponse | null) => response?.responses.flatMap(topic => topic.partitions.map(one => one.partitionIndex))

describe('Fetch', () => {
  it('reads what is acknowledged, from the middle of batches too', async () => {
    await open()
    await test.createTopic('a')
    await send(['x', 'y', 'z'])
    await send(['w'])
    const all = only(await ask(body([part(0, 0)])))
    expect(valuesOf(all?.records)).toEqual(['x', 'y', 'z', 'w'])
    expect(all).toMatchObject({ errorCode: 0, highWatermark: 4, lastStableOffset: 4, logStartOffset: 0, abortedTransactions: null })
    expect(valuesOf(only(await ask(body([part(0, 2)])))?.records)).toEqual(['x', 'y', 'z', 'w'])
    expect(valuesOf(only(await ask(body([part(0, 3)])))?.records)).toEqual(['w'])
    expect(only(await ask(body([part(0, 4)])))).toMatchObject({ errorCode: 0, records: Buffer.alloc(0) })
    expect(only(await ask(body([part(0, 0)], { isolationLevel: 1 })))?.abortedTransactions).toEqual([])
  })

  it('says what is wrong with a partition', async () => {
    await open()
    const id = await test.createTopic('a')
    await test.createTopic('elsewhere', 1, { replicas: [2], isr: [2], leader: 2, leaderEpoch: 4 })
    await test.changePartition(id, 0, { leaderEpoch: 3 })
    await send(['x'])
    const code = async (request: FetchRequestInit, version = 12) => only(await ask(request, version))?.errorCode
    expect(await code(body([part(0, 2)]))).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
    expect(await code(body([part(0, -1)]))).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
    expect(await code(body([part(7, 0)]))).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await code(body([part(0, 0, { currentLeaderEpoch: 2 })]))).toBe(ErrorCode.FENCED_LEADER_EPOCH)
    expect(await code(body([part(0, 0, { currentLeaderEpoch: 3 })]))).toBe(ErrorCode.NONE)
    expect(await code(body([part(0, 0, { currentLeaderEpoch: 4 })]))).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH)
    expect(await code(body([part(0, 0)], { replicaId: 2 }))).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    const named = (topicId: string) => body([], { topics: [{ topicId, partitions: [part(0, 0)] }] })
    expect(await code(named(id), 17)).toBe(ErrorCode.NONE)
    expect(await code(named(testId(99)), 17)).toBe(ErrorCode.UNKNOWN_TOPIC_ID)
    const moved = only(await ask(named(testId(2)), 16))
    expect(moved).toMatchObject({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, currentLeader: { leaderId: 2, leaderEpoch: 4 } })
    test.disk.fail({ operation: 'datasync', code: 'EIO' })
    await test.ask(producer, produceApi, 9, {
      acks: 1,
      timeoutMs: 1000,
      topicData: [{ name: 'a', partitionData: [{ index: 0, records: batchOf(['y']) }] }],
    })
    expect(await code(body([part(0, 0)]))).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(await code(body([part(0, 0)]), 5)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
  })

  it('tells a client that read from another history where to go back to', async () => {
    await open()
    const id = await test.createTopic('a')
    await send(['x', 'y'])
    await test.changePartition(id, 0, { leaderEpoch: 2 })
    await send(['z'])
    const read = only(await ask(body([part(0, 3, { lastFetchedEpoch: 1 })])))
    expect(read).toMatchObject({ errorCode: 0, divergingEpoch: { epoch: 0, endOffset: 2 } })
    expect(only(await ask(body([part(0, 2, { lastFetchedEpoch: 0 })])))?.divergingEpoch).toEqual({ epoch: -1, endOffset: -1 })
    expect(only(await ask(body([part(0, 2, { lastFetchedEpoch: 9 })])))?.errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
  })

  it('keeps to the limits, but always returns a first batch', async () => {
    await open()
    await test.createTopic('a', 3)
    for (const index of [0, 1, 2]) {
      await send(['x'.repeat(1000)], index)
      await send(['y'.repeat(1000)], index)
    }
    const three = [part(0, 0), part(1, 0), part(2, 0)]
    expect(await sizes(body(three))).toEqual([2, 2, 2])
    expect(await sizes(body(three, { maxBytes: 10 }))).toEqual([1, 0, 0])
    expect(await sizes(body(three, { maxBytes: 3500 }))).toEqual([2, 1, 0])
    expect(await sizes(body(three.map(one => ({ ...one, partitionMaxBytes: 1500 }))))).toEqual([1, 1, 1])
    expect(await sizes(body(three.map(one => ({ ...one, partitionMaxBytes: 10 }))))).toEqual([1, 0, 0])
  })

  it('waits for what comes, no longer than it may, and not for what is not acknowledged', async () => {
    await open()
    await test.createTopic('a')
    const request = body([part(0, 0)], { maxWaitMs: 500 })
    const first = waiting(request)
    await nextTurn()
    expect(first.settled()).toBe(false)
    const sent = send(['x'])
    expect(first.settled()).toBe(false)
    await sent
    await nextTurn()
    expect(valuesOf(only(await first.response)?.records)).toEqual(['x'])
    const late = waiting(body([part(0, 1)], { maxWaitMs: 500 }))
    await nextTurn()
    test.clock.advance(490)
    await nextTurn()
    expect(late.settled()).toBe(false)
    test.clock.advance(20)
    expect(only(await late.response)).toMatchObject({ errorCode: 0, highWatermark: 1, records: Buffer.alloc(0) })
    expect(test.replicas.deadlines.size).toBe(0)
    expect(test.connection.waiting).toBe(0)
  })

  it('waits until there are as many bytes as are asked for', async () => {
    await open()
    await test.createTopic('a', 2)
    await send(['x'.repeat(1000)])
    const fetching = waiting(body([part(0, 0), part(1, 0)], { maxWaitMs: 500, minBytes: 3000 }))
    await send(['y'.repeat(1000)], 1)
    await nextTurn()
    expect(fetching.settled()).toBe(false)
    await send(['z'.repeat(1000)])
    const response = await fetching.response
    expect(response?.responses[0]?.partitions.map(one => valuesOf(one.records).length)).toEqual([2, 1])
  })

  it('counts bytes that were not acknowledged yet when it began to wait', async () => {
    await open()
    await test.createTopic('a')
    const sent = send(['x'.repeat(5000)])
    const fetching = waiting(body([part(0, 0)], { maxWaitMs: 500, minBytes: 3000 }))
    await sent
    expect(valuesOf(only(await fetching.response)?.records)).toHaveLength(1)
  })

  it('waits no longer for a client that is gone, a partition that is gone, or another leader', async () => {
    await open()
    const id = await test.createTopic('a')
    const gone = waiting(body([part(0, 0)], { maxWaitMs: 500 }))
    await nextTurn()
    test.connection.close()
    await gone.response
    expect(test.replicas.deadlines.size).toBe(0)
    const moved = waiting(body([part(0, 0)], { maxWaitMs: 500 }))
    await test.changePartition(id, 0, { leader: 2, leaderEpoch: 1 })
    expect(only(await moved.response)?.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    await test.changePartition(id, 0, { leader: 1, leaderEpoch: 2 })
    const deleted = waiting(body([part(0, 0)], { maxWaitMs: 500 }))
    await test.deleteTopic('a', id)
    expect(only(await deleted.response)?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  })

  it('lends the bytes of the log and gives them back', async () => {
    await open()
    await test.createTopic('a')
    await send(['x'])
    const reply = test.begin(handler, fetchApi, 12, body([part(0, 0)]))
    expect(reply).toBeInstanceOf(Loaned)
    if (reply instanceof Loaned) reply.release()
    expect(test.begin(handler, fetchApi, 12, body([part(0, 1)]))).not.toBeInstanceOf(Loaned)
  })
})

describe('a session', () => {
  it('answers what is new, the partitions that were served last coming last', async () => {
    await open()
    await test.createTopic('a', 3)
    const first = await ask(body([part(0, 0), part(1, 0), part(2, 0)], { sessionEpoch: 0 }))
    const id = first?.sessionId ?? 0
    expect(id).toBeGreaterThan(0)
    expect(shown(first)).toEqual([0, 1, 2])
    expect(shown(await ask(inSession(id, 1)))).toEqual([])
    await send(['x'], 1)
    expect(shown(await ask(inSession(id, 2)))).toEqual([1])
    await send(['y'], 0)
    await send(['y'], 2)
    expect(shown(await ask(inSession(id, 3)))).toEqual([0, 2, 1])
    const forget = { ...inSession(id, 4, [part(0, 1)]), forgottenTopicsData: [{ topic: 'a', partitions: [1, 2] }] }
    expect(shown(await ask(forget))).toEqual([])
    expect(sessions.partitions).toBe(1)
    expect(shown(await ask(inSession(id, 5, [part(0, 9)])))).toEqual([0])
  })

  it('must be known, in step, and of one way of naming topics', async () => {
    await open()
    await test.createTopic('a')
    const id = (await ask(body([part(0, 0)], { sessionEpoch: 0 })))?.sessionId ?? 0
    const code = async (sessionId: number, epoch: number, version = 12) => (await ask(inSession(sessionId, epoch), version))?.errorCode
    expect(await code(id + 1, 1)).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    expect(await code(id, 2)).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
    expect(await code(id, 1, 13)).toBe(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
    expect(await code(id, 1)).toBe(ErrorCode.NONE)
    expect(await code(id, 1)).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
    expect((await ask(inSession(id, -1, [part(0, 0)])))?.sessionId).toBe(0)
    expect(sessions.size).toBe(0)
  })
})
