import { ErrorCode, KafkaError } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import type { ProducerBatch } from './producer-entry.ts'
import { ProducerState } from './producer-state.ts'

const MAX_SEQUENCE = 2 ** 31 - 1

interface Facts {
  id?: number
  epoch?: number
  sequence?: number
  offset?: number
  count?: number
  timestamp?: number
  transactional?: boolean
}

function batch(facts: Facts): ProducerBatch {
  const { id = 1, epoch = 0, sequence = 0, offset = 0, count = 1, timestamp = 100, transactional = false } = facts
  const lastSequence = sequence < 0 ? -1 : (sequence + count - 1) % (MAX_SEQUENCE + 1)
  return {
    producerId: id,
    producerEpoch: epoch,
    baseSequence: sequence,
    lastSequence,
    baseOffset: offset,
    lastOffset: offset + count - 1,
    maxTimestamp: timestamp,
    isTransactional: transactional,
  }
}

const newState = (maxProducers?: number) =>
  new ProducerState({ producerIdExpirationMs: 1000, ...(maxProducers === undefined ? {} : { maxProducers }) })

const outcome = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (error) {
    if (error instanceof KafkaError) return error.code
    throw error
  }
}

/** Appends in order, each one behind the last. */
function append(state: ProducerState, ...all: Facts[]): void {
  let offset = 0
  for (const facts of all) {
    const next = batch({ offset, ...facts })
    expect(state.check(next)).toBeUndefined()
    state.update(next)
    offset = next.lastOffset + 1
  }
}

const marker = (facts: { offset: number; id?: number; epoch?: number; coordinator?: number; abort?: boolean }) => ({
  producerId: facts.id ?? 1,
  producerEpoch: facts.epoch ?? 0,
  coordinatorEpoch: facts.coordinator ?? 0,
  offset: facts.offset,
  timestamp: 500,
  isAbort: facts.abort ?? false,
})

