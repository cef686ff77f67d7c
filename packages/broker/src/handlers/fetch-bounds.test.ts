// What a client may ask of a fetch without being in the way of others.
import { silentLogger } from '@ottla/metadata'
import type { FetchRequestInit, FetchResponse } from '@ottla/protocol'
import { ErrorCode, fetchApi, produceApi } from '@ottla/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { FetchSessions } from '../replica/fetch-session.ts'
import { batchOf, nextTurn, TestReplicas } from '../replica/testing.ts'
import type { AnyHandler } from '../requests/handler.ts'
import { Loaned, Ordered } from '../requests/handler.ts'
import { fetch } from './fetch.ts'
import { produce } from './produce.ts'
import { noTransactions } from './transaction-testing.ts'

const MOST = 2 ** 31 - 1

let test: TestReplicas
let handler: AnyHandler
let producer: AnyHandler
const open = async (bytesOnLoan = 1_000_000): Promise<void> => {
  test = await TestReplicas.open()
  const { clock, random, replicas } = test
  const sessions = new FetchSessions({ clock, random, slots: 10 })
  handler = fetch({ replicas, sessions, logger: silentLogger, maxBytes: () => 1_000_000, bytesOnLoan })
  producer = produce({ replicas, clock, logger: silentLogger, admission: noTransactions })
}
afterEach(() => test.close())

type Partition = FetchRequestInit['topics'][number]['partitions'][number]
const part = (partition: number, fetchOffset = 0): Partition => ({ partition, fetchOffset, partitionMaxBytes: MOST })
const body = (partitions: readonly Partition[], more: Partial<FetchRequestInit> = {}): FetchRequestInit => ({
  maxWaitMs: 0,
  minBytes: 1,
  maxBytes: MOST,
  topics: [{ topic: 'a', partitions }],
  forgottenTopicsData: [],
  ...more,
})
const send = async (value: string) => {
  const topicData = [{ name: 'a', partitionData: [{ index: 0, records: batchOf([value]) }] }]
  await test.ask(producer, produceApi, 9, { acks: -1, timeoutMs: 1000, topicData })
}
const ask = (request: FetchRequestInit) => test.ask(handler, fetchApi, 12, request)
const waiting = (request: FetchRequestInit) => {
  let isSettled = false
  const response = ask(request).finally(() => {
    isSettled = true
  })
  return { response, settled: () => isSettled }
}
const partitionsOf = (response: FetchResponse | null) => response?.responses.flatMap(topic => topic.partitions) ?? []

const sizeOf = (reply: unknown): number => {
  const records: unknown = reply instanceof Loaned ? reply.body.responses[0].partitions[0].records : []
  return Array.isArray(records) ? records.reduce((sum: number, chunk: Buffer) => sum + chunk.length, 0) : -1
}

describe('a fetch', () => {
  it('reads a partition once, however often it is named', async () => {
    await open()
    await test.createTopic('a')
    await send('x')
    const named = Array.from({ length: 5000 }, () => part(0))
    for (const sessionEpoch of [-1, 0]) {
      const answers = partitionsOf(await ask(body(named, { sessionEpoch })))
      expect(answers).toHaveLength(1)
      expect(answers[0]?.records?.length).toBeGreaterThan(0)
    }
    const twice = body([], { topics: [part(0), part(0, 1)].map(one => ({ topic: 'a', partitions: [one] })) })
    expect(partitionsOf(await ask(twice)).map(one => one.records?.length)).toEqual([0])
  })

  it('takes the largest and smallest numbers there are', async () => {
    await open()
    await test.createTopic('a')
    await send('x')
    const codes = partitionsOf(await ask(body([part(MOST), part(-1), part(-MOST - 1)]))).map(one => one.errorCode)
    expect(codes).toEqual([1, 2, 3].map(() => ErrorCode.UNKNOWN_TOPIC_OR_PARTITION))
    for (const offset of [-1, -5, Number.MAX_SAFE_INTEGER, 2])
      expect(partitionsOf(await ask(body([part(0, offset)])))[0]?.errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
    expect(
      partitionsOf(await ask(body([part(0)], { minBytes: MOST, maxBytes: -MOST, maxWaitMs: -1 })))[0]?.records?.length,
    ).toBeGreaterThan(0)
    const long = waiting(body([part(0, 1)], { minBytes: MOST, maxWaitMs: MOST }))
    await nextTurn()
    test.clock.advance(100_000_000)
    await nextTurn()
    expect(long.settled()).toBe(false)
    test.connection.close()
    await long.response
    expect(test.replicas.deadlines.size).toBe(0)
  })

  it('is not answered before its time because it also names what does not exist', async () => {
    await open()
    await test.createTopic('a')
    const request = body([part(0), part(7)], { maxWaitMs: 500 })
    const first = waiting(request)
    await nextTurn()
    expect(first.settled()).toBe(false)
    await send('x')
    expect(partitionsOf(await first.response).map(one => one.errorCode)).toEqual([0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION])
    expect(partitionsOf(await ask(body([part(7), part(8)], { maxWaitMs: 500 })))).toHaveLength(2)
  })

  it('looks no further than at the offsets once it is full', async () => {
    await open()
    await test.createTopic('a', 3)
    await send('x')
    const answers = partitionsOf(await ask(body([part(0), part(1), part(2, 9)], { maxBytes: 10 })))
    expect(answers.map(one => one.errorCode)).toEqual([0, 0, ErrorCode.OFFSET_OUT_OF_RANGE])
    expect(answers.map(one => one.highWatermark)).toEqual([1, 0, -1])
    expect(answers[0]?.records?.length).toBeGreaterThan(0)
  })

  it('gets a first batch alone while others have not taken what was read for them', async () => {
    await open(3000)
    await test.createTopic('a')
    for (let index = 0; index < 5; index++) await send('x'.repeat(1000))
    const begin = () => test.begin(handler, fetchApi, 12, body([part(0)]))
    const first = begin()
    const second = begin()
    const wholeSize = sizeOf(first)
    expect(wholeSize).toBeGreaterThan(2000)
    expect(sizeOf(second)).toBeGreaterThan(1000)
    expect(sizeOf(second)).toBeLessThan(1200)
    for (const reply of [first, second]) if (reply instanceof Loaned) reply.release()
    const third = begin()
    expect(sizeOf(third)).toBe(wholeSize)
    if (third instanceof Loaned) third.release()
  })
})

describe('a produce', () => {
  it('lets go of its bytes while it waits for acknowledgements', async () => {
    await open()
    await test.createTopic('a', 1, { replicas: [1, 2], isr: [1, 2] })
    const data = { index: 0, records: batchOf(['x'.repeat(100_000)]) }
    const request = { transactionalId: null, acks: -1, timeoutMs: 10, topicData: [{ name: 'a', topicId: '', partitionData: [data] }] }
    const context = { apiKey: 0, apiVersion: 9, correlationId: 1, clientId: 'test', connection: test.connection }
    const outcome = producer.handle(request, { ...context, receivedAtMs: 0, sizeBytes: 100_000 })
    expect(data.records).toBeNull()
    test.clock.advance(100)
    expect(outcome).toBeInstanceOf(Ordered)
    await (outcome instanceof Ordered ? outcome.reply : null)
  })
})
