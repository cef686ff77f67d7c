import { ErrorCode, KafkaError } from '@ottla/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { settle, TestCoordinator } from './testing.ts'

let coordinator: TestCoordinator

beforeEach(async () => {
  coordinator = await TestCoordinator.create()
})
afterEach(() => coordinator.close())

/** Partitions that the markers so far were for. */
const asked = (): string[] =>
  coordinator.markers.written.map(({ partitions }) =>
    Array.from(partitions, ([topic, numbers]) => `${topic} ${[...numbers].join(' ')}`).join(', '),
  )
const state = (): string | undefined => coordinator.history('transfers').at(-1)
const commit = async (): Promise<void> => {
  await coordinator.end(await coordinator.producerIn('Ongoing'), true)
}

describe('markers', () => {
  it.each([
    ['UNKNOWN_TOPIC_OR_PARTITION', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['NOT_LEADER_OR_FOLLOWER', ErrorCode.NOT_LEADER_OR_FOLLOWER],
    ['NOT_ENOUGH_REPLICAS', ErrorCode.NOT_ENOUGH_REPLICAS],
    ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND],
    ['REQUEST_TIMED_OUT', ErrorCode.REQUEST_TIMED_OUT],
    ['KAFKA_STORAGE_ERROR', ErrorCode.KAFKA_STORAGE_ERROR],
    ['CORRUPT_MESSAGE', ErrorCode.CORRUPT_MESSAGE],
    ['no answer', 'no answer' as const],
  ])('are written again where a partition answers %s', async (_, outcome) => {
    coordinator.markers.outcome = (_topic, partition) => (partition === 1 ? outcome : ErrorCode.NONE)
    await commit()
    await coordinator.advance(10_000)
    expect([...new Set(asked())]).toEqual(['orders 0 1', 'orders 1'])
    expect(state()).toBe('PrepareCommit 1')
    const [described, [open]] = [await coordinator.run(transactions => transactions.describe('transfers')), [...coordinator.state.open]]
    expect(described).toMatchObject({ transactionState: 'PrepareCommit', topics: [{ topic: 'orders', partitions: [1] }] })
    expect(open).toMatchObject({ state: 'PrepareCommit', partitionCount: 2, pendingMarkers: 1, ageMs: 10_000 })
    const tries = asked().length
    expect(tries).toBeGreaterThan(10)
    expect(tries).toBeLessThan(20)
    coordinator.markers.outcome = () => ErrorCode.NONE
    await coordinator.advance(1500)
    expect(state()).toBe('CompleteCommit 1')
    expect(coordinator.state.open).toMatchObject({ count: 0, waitingForMarkers: 0 })
    const errors = coordinator.lines.filter(({ level }) => level === 'error')
    expect(errors.length).toBe(outcome === ErrorCode.CORRUPT_MESSAGE ? 1 : 0)
  })

  it.each([
    ['are gone', 'gone' as const],
    ['cannot have any', ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT],
  ])('are not waited for where partitions %s', async (_, outcome) => {
    coordinator.markers.outcome = (_topic, partition) => (partition === 1 ? outcome : ErrorCode.NONE)
    await commit()
    expect(state()).toBe('CompleteCommit 1')
    expect(asked()).toEqual(['orders 0 1'])
  })

  it.each([
    ['INVALID_PRODUCER_EPOCH', ErrorCode.INVALID_PRODUCER_EPOCH],
    ['TRANSACTION_COORDINATOR_FENCED', ErrorCode.TRANSACTION_COORDINATOR_FENCED],
  ])('are left to whoever fenced them with %s', async (_, outcome) => {
    coordinator.markers.outcome = () => outcome
    await commit()
    await coordinator.advance(60_000)
    expect(asked()).toEqual(['orders 0 1'])
    expect(state()).toBe('PrepareCommit 1')
    expect(coordinator.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
  })

  it('are written again when all of them fail, and a long time of it is told', async () => {
    coordinator.markers.failure = new KafkaError(ErrorCode.NETWORK_EXCEPTION)
    await commit()
    await coordinator.advance(70_000)
    expect(state()).toBe('PrepareCommit 1')
    expect(coordinator.lines.filter(({ level }) => level === 'warn')).toMatchObject([
      { fields: { transactionalId: 'transfers', remaining: 2, failures: 60 } },
    ])
    coordinator.markers.failure = null
    await coordinator.advance(1500)
    expect(state()).toBe('CompleteCommit 1')
  })

  it('are followed by the end of the transaction, however often that cannot be noted', async () => {
    const producer = await coordinator.producerIn('PrepareCommit')
    coordinator.log.refusal = new KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS)
    coordinator.openGate()
    await settle()
    expect(state()).toBe('PrepareCommit 1')
    await coordinator.advance(200)
    expect(state()).toBe('CompleteCommit 1')
    expect(asked()).toEqual(['orders 0 1'])
    expect(await coordinator.add(producer, [0])).toMatchObject({ transactionalId: 'transfers' })
  })

  it('of a state that is given up lead to nothing', async () => {
    await coordinator.producerIn('PrepareCommit')
    coordinator.markers.gate = Promise.resolve()
    await coordinator.restart()
    const before = coordinator.history('transfers').length
    coordinator.openGate()
    await settle()
    expect(coordinator.history('transfers')).toHaveLength(before)
    await coordinator.advance(100)
    expect(state()).toBe('CompleteCommit 1')
    expect(coordinator.markers.written.map(({ coordinatorEpoch }) => coordinatorEpoch)).toEqual([1, 2])
  })
})
