import type { ProduceRequestInit, ProduceResponse } from '@ottla/protocol'
import { ErrorCode, KafkaError, produceApi } from '@ottla/protocol'
import { silentLogger } from '@ottla/metadata'
import { afterEach, describe, expect, it } from 'vitest'
import { batchOf, nextTurn, testId, TestReplicas } from '../replica/testing.ts'
import type { AnyHandler } from '../requests/handler.ts'
import { Ordered } from '../requests/handler.ts'
import { produce } from './produce.ts'
import { noTransactions } from './transaction-testing.ts'

let test: TestReplicas
let handler: AnyHandler
const open = async (...args: Parameters<typeof TestReplicas.open>): Promise<void> => {
  test = await TestReplicas.open(...args)
  handler = produce({ replicas: test.replicas, clock: test.clock, logger: silentLogger, admission: noTransactions })
}
afterEach(() => test.close())

const request = (records: Buffer, acks = -1, topic = 'a', index = 0): ProduceRequestInit => ({
  acks,
  timeoutMs: 1000,
  topicData: [{ name: topic, partitionData: [{ index, records }] }],
})
const send = (body: ProduceRequestInit, version = 9) => test.ask(handler, produceApi, version, body)
const part = (index: number, records: Buffer) => ({ index, records })
const sequenced = (baseSequence: number) => batchOf(['x', 'y'], { producerId: 5, producerEpoch: 0, baseSequence })
const code = async (body: ProduceRequestInit) => only(await send(body))?.errorCode
const only = (response: ProduceResponse | null) => response?.responses[0]?.partitionResponses[0]

