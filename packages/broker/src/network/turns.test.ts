import { describe, expect, it } from 'vitest'
import { ManualClock } from '@ottla/protocol'
import { defaultLimits } from './limits.ts'
import { Turns } from './turns.ts'

const nextTurn = () => new Promise(resolve => setImmediate(resolve))

describe('turns of the event loop', () => {
  it('are shared by all, and who was refused comes first in the next', async () => {
    const clock = new ManualClock()
    const turns = new Turns(clock, { ...defaultLimits, turnMs: 5 })
    const served: string[] = []
    const work = (name: string) => {
      served.push(name)
      clock.advance(3)
    }
    const ask = (name: string) => (turns.hasTime() ? work(name) : turns.wait(() => work(name)))
    for (const name of ['a', 'b', 'c', 'd', 'e']) ask(name)
    expect(served).toEqual(['a', 'b'])
    await nextTurn()
    ask('f')
    expect(served).toEqual(['a', 'b', 'c', 'd'])
    await nextTurn()
    expect(served).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  it('give everybody who waits one request before anybody gets a second', async () => {
    const clock = new ManualClock()
    const turns = new Turns(clock, { ...defaultLimits, turnMs: 5 })
    const served: string[] = []
    const queues = { busy: 6, other: 1 }
    const go = (name: keyof typeof queues): void => {
      while (queues[name] > 0) {
        if (!turns.hasTime()) return turns.wait(() => one(name))
        serve(name)
      }
    }
    const serve = (name: keyof typeof queues): void => {
      queues[name]--
      served.push(name)
      clock.advance(2)
    }
    const one = (name: keyof typeof queues): void => {
      serve(name)
      go(name)
    }
    go('busy')
    go('other')
    expect(served).toEqual(['busy', 'busy', 'busy'])
    await nextTurn()
    expect(served.slice(3)).toEqual(['busy', 'other', 'busy'])
    await nextTurn()
    expect(queues).toEqual({ busy: 0, other: 0 })
  })

  it('let at least one through, however long it takes', async () => {
    const clock = new ManualClock()
    const turns = new Turns(clock, { ...defaultLimits, turnMs: 0 })
    let served = 0
    for (let asked = 0; asked < 4; asked++) {
      if (turns.hasTime()) served++
      else turns.wait(() => served++)
    }
    for (let turn = 1; turn < 4; turn++) {
      expect(served).toBe(turn)
      await nextTurn()
    }
    expect(served).toBe(4)
  })
})
