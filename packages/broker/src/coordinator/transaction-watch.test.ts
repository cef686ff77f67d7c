import type { Logger } from '@ottla/protocol'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ManualClock } from '@ottla/protocol'
import { batchOf, nextTurn, TestReplicas } from '../replica/testing.ts'
import { TransactionWatch } from './transaction-watch.ts'

const MINUTE = 60_000
const lines: object[] = []
const write = (fields: object): void => void lines.push(fields)
const logger: Logger = { child: () => logger, debug: write, error: write, info: write, warn: write }

let test: TestReplicas
beforeEach(async () => {
  lines.length = 0
  test = await TestReplicas.open()
  await test.createTopic('t', 2)
})
afterEach(() => test.close())

const begin = async (index: number, producerId: number, timestamp: number): Promise<void> => {
  const records = batchOf([{ timestamp, value: 'x' }], { producerId, producerEpoch: 3, baseSequence: 0, isTransactional: true })
  await test.partition('t', index).append(records, { acks: -1, nowMs: timestamp })
  await nextTurn()
}

it('tells of transactions that nobody ends, once an hour', async () => {
  const clock = new ManualClock()
  const watch = new TransactionWatch({
    topics: () => test.replicas.topics,
    open: () => [{ producerId: 7, transactionalId: 'transfers' }],
    maxTimeoutMs: () => 15 * MINUTE,
    clock,
    logger,
  })
  await begin(0, 7, clock.now())
  await begin(1, 7, clock.now())
  expect(watch.latePartitions).toBe(0)
  clock.advance(20 * MINUTE)
  expect(lines).toEqual([])
  for (let minutes = 0; minutes < 30; minutes++) clock.advance(MINUTE)
  expect(watch.latePartitions).toBe(2)
  expect(lines).toMatchObject([
    {
      transactionalId: 'transfers',
      producerId: 7,
      producerEpoch: 3,
      ageMs: 21 * MINUTE,
      partitionCount: 2,
      partitions: [
        { name: 't-0', lastStableOffset: 0 },
        { name: 't-1', lastStableOffset: 0 },
      ],
    },
  ])
  for (let minutes = 0; minutes < 60; minutes++) clock.advance(MINUTE)
  expect(lines.length).toBe(2)
  watch.close()
})
