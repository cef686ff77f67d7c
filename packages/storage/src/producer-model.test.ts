// The producer state under random batches, markers and failed writes, against a model that is plainly Kafka's: per producer a list of its
// batches, copied whole for each step so that undoing is taking the older copy.
import { ErrorCode, KafkaError } from '@ottla/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ProducerBatch } from './producer-entry.ts'
import { ProducerState } from './producer-state.ts'

interface ModelProducer {
  epoch: number
  coordinatorEpoch: number
  lastTimestamp: number
  firstOffset: number
  batches: { first: number; last: number; offset: number; lastOffset: number }[]
}
type Model = Map<number, ModelProducer>
interface Undecided {
  open: Map<number, number>
  ended: Map<number, number>
}

const LIMIT = 2 ** 31

function modelCheck(model: Model, batch: ProducerBatch): number | 'new' | { offset: number } {
  const known = model.get(batch.producerId)
  if (known === undefined) return 'new'
  if (batch.producerEpoch === known.epoch) {
    const same = known.batches.find(old => old.first === batch.baseSequence && old.last === batch.lastSequence)
    if (same !== undefined) return { offset: same.offset }
  }
  if (batch.producerEpoch < known.epoch) return ErrorCode.INVALID_PRODUCER_EPOCH
  const last = batch.producerEpoch > known.epoch ? -1 : (known.batches.at(-1)?.last ?? -1)
  if (batch.baseSequence !== (last + 1) % LIMIT) return ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
  if (known.firstOffset >= 0 && !batch.isTransactional) return ErrorCode.INVALID_TXN_STATE
  return 'new'
}

const entryFor = (model: Model, id: number): ModelProducer => {
  const entry = model.get(id) ?? { epoch: -1, coordinatorEpoch: -1, lastTimestamp: -1, firstOffset: -1, batches: [] }
  model.set(id, entry)
  return entry
}

function modelUpdate(model: Model, undecided: Undecided, batch: ProducerBatch): void {
  const entry = entryFor(model, batch.producerId)
  if (entry.epoch !== batch.producerEpoch) entry.batches = []
  entry.epoch = batch.producerEpoch
  entry.lastTimestamp = batch.maxTimestamp
  const added = { first: batch.baseSequence, last: batch.lastSequence, offset: batch.baseOffset, lastOffset: batch.lastOffset }
  entry.batches = [...entry.batches, added].slice(-5)
  if (!batch.isTransactional || entry.firstOffset >= 0) return
  entry.firstOffset = batch.baseOffset
  undecided.open.set(batch.baseOffset, batch.producerId)
}

const seenOf = (state: ProducerState) =>
  new Map(
    [...state.entries].map(entry => [
      entry.producerId,
      {
        epoch: entry.producerEpoch,
        coordinatorEpoch: entry.coordinatorEpoch,
        lastTimestamp: entry.lastTimestamp,
        firstOffset: entry.transactionFirstOffset,
        batches: entry.batchesInOrder.map(old => ({
          first: old.firstSequence,
          last: old.lastSequence,
          offset: old.firstOffset,
          lastOffset: old.lastOffset,
        })),
      },
    ]),
  )

