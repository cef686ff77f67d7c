import { describe, expect, it } from 'vitest'
import { seededRandom } from '@ottla/protocol'
import { pause } from './real-time.ts'
import { TestClock } from './test-clock.ts'
import { TimerHeap } from './timer-heap.ts'

describe('a clock of tests', () => {
  it('stands still where it is virtual, and runs what falls due at its time', async () => {
    const clock = new TestClock('virtual')
    const ran: string[] = []
    const at = (name: string, delayMs: number) => clock.after(delayMs, () => ran.push(`${name}@${clock.monotonic()}`))
    at('b', 200)
    at('a', 100)
    at('never', 150).cancel()
    at('later', 1000)
    clock.after(50, () => at('nested', 100))
    await pause(5)
    expect(clock.monotonic()).toBe(0)
    await clock.advance(300)
    expect(ran).toEqual(['a@100', 'nested@150', 'b@200'])
    expect(clock.monotonic()).toBe(300)
    expect(clock.pending).toBe(1)
  })

  it('goes on by itself where it is hybrid', async () => {
    const clock = new TestClock('hybrid')
    const ran: string[] = []
    clock.after(1, () => ran.push('soon'))
    clock.after(3_600_000, () => ran.push('in an hour'))
    await pause(20)
    expect(ran).toEqual(['soon'])
    const before = clock.now()
    await clock.advance(3_600_000)
    expect(ran).toEqual(['soon', 'in an hour'])
    expect(clock.now() - before).toBeGreaterThanOrEqual(3_600_000)
    clock.after(1, () => ran.push('after'))
    await pause(20)
    expect(ran.at(-1)).toBe('after')
    clock.close()
  })

  it('goes on by itself after it was closed, whoever still waits', async () => {
    const clock = new TestClock('virtual')
    const ran: string[] = []
    clock.after(40, () => ran.push('before'))
    await clock.advance(20)
    clock.close()
    clock.after(25, () => ran.push('after'))
    await pause(100)
    expect(ran).toEqual(['before', 'after'])
    expect(clock.monotonic()).toBeGreaterThanOrEqual(45)
  })

  it('lets consequences happen between two timers', async () => {
    const clock = new TestClock('virtual')
    const times: number[] = []
    const beat = (): void => {
      times.push(clock.monotonic())
      void Promise.resolve().then(() => clock.after(100, beat))
    }
    clock.after(100, beat)
    await clock.advance(1000)
    expect(times).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900, 1000])
  })

  it('takes long spans in steps', async () => {
    const clock = new TestClock('virtual', () => Promise.resolve())
    let beats = 0
    const beat = (): void => {
      beats++
      clock.after(100, beat)
    }
    clock.after(100, beat)
    await clock.advance(30 * 86_400_000)
    expect(beats).toBeGreaterThan(10_000)
    expect(beats).toBeLessThan(30_000)
    expect(clock.monotonic()).toBe(30 * 86_400_000)
  })

  it('keeps its timers in order', () => {
    const random = seededRandom(1)
    const heap = new TimerHeap()
    const timers = Array.from({ length: 500 }, () => heap.add(Math.floor(random.next() * 100), () => undefined))
    for (const timer of timers) if (random.next() < 0.3) heap.remove(timer)
    const order: number[] = []
    for (let next = heap.first; next !== undefined; next = heap.first) {
      order.push(next.at * 1000 + next.id)
      heap.remove(next)
    }
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    expect(order.length).toBe(timers.filter(timer => timer.place === -1).length - (500 - order.length))
  })
})

it('a virtual clock moves on by itself over short waits', async () => {
  const clock = new TestClock('virtual')
  await new Promise<void>(resolve => clock.after(10, resolve))
  expect(clock.monotonic()).toBe(10)
})