describe('Produce', () => {
  it.each([-1, 1])('appends within the call and answers when acks=%i is satisfied', async acks => {
    await open()
    await test.createTopic('a')
    const outcome = test.begin(handler, produceApi, 9, request(batchOf(['x', 'y']), acks))
    expect(outcome).toBeInstanceOf(Ordered)
    expect(outcome instanceof Ordered ? outcome.ordered : 'no order').toBeNull()
    expect(test.partition('a').log?.logEndOffset).toBe(2)
    expect(test.partition('a').highWatermark).toBe(0)
    expect(only(await send(request(batchOf(['z']), acks)))).toMatchObject({
      errorCode: 0,
      baseOffset: 2,
      logAppendTimeMs: -1,
      logStartOffset: 0,
    })
    expect(test.partition('a').highWatermark).toBe(3)
  })

  it.each(['ack', 'os'] as const)('acknowledges under flush mode %s only what that mode promises', async flushMode => {
    await open({ flushMode })
    await test.createTopic('a')
    await send(request(batchOf(['x']), 1))
    const log = test.partition('a').log
    expect(log?.writtenOffset).toBe(1)
    expect(log?.flushedOffset).toBe(flushMode === 'ack' ? 1 : 0)
    expect(test.partition('a').highWatermark).toBe(1)
  })

  it('answers nothing to acks=0, and closes the connection for an error', async () => {
    await open()
    await test.createTopic('a')
    expect(await send(request(batchOf(['x']), 0))).toBeNull()
    await nextTurn()
    expect(test.partition('a').highWatermark).toBe(1)
    expect(() => test.begin(handler, produceApi, 9, request(batchOf(['x']), 0, 'missing'))).toThrow(KafkaError)
  })

  it('gives each partition its own error', async () => {
    await open()
    const id = await test.createTopic('a', 2)
    await test.createTopic('elsewhere', 1, { replicas: [2], isr: [2], leader: 2, leaderEpoch: 4 })
    const corrupt = batchOf(['x'])
    corrupt.writeUInt8((corrupt[66] ?? 0) ^ 0xff, 66)
    const response = await send({
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        { name: 'a', partitionData: [part(0, batchOf(['x'])), part(1, corrupt), part(2, batchOf(['x']))] },
        { name: 'missing', partitionData: [part(0, batchOf(['x']))] },
        { name: 'elsewhere', partitionData: [part(0, batchOf(['x']))] },
        { name: '__consumer_offsets', partitionData: [part(0, batchOf(['x']))] },
      ],
    })
    const codes = response?.responses.map(topic => topic.partitionResponses.map(one => one.errorCode))
    const { CORRUPT_MESSAGE, NONE, NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_OR_PARTITION: unknown } = ErrorCode
    expect(codes).toEqual([[NONE, CORRUPT_MESSAGE, unknown], [unknown], [NOT_LEADER_OR_FOLLOWER], [unknown]])
    const moved = await send(request(batchOf(['x']), -1, 'elsewhere'), 10)
    expect(only(moved)?.currentLeader).toEqual({ leaderId: 2, leaderEpoch: 4 })
    const byId = (topicId: string) => ({ acks: 1, timeoutMs: 9, topicData: [{ topicId, partitionData: [part(0, batchOf(['x']))] }] })
    expect(only(await send(byId(id), 13))).toMatchObject({ errorCode: NONE, baseOffset: 1 })
    expect(only(await send(byId(testId(77)), 13))?.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID)
  })

  it('refuses what it must before it appends anything', async () => {
    await open()
    await test.createTopic('a')
    await test.createTopic('__consumer_offsets')
    const transactional = batchOf(['x'], { isTransactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 })
    expect(await code(request(batchOf(['x']), 2))).toBe(ErrorCode.INVALID_REQUIRED_ACKS)
    expect(await code(request(batchOf(['x']), 1, '__consumer_offsets'))).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION)
    expect(await code(request(transactional))).toBe(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    expect(await code({ ...request(transactional), transactionalId: 't' })).toBe(ErrorCode.INVALID_TXN_STATE)
    expect(await code(request(Buffer.concat([batchOf(['x']), batchOf(['y'])])))).toBe(ErrorCode.INVALID_RECORD)
    expect(await code(request(Buffer.alloc(0)))).toBe(ErrorCode.INVALID_RECORD)
    expect(test.partition('a').log?.logEndOffset).toBe(0)
  })

  it('names the records that were refused', async () => {
    await open({ cleanupPolicy: { compact: true, delete: false } })
    await test.createTopic('a')
    const response = only(await send(request(batchOf([{ key: 'k', value: 'v' }, { value: 'no key' }]))))
    expect(response?.errorCode).toBe(ErrorCode.INVALID_RECORD)
    expect(response?.recordErrors.map(error => error.batchIndex)).toEqual([1])
    expect(response?.errorMessage).toContain('key')
    expect(response?.logStartOffset).toBe(0)
  })

  it('answers a batch that comes twice with its first offset, and refuses gaps', async () => {
    await open()
    await test.createTopic('a')
    expect(only(await send(request(sequenced(0))))?.baseOffset).toBe(0)
    expect(only(await send(request(sequenced(2))))?.baseOffset).toBe(2)
    expect(only(await send(request(sequenced(0))))).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(only(await send(request(sequenced(7))))?.errorCode).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(test.partition('a').log?.logEndOffset).toBe(4)
  })

  it('gives records the time of the broker where the topic says so', async () => {
    await open({ messageTimestampType: 'LogAppendTime' })
    await test.createTopic('a')
    expect(only(await send(request(batchOf(['x']))))?.logAppendTimeMs).toBe(test.clock.now())
  })

  it('keeps compressed batches and those behind them in order, whatever becomes of the bytes of the request', async () => {
    await open({ compressionType: 'zstd' })
    await test.createTopic('a')
    const value = 'v'.repeat(300_000)
    const batches = [batchOf([value], { compression: 'gzip' }), batchOf(['b']), batchOf(['c'], { compression: 'lz4' })]
    const replies = await Promise.all(batches.map(records => send(request(records))))
    expect(replies.map(reply => only(reply)?.baseOffset)).toEqual([0, 1, 2])
  })

  it('times out what the in-sync replicas do not have in time', async () => {
    await open()
    await test.createTopic('a', 1, { replicas: [1, 2], isr: [1, 2] })
    const reply = send(request(batchOf(['x'])))
    await nextTurn()
    test.clock.advance(990)
    expect(test.partition('a').highWatermark).toBe(0)
    test.clock.advance(20)
    expect(only(await reply)?.errorCode).toBe(ErrorCode.REQUEST_TIMED_OUT)
    expect(only(await send(request(batchOf(['y']), 1)))?.errorCode).toBe(ErrorCode.NONE)
    expect(test.replicas.deadlines.size).toBe(0)
  })

  it('tells everybody who waits when the partition changes hands', async () => {
    await open()
    const id = await test.createTopic('a', 1, { replicas: [1, 2], isr: [1, 2] })
    const reply = send(request(batchOf(['x'])))
    await nextTurn()
    await test.changePartition(id, 0, { replicas: [1, 2], isr: [1, 2], leader: 2, leaderEpoch: 1 })
    expect(only(await reply)?.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
  })

  it('refuses acks=all while too few replicas are in sync', async () => {
    await open({ minInsyncReplicas: 2 })
    await test.createTopic('a', 1, { replicas: [1, 2], isr: [1] })
    expect(only(await send(request(batchOf(['x']))))?.errorCode).toBe(ErrorCode.NOT_ENOUGH_REPLICAS)
    expect(only(await send(request(batchOf(['x']), 1)))?.errorCode).toBe(ErrorCode.NONE)
    expect(test.partition('a').highWatermark).toBe(0)
  })

  it('never acknowledges what could not be written, and goes on when there is room again', async () => {
    await open()
    await test.createTopic('a')
    await send(request(batchOf(['first'])))
    const again = test.disk.fail({ operation: 'writeSync', path: '.log', code: 'ENOSPC' })
    const small = send(request(batchOf(['small'])))
    const large = send(request(batchOf(['l'.repeat(200_000)])))
    const after = send(request(batchOf(['after'])))
    const codes = await Promise.all([small, large, after].map(async reply => only(await reply)?.errorCode))
    expect(codes).toEqual([ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.KAFKA_STORAGE_ERROR])
    again()
    expect(only(await send(request(batchOf(['again']))))).toMatchObject({ errorCode: 0, baseOffset: 1 })
  })

  it('does not take the write of another batch for that of one that failed', async () => {
    await open()
    await test.createTopic('a')
    test.disk.fail({ operation: 'writeSync', path: '.log', code: 'ENOSPC', times: 1 })
    const lost = send(request(batchOf(['staged']), 1))
    const large = send(request(batchOf(['l'.repeat(200_000)]), 1))
    const kept = send(request(batchOf(['kept']), 1))
    expect(only(await lost)?.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(only(await large)?.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(only(await kept)).toMatchObject({ errorCode: 0, baseOffset: 0 })
  })

  it('answers KAFKA_STORAGE_ERROR when the device has failed', async () => {
    await open()
    await test.createTopic('a')
    await send(request(batchOf(['x'])))
    test.disk.fail({ operation: 'datasync', code: 'EIO' })
    expect(only(await send(request(batchOf(['y']))))?.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(only(await send(request(batchOf(['z']))))?.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(test.partition('a').highWatermark).toBe(1)
  })
})