const step = fc.record({
  what: fc.oneof(
    { weight: 12, arbitrary: fc.constant('batch' as const) },
    { weight: 2, arbitrary: fc.constantFrom('marker' as const, 'written' as const) },
    { weight: 1, arbitrary: fc.constantFrom('failed' as const, 'replicated' as const) },
  ),
  id: fc.integer({ min: 1, max: 3 }),
  epochStep: fc.constantFrom(0, 0, 0, 0, 1, -1),
  sequence: fc.constantFrom('next', 'next', 'next', 'next', 'zero', 'skip', 'again'),
  count: fc.integer({ min: 1, max: 4 }),
  transactional: fc.boolean(),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** State and model side by side. */
class Pair {
  readonly state = new ProducerState({ producerIdExpirationMs: 1e12 })
  model: Model = new Map()
  undecided: Undecided = { open: new Map(), ended: new Map() }
  end = 0
  #written = 0
  #copy = structuredClone({ model: this.model, undecided: this.undecided })

  run(next: Step): void {
    if (next.what === 'batch') this.#batch(next)
    else if (next.what === 'marker') this.#marker(next)
    else if (next.what === 'written') this.#confirm()
    else if (next.what === 'failed') {
      expect(this.state.rollback(this.#written)).toBe(true)
      this.model = this.#copy.model
      this.undecided = this.#copy.undecided
      this.end = this.#written
      this.#confirm()
    } else {
      // The high watermark never passes what is not written.
      this.#confirm()
      this.state.onHighWatermark(this.end - 1)
      for (const [first, last] of this.undecided.ended) if (last < this.end - 1) this.undecided.ended.delete(first)
      this.#confirm()
    }
    expect(seenOf(this.state)).toEqual(this.model)
    const first = Math.min(...this.undecided.open.keys(), ...this.undecided.ended.keys())
    expect(this.state.firstUnstableOffset).toBe(Number.isFinite(first) ? first : -1)
    expect([...this.state.transactions.ongoing].map(transaction => transaction.firstOffset)).toEqual(
      [...this.undecided.open.keys()].toSorted((a, b) => a - b),
    )
  }

  #confirm(): void {
    this.state.confirm(this.end)
    this.#written = this.end
    this.#copy = structuredClone({ model: this.model, undecided: this.undecided })
  }

  #batch(next: Step): void {
    const known = this.model.get(next.id)
    const last = known?.batches.at(-1)
    const again = next.sequence === 'again' ? known?.batches[next.count] : undefined
    const expected = ((last?.last ?? LIMIT - 3) + 1) % LIMIT
    const baseSequence = again?.first ?? (next.sequence === 'zero' ? 0 : next.sequence === 'skip' ? (expected + 7) % LIMIT : expected)
    const count = again === undefined ? next.count : again.lastOffset - again.offset + 1
    const batch = {
      producerId: next.id,
      producerEpoch: Math.max(0, (known?.epoch ?? 0) + next.epochStep),
      baseSequence,
      lastSequence: (baseSequence + count - 1) % LIMIT,
      baseOffset: this.end,
      lastOffset: this.end + count - 1,
      maxTimestamp: this.end * 10,
      isTransactional: next.transactional,
    }
    const wanted = modelCheck(this.model, batch)
    const found = this.#check(batch)
    expect(found).toEqual(wanted)
    if (wanted !== 'new') return
    this.state.update(batch)
    modelUpdate(this.model, this.undecided, batch)
    this.end += count
  }

  #check(batch: ProducerBatch): number | 'new' | { offset: number } {
    try {
      const duplicate = this.state.check(batch)
      return duplicate === undefined ? 'new' : { offset: duplicate.firstOffset }
    } catch (error) {
      if (error instanceof KafkaError) return error.code
      throw error
    }
  }

  #marker(next: Step): void {
    const entry = entryFor(this.model, next.id)
    const producerEpoch = Math.max(0, entry.epoch + Math.abs(next.epochStep))
    const offset = this.end++
    const completed = this.state.updateMarker({
      producerId: next.id,
      producerEpoch,
      coordinatorEpoch: next.count,
      offset,
      timestamp: offset,
      isAbort: next.transactional,
    })
    expect(completed?.firstOffset ?? -1).toBe(entry.firstOffset)
    if (entry.epoch !== producerEpoch) entry.batches = []
    if (entry.firstOffset >= 0) {
      this.undecided.open.delete(entry.firstOffset)
      this.undecided.ended.set(entry.firstOffset, offset)
    }
    Object.assign(entry, { epoch: producerEpoch, coordinatorEpoch: next.count, lastTimestamp: offset, firstOffset: -1 })
  }
}

const at = (offset: number) => ({
  producerId: 1,
  producerEpoch: 0,
  baseSequence: offset,
  lastSequence: offset,
  baseOffset: offset,
  lastOffset: offset,
  maxTimestamp: 0,
  isTransactional: false,
})

describe('ProducerState', () => {
  it('agrees with the model, also after writes that failed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), steps => {
        const pair = new Pair()
        for (const next of steps) pair.run(next)
      }),
      { numRuns: 400 },
    )
  })

  it('says when it cannot undo, and changes nothing then', () => {
    const state = new ProducerState({ producerIdExpirationMs: 1e12 })
    for (let offset = 0; offset < 2000; offset++) state.update(at(offset))
    expect(state.rollback(500)).toBe(false)
    expect(state.entry(1)?.lastOffset).toBe(1999)
    expect(state.rollback(1500)).toBe(true)
    expect(state.entry(1)?.lastOffset).toBe(1499)
    state.confirm(1500)
    state.update(at(1500))
    expect(state.rollback(1500)).toBe(true)
    expect(state.entry(1)?.lastOffset).toBe(1499)
  })
})
