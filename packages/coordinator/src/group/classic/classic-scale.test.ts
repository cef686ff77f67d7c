// What many members and many groups cost: work that grows with the square of the members would take minutes here.

import { describe, expect, it } from 'vitest'
import type { Decision } from '../../decision.ts'
import type { Timers } from '../../timers.ts'
import { testWorld } from '../testing.ts'
import type { GroupWorld } from '../world.ts'
import { by, range } from './classic-testing.ts'
import { ClassicRequests } from './classic-requests.ts'

/** Timers that only remember; the clock of other tests looks at all of them each time. */
class RememberedTimers implements Timers {
  readonly waiting = new Map<string, () => Decision<void>>()

  set(key: string, _delayMs: number, expired: () => Decision<void>): void {
    this.waiting.set(key, expired)
  }

  cancel(key: string): void {
    this.waiting.delete(key)
  }

  has(key: string): boolean {
    return this.waiting.has(key)
  }
}

describe('classic groups of a thousand members and more', () => {
  it('join, sync and leave without each looking at all', async () => {
    const { world, log } = testWorld()
    const timers = new RememberedTimers()
    const scaled: GroupWorld = { ...world, timers }
    const requests = new ClassicRequests(scaled, new Map())
    const count = 5_000
    const caller = by(3)
    const terms = { groupId: 'g', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, groupInstanceId: null, reason: null }
    const joins = Array.from({ length: count }, () =>
      log.decide(requests.join({ ...terms, memberId: '', protocolType: 'consumer', protocols: [range('t')] }, caller)),
    )
    const used = process.cpuUsage()
    for (let fire = timers.waiting.get('classic-join/g'); fire !== undefined; fire = timers.waiting.get('classic-join/g')) {
      timers.cancel('classic-join/g')
      await log.decide(fire())
    }
    const joined = await Promise.all(joins)
    expect(new Set(joined.map(({ generationId }) => generationId))).toEqual(new Set([1]))
    const assignment = Buffer.alloc(20)
    const assignments = joined.map(({ memberId }) => ({ memberId, assignment }))
    const synced = await Promise.all(
      joined.map(({ memberId, leader, generationId = -1 }) => {
        const sync = { groupId: 'g', generationId, memberId, groupInstanceId: null, protocolType: null, protocolName: null }
        return log.decide(requests.sync({ ...sync, assignments: leader === memberId ? assignments : [] }, by(3)))
      }),
    )
    expect(synced.every(({ errorCode }) => errorCode === 0)).toBe(true)
    for (const { memberId } of joined) requests.heartbeat({ groupId: 'g', generationId: 1, memberId, groupInstanceId: null })
    for (const { memberId } of joined)
      void log.decide(requests.leave({ groupId: 'g', memberId: '', members: [{ memberId, groupInstanceId: null, reason: null }] }, by(5)))
    expect(timers.waiting.size).toBe(0)
    // Time of the processor: others may use the machine as well.
    expect(process.cpuUsage(used).user).toBeLessThan(10_000_000)
  })
})