describe('an idempotent producer', () => {
  it('is told the offsets of a batch that it sent before, for its last five', () => {
    const state = newState()
    append(state, ...Array.from({ length: 8 }, (_, index) => ({ sequence: index * 3, count: 3 })))
    for (let index = 3; index < 8; index++) {
      expect(state.check(batch({ sequence: index * 3, count: 3, offset: 500 }))).toMatchObject({
        firstOffset: index * 3,
        lastOffset: index * 3 + 2,
      })
    }
    expect(outcome(() => state.check(batch({ sequence: 6, count: 3 })))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(outcome(() => state.check(batch({ sequence: 21, count: 2 })))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(state.check(batch({ sequence: 24, count: 1 }))).toBeUndefined()
    expect(outcome(() => state.check(batch({ sequence: 25 })))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  })

  it('may begin anywhere when nothing is known of it, and with 0 in a new epoch', () => {
    const state = newState()
    append(state, { sequence: 77, epoch: 3 })
    expect(outcome(() => state.check(batch({ epoch: 4, sequence: 1 })))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(outcome(() => state.check(batch({ epoch: 2, sequence: 78 })))).toBe(ErrorCode.INVALID_PRODUCER_EPOCH)
    append(state, { epoch: 4, sequence: 0, offset: 10 })
    expect(state.entry(1)).toMatchObject({ producerEpoch: 4, lastSequence: 0, lastOffset: 10 })
    expect(outcome(() => state.check(batch({ epoch: 3, sequence: 77 })))).toBe(ErrorCode.INVALID_PRODUCER_EPOCH)
  })

  it('counts on from 0 after 2^31-1, inside of a batch too', () => {
    const state = newState()
    append(state, { sequence: MAX_SEQUENCE - 1, count: 2 }, { sequence: 0, count: 1 })
    const wrapping = newState()
    append(wrapping, { sequence: MAX_SEQUENCE - 1, count: 5 }, { sequence: 3 })
    expect(wrapping.check(batch({ sequence: MAX_SEQUENCE - 1, count: 5 }))).toMatchObject({ firstOffset: 0, lastOffset: 4 })
    expect(outcome(() => wrapping.check(batch({ sequence: 5 })))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  })

  it('is not one without a producer id', () => {
    const state = newState()
    const plain = batch({ id: -1, epoch: -1, sequence: -1 })
    expect(state.check(plain)).toBeUndefined()
    state.update(plain)
    expect(state.size).toBe(0)
  })

  it('is forgotten when it was silent for too long, or when there are too many', () => {
    const state = newState(3)
    append(state, { id: 1, timestamp: 0 }, { id: 2, timestamp: 500 }, { id: 3, timestamp: 900, transactional: true })
    expect(state.removeExpired(999)).toBe(0)
    expect(state.removeExpired(5000)).toBe(2)
    expect(state.size).toBe(1)
    append(state, { id: 4 }, { id: 5 }, { id: 4, sequence: 1 }, { id: 6 })
    expect([...state.entries].map(entry => entry.producerId).toSorted((a, b) => a - b)).toEqual([3, 4, 6])
    for (let id = 10; id < 1000; id++) append(state, { id })
    expect(state.size).toBe(3)
    expect(state.entry(3)).toBeDefined()
  })
})

describe('transactions', () => {
  it('hold back the last stable offset until their marker is replicated', () => {
    const state = newState()
    expect(state.firstUnstableOffset).toBe(-1)
    append(
      state,
      { id: 1, offset: 10, transactional: true },
      { id: 2, offset: 11, transactional: true },
      { id: 1, offset: 12, sequence: 1, transactional: true },
    )
    expect(state.firstUnstableOffset).toBe(10)
    expect([state.hasOngoingTransaction(1, 0), state.hasOngoingTransaction(1, 1), state.hasOngoingTransaction(3, 0)]).toEqual([
      true,
      false,
      false,
    ])
    const aborted = { producerId: 1, firstOffset: 10, lastOffset: 13, lastStableOffset: 11, isAborted: true }
    expect(state.updateMarker(marker({ offset: 13, abort: true }))).toEqual(aborted)
    expect(state.firstUnstableOffset).toBe(10)
    state.onHighWatermark(13)
    expect(state.firstUnstableOffset).toBe(10)
    state.onHighWatermark(14)
    expect(state.firstUnstableOffset).toBe(11)
    expect(state.updateMarker(marker({ id: 2, offset: 14 }))).toMatchObject({ lastStableOffset: 15, isAborted: false })
    state.onHighWatermark(15)
    expect(state.firstUnstableOffset).toBe(-1)
    expect(state.updateMarker(marker({ id: 9, offset: 15 }))).toBeUndefined()
    expect(state.entry(9)).toMatchObject({ producerEpoch: 0, coordinatorEpoch: 0, lastSequence: -1 })
  })

  it('take nothing that is not part of them, and are late when nobody ends them', () => {
    const state = newState()
    append(state, { offset: 10, transactional: true, timestamp: 1000 })
    expect(outcome(() => state.check(batch({ sequence: 1 })))).toBe(ErrorCode.INVALID_TXN_STATE)
    expect(state.check(batch({ sequence: -1, transactional: true }), 'coordinator')).toBeUndefined()
    expect(state.removeExpired(10_000_000)).toBe(0)
    expect(state.hasLateTransaction(1000 + 900_000 + 300_000, 900_000)).toBe(false)
    expect(state.hasLateTransaction(1000 + 900_000 + 300_001, 900_000)).toBe(true)
  })

  it('end by markers of the right epoch only', () => {
    const state = newState()
    append(state, { epoch: 5, transactional: true })
    const check = (epoch: number, transactionVersion: number, coordinator = 0) =>
      outcome(() => state.checkMarker(marker({ offset: 1, epoch, coordinator }), { transactionVersion }))
    expect([check(5, 1), check(6, 1), check(4, 1)]).toEqual([undefined, undefined, ErrorCode.INVALID_PRODUCER_EPOCH])
    expect([check(5, 2), check(6, 2)]).toEqual([ErrorCode.INVALID_PRODUCER_EPOCH, undefined])
    state.updateMarker(marker({ offset: 1, epoch: 6, coordinator: 3 }))
    expect(state.entry(1)).toMatchObject({ producerEpoch: 6, coordinatorEpoch: 3, batches: [], lastTimestamp: 500 })
    expect([check(6, 2, 3), check(5, 2, 3), check(7, 2, 2)]).toEqual([
      undefined,
      ErrorCode.INVALID_PRODUCER_EPOCH,
      ErrorCode.TRANSACTION_COORDINATOR_FENCED,
    ])
    expect(outcome(() => state.checkMarker(marker({ offset: 2, epoch: 1 }), 'replication'))).toBeUndefined()
    expect(outcome(() => state.check(batch({ epoch: 6, sequence: 1 })))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(state.check(batch({ epoch: 6, sequence: 0, transactional: true }))).toBeUndefined()
  })
})
