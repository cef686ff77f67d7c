// Another coordinator takes over, after any of the records.

import { ErrorCode } from '@ottla/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readTransaction, type Transaction } from './transaction.ts'
import { Transactions } from './transactions.ts'
import { TestCoordinator } from './testing.ts'

let coordinator: TestCoordinator

beforeEach(async () => {
  coordinator = await TestCoordinator.create()
})
afterEach(() => coordinator.close())

/** What becomes of a transaction that is left to itself. */
const outcomes = new Map<string, string>([
  ['PrepareCommit', 'CompleteCommit'],
  ['Ongoing', 'CompleteAbort'],
  ['PrepareAbort', 'CompleteAbort'],
])

/** A producer's life: a commit, an abort, what another producer aborts, what times out. */
const live = async (apiVersion: number, between: () => Promise<void> = () => Promise.resolve()): Promise<void> => {
  const addVersion = apiVersion >= 5 ? 5 : 3
  let producer = await coordinator.producer('transfers')
  const add = async (partitions: readonly number[]): Promise<void> => {
    await between()
    await coordinator.add(producer, partitions, addVersion)
    await between()
  }
  for (const committed of [true, false]) {
    await add([0, 1])
    const { producerId = -1, producerEpoch = -1 } = await coordinator.end(producer, committed, apiVersion)
    if (apiVersion >= 5) producer = { ...producer, producerId, producerEpoch }
  }
  await add([2])
  await coordinator.init('transfers')
  await between()
  producer = await coordinator.producer('transfers')
  await add([3])
  await add([4])
  await coordinator.advance(70_100)
  await between()
}

/** All that can be seen of the state. */
const view = async (): Promise<unknown> => [
  await coordinator.run(state => state.describe('transfers')),
  await coordinator.run(state => state.list({ stateFilters: [], producerIdFilters: [] })),
  [...coordinator.state.open],
  coordinator.state.size,
]

const replayed = (count: number): Transaction | undefined => {
  const transactions = new Transactions()
  for (const record of coordinator.log.records().slice(0, count)) transactions.replay(record)
  return transactions.get('transfers')
}

describe.each([4, 5])('with EndTxn %i', apiVersion => {
  it('a state is the same after a restart between any two steps, and goes on the same', async () => {
    await live(apiVersion)
    const undisturbed = coordinator.history('transfers')
    coordinator.close()
    coordinator = await TestCoordinator.create()
    await live(apiVersion, async () => {
      const before = await view()
      await coordinator.restart()
      expect(await view()).toEqual(before)
    })
    expect(coordinator.history('transfers')).toEqual(undisturbed)
    expect(coordinator.leaderEpoch).toBeGreaterThan(10)
  })

  it('what was begun is ended as it was decided, after a crash behind any record', async () => {
    await live(apiVersion)
    const records = coordinator.log.records()
    const states = records.map(record => readTransaction(record)?.transaction?.state)
    expect(new Set(states)).toEqual(new Set(['Empty', 'Ongoing', 'PrepareCommit', 'CompleteCommit', 'PrepareAbort', 'CompleteAbort']))
    for (let count = records.length; count > 0; count--) {
      coordinator.log.cut(count)
      const last = replayed(count)
      coordinator.markers.written.length = 0
      await coordinator.restart()
      await coordinator.advance(80_000)
      const end = coordinator.logged('transfers')
      const state = last?.state ?? 'Dead'
      expect(end?.state).toBe(outcomes.get(state) ?? state)
      const committed = state === 'PrepareCommit'
      const isOpen = outcomes.has(state)
      const bumped = state === 'Ongoing' ? 1 : 0
      expect(coordinator.markers.written).toEqual(
        isOpen
          ? [expect.objectContaining({ committed, partitions: last?.partitions, producerEpoch: (last?.producerEpoch ?? 0) + bumped })]
          : [],
      )
      // The producer id is not lost for whoever comes next.
      expect(await coordinator.init('transfers')).toMatchObject({ errorCode: 0, producerId: end?.producerId })
    }
  })
})

describe('markers that are partly written', () => {
  it.each([true, false])('are all written again by the next coordinator (committed: %s)', async committed => {
    coordinator.markers.outcome = (_, partition) => (partition === 1 ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.NONE)
    await coordinator.end(await coordinator.producerIn('Ongoing'), committed)
    await coordinator.advance(500)
    coordinator.markers.written.length = 0
    coordinator.markers.outcome = () => ErrorCode.NONE
    await coordinator.restart()
    expect(await coordinator.errorOf(state => state.initProducerId({ ...request, transactionalId: 'transfers' }, { apiVersion: 5 }))).toBe(
      'CONCURRENT_TRANSACTIONS',
    )
    await coordinator.advance(100)
    expect(coordinator.markers.written).toMatchObject([
      { committed, coordinatorEpoch: 2, partitions: new Map([['orders', new Set([0, 1])]]) },
    ])
    expect(coordinator.history('transfers').at(-1)).toBe(committed ? 'CompleteCommit 1' : 'CompleteAbort 1')
  })

  it('wait until what they are written for is committed', async () => {
    await coordinator.producerIn('PrepareCommit')
    coordinator.markers.written.length = 0
    coordinator.markers.gate = Promise.resolve()
    coordinator.log.committedOffset = coordinator.log.endOffset - 1
    coordinator.log.holds = true
    await coordinator.restart()
    await coordinator.advance(1000)
    expect(coordinator.markers.written).toEqual([])
    coordinator.log.holds = false
    coordinator.log.commit()
    await coordinator.advance(100)
    expect(coordinator.markers.written).toHaveLength(1)
    expect(coordinator.history('transfers').at(-1)).toBe('CompleteCommit 1')
  })

  it('of many transactions are taken up in turns', async () => {
    coordinator.markers.outcome = () => 'no answer'
    for (let index = 0; index < 1200; index++) {
      const producer = await coordinator.producer(`p${index}`)
      await coordinator.add(producer, [0])
      await coordinator.end(producer, true)
    }
    coordinator.markers.outcome = () => ErrorCode.NONE
    await coordinator.restart()
    expect(coordinator.state.open.count).toBe(1200)
    await coordinator.advance(1000)
    expect(coordinator.state.open.count).toBe(0)
  })
})

const request = {
  transactionTimeoutMs: 60_000,
  producerId: -1,
  producerEpoch: -1,
  enable2Pc: false,
  keepPreparedTxn: false,
}
