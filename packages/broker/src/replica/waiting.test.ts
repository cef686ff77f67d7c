import { ErrorCode, ManualClock } from '@ottla/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { OffsetWaiter } from './waiting.ts'
import { Deadlines, OffsetQueue, Waiter } from './waiting.ts'

class Sleeper extends Waiter {
  readonly #expired: () => void
  constructor(expired: () => void) {
    super()
    this.#expired = expired
  }
  expire(): void {
    this.#expired()
  }
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), delay: fc.integer({ min: -5, max: 300 }) }),
  fc.record({ kind: fc.constant('remove' as const), which: fc.nat(30) }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 120 }) }),
)

describe('deadlines', () => {
  it('are met late by less than two ticks, never early, never twice, with one timer for all', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const clock = new ManualClock()
        const deadlines = new Deadlines(clock)
        const waiters: { waiter: Waiter; due: number; removed: boolean; expiredAt: number }[] = []
        for (const one of steps) {
          if (one.kind === 'add') {
            const entry = { due: clock.monotonic() + Math.max(0, one.delay), removed: false, expiredAt: -1, waiter: new Sleeper(() => {}) }
            entry.waiter = new Sleeper(() => {
              expect(entry.expiredAt).toBe(-1)
              expect(entry.removed).toBe(false)
              entry.expiredAt = clock.monotonic()
            })
            waiters.push(entry)
            deadlines.add(entry.waiter, one.delay)
          } else if (one.kind === 'remove') {
            const entry = waiters[one.which]
            if (entry === undefined || entry.expiredAt !== -1) continue
            entry.removed = true
            deadlines.remove(entry.waiter)
          } else clock.advance(one.ms)
          expect(clock.pending).toBeLessThanOrEqual(1)
          expect(deadlines.size).toBe(waiters.filter(entry => !entry.removed && entry.expiredAt === -1).length)
        }
        clock.advance(1000)
        for (const { due, expiredAt, removed } of waiters) {
          if (removed) continue
          expect(expiredAt).toBeGreaterThanOrEqual(due)
          expect(expiredAt).toBeLessThan(due + 10)
        }
        expect(clock.pending).toBe(0)
      }),
    )
  })

  it('are not remembered for days when nobody has them any more', () => {
    const clock = new ManualClock()
    const deadlines = new Deadlines(clock)
    let expired = 0
    deadlines.add(new Sleeper(() => expired++), 40_000)
    for (let round = 0; round < 10_000; round++) {
      const waiter = new Sleeper(() => expired++)
      deadlines.add(waiter, 2 ** 31 - 1 - round * 7)
      deadlines.remove(waiter)
      clock.advance(3)
    }
    expect(deadlines.remembered).toBeLessThan(200)
    expect(expired).toBe(0)
    clock.advance(10_010)
    expect(expired).toBe(1)
  })

  it('may be waited for again from within', () => {
    const clock = new ManualClock()
    const deadlines = new Deadlines(clock)
    let times = 0
    const again = new Sleeper(() => {
      times++
      if (times < 3) deadlines.add(again, 0)
    })
    deadlines.add(again, 5)
    clock.advance(50)
    expect(times).toBe(3)
  })
})

class Seen implements OffsetWaiter {
  readonly requiredOffset: number
  settled = false
  outcome: 'reached' | number | null = null
  constructor(requiredOffset: number) {
    this.requiredOffset = requiredOffset
  }
  reached(): void {
    expect(this.outcome).toBeNull()
    this.outcome = 'reached'
    this.settled = true
  }
  failed(code: number): void {
    expect(this.outcome).toBeNull()
    this.outcome = code
    this.settled = true
  }
}

describe('a queue of offsets', () => {
  it('releases in order what is reached, fails what is lost, and forgets who was settled otherwise', () => {
    const change = fc.oneof(
      fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ kind: fc.constant('again' as const), back: fc.integer({ min: 0, max: 20 }) }),
      fc.record({ kind: fc.constant('release' as const), by: fc.integer({ min: 0, max: 10 }) }),
      fc.record({ kind: fc.constant('fail' as const) }),
      fc.record({ kind: fc.constant('settle' as const), which: fc.nat(40) }),
    )
    fc.assert(
      fc.property(fc.array(change, { maxLength: 80 }), changes => {
        const queue = new OffsetQueue()
        const all: Seen[] = []
        let end = 0
        let reached = 0
        for (const one of changes) {
          if (one.kind === 'append' || one.kind === 'again') {
            if (one.kind === 'append') end += one.count
            const waiter = new Seen(one.kind === 'append' ? end : Math.max(reached + 1, end - one.back))
            if (waiter.requiredOffset > end) continue
            all.push(waiter)
            queue.add(waiter)
          } else if (one.kind === 'release') {
            reached = Math.min(end, reached + one.by)
            queue.release(reached)
            for (const waiter of all) if (waiter.requiredOffset <= reached) expect(waiter.settled).toBe(true)
          } else if (one.kind === 'fail') {
            queue.failBeyond(reached, ErrorCode.KAFKA_STORAGE_ERROR)
            end = reached
            for (const waiter of all) expect(waiter.settled).toBe(true)
          } else {
            const waiter = all[one.which]
            if (waiter?.outcome === null) waiter.settled = true
          }
          for (const waiter of all) {
            if (waiter.outcome === 'reached') expect(waiter.requiredOffset).toBeLessThanOrEqual(reached)
            else if (!waiter.settled) expect(waiter.requiredOffset).toBeGreaterThan(reached)
          }
        }
        queue.release(end)
        expect(queue.size).toBe(0)
      }),
    )
  })
})
