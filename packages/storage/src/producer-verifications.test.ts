// Batches that begin a transaction need the very question that their coordinator has answered (KIP-890).
import { KafkaError } from '@ottla/protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import type { ProducerBatch } from './producer-entry.ts'
import { ProducerState } from './producer-state.ts'

const batch = (baseSequence: number, producerEpoch = 0, isTransactional = true): ProducerBatch => ({
  producerId: 5,
  producerEpoch,
  baseSequence,
  lastSequence: baseSequence,
  baseOffset: baseSequence,
  lastOffset: baseSequence,
  maxTimestamp: 1000,
  isTransactional,
})
const marker = (producerEpoch: number, offset: number) => ({
  producerId: 5,
  producerEpoch,
  coordinatorEpoch: 1,
  offset,
  timestamp: 1000,
  isAbort: true,
})

let state: ProducerState
beforeEach(() => {
  state = new ProducerState({ producerIdExpirationMs: 1e9 })
})

const start = (sequence: number, { producerEpoch = 0, bumpsEpoch = false } = {}) =>
  state.startVerification({ producerId: 5, producerEpoch, sequence, bumpsEpoch, nowMs: 1000 })
const codeOf = (run: () => unknown): string => {
  try {
    run()
    return 'NONE'
  } catch (error) {
    return error instanceof KafkaError ? error.errorName : String(error)
  }
}

describe('a transaction in a partition', () => {
  it('begins with what was asked for, and goes on without', () => {
    expect(codeOf(() => state.check(batch(0), 'client', null))).toBe('INVALID_TXN_STATE')
    expect(codeOf(() => state.check(batch(0, 0, false), 'client', null))).toBe('NONE')
    const asked = start(0)
    expect(codeOf(() => state.check(batch(0), 'client', asked))).toBe('NONE')
    state.update(batch(0))
    expect(start(1)).toBeNull()
    expect(codeOf(() => state.check(batch(1), 'client', null))).toBe('NONE')
    expect(codeOf(() => state.check(batch(0), 'client', asked))).toBe('NONE')
  })

  it('does not begin with an answer from before its end', () => {
    const asked = start(0)
    state.updateMarker(marker(0, 0))
    expect(codeOf(() => state.check(batch(0), 'client', asked))).toBe('INVALID_TXN_STATE')
    expect(codeOf(() => state.check(batch(0), 'client', start(0)))).toBe('NONE')
    expect(codeOf(() => state.check(batch(0), 'client', asked))).toBe('INVALID_TXN_STATE')
  })

  it('with an epoch of its own is not touched by the end of the one before', () => {
    const asked = start(0, { producerEpoch: 1, bumpsEpoch: true })
    state.updateMarker(marker(1, 0))
    expect(codeOf(() => state.check(batch(0, 1), 'client', asked))).toBe('NONE')
    state.updateMarker(marker(2, 1))
    expect(codeOf(() => state.check(batch(0, 2), 'client', asked))).toBe('INVALID_TXN_STATE')
  })

  it('is refused to epochs before, whatever they come with', () => {
    state.updateMarker(marker(3, 0))
    expect(codeOf(() => start(0, { producerEpoch: 2 }))).toBe('INVALID_PRODUCER_EPOCH')
    expect(codeOf(() => state.check(batch(0, 2), 'client', null))).toBe('INVALID_PRODUCER_EPOCH')
  })
})

describe('batches that ask at the same time', () => {
  it('do not overtake the first of them', () => {
    const first = start(4)
    expect(start(2)).toBe(first)
    expect(codeOf(() => state.check(batch(4), 'client', first))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(codeOf(() => state.check(batch(2), 'client', first))).toBe('NONE')
    expect(start(7, { producerEpoch: 1 })).toBe(first)
    expect(codeOf(() => state.check(batch(7, 1), 'client', first))).toBe('NONE')
  })

  it('begin with sequence 0 where every transaction has an epoch of its own', () => {
    const asked = start(3, { bumpsEpoch: true })
    expect(codeOf(() => state.check(batch(3), 'client', asked))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(codeOf(() => state.check(batch(3), 'coordinator', asked))).toBe('NONE')
  })
})

it('remembers a bounded number of questions', () => {
  const first = state.startVerification({ producerId: 0, producerEpoch: 0, sequence: 0, bumpsEpoch: false, nowMs: 0 })
  for (let producerId = 1; producerId <= 10_000; producerId++)
    state.startVerification({ producerId, producerEpoch: 0, sequence: 0, bumpsEpoch: false, nowMs: 0 })
  const refused = codeOf(() => state.check({ ...batch(0), producerId: 0 }, 'client', first))
  expect(refused).toBe('INVALID_TXN_STATE')
})

it('forgets the questions that nothing came of', () => {
  const asked = start(0)
  state.removeExpired(1000 + 1e9 - 1)
  expect(codeOf(() => state.check(batch(0), 'client', asked))).toBe('NONE')
  state.removeExpired(1000 + 1e9)
  expect(state.verificationCount).toBe(0)
  expect(codeOf(() => state.check(batch(0), 'client', asked))).toBe('INVALID_TXN_STATE')
})
