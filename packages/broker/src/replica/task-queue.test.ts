import { ManualClock } from '@ottla/protocol'
import { silentLogger } from '@ottla/metadata'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Slices } from './slices.ts'
import { TaskQueue } from './task-queue.ts'

/** What waits for promises that are kept has gone on. */
const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('a task queue', () => {
  it('does its tasks in order, a few milliseconds a turn, whatever fails and whatever comes meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ ms: fc.nat(6), fails: fc.boolean(), adds: fc.nat(2) }), { maxLength: 40 }), async tasks => {
        const clock = new ManualClock()
        const turns: (() => void)[] = []
        const queue = new TaskQueue(new Slices(clock, run => turns.push(run)), silentLogger)
        const order: number[] = []
        let added = 0
        const add = (task: (typeof tasks)[number]): void => {
          const number = added++
          queue.add(() => {
            order.push(number)
            clock.advance(task.ms)
            for (let count = 0; count < task.adds; count++) add({ ms: 1, fails: false, adds: 0 })
            if (task.fails) throw new Error('failed')
          })
        }
        const startedMs = clock.monotonic()
        for (const task of tasks) add(task)
        expect(clock.monotonic() - startedMs).toBeLessThanOrEqual(5 + 6)
        let isDrained = false
        const drained = queue.drained().then(() => {
          isDrained = true
        })
        for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
          const begunMs = clock.monotonic()
          turn()
          await settled()
          expect(clock.monotonic() - begunMs).toBeLessThanOrEqual(5 + 6)
        }
        await drained
        expect(isDrained).toBe(true)
        expect(order).toEqual(Array.from({ length: added }, (_, number) => number))
      }),
    )
  })
})
