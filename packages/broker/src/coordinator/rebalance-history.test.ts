import type { Rebalance } from '@ottla/coordinator'
import { expect, it } from 'vitest'
import { LoggedLines } from '../network/testing.ts'
import { RebalanceHistory } from './rebalance-history.ts'

const rebalance = (groupId: string, generation: number, partitions = 0): Rebalance => ({
  groupId,
  groupType: 'classic',
  startedAtMs: 1_000 * generation,
  durationMs: 5,
  memberId: 'm',
  clientId: 'c',
  reason: 'a new member joined',
  generation,
  assignment: new Map([['m', [{ topic: 't', partitions: Array.from({ length: partitions }, (_, index) => index) }]]]),
})
const begun = (maxWeight?: number) => {
  const logger = new LoggedLines()
  return { logger, history: new RebalanceHistory({ logger, ...(maxWeight === undefined ? {} : { maxWeight }) }) }
}
const generations = (history: RebalanceHistory, groupId: string) => history.of(groupId).map(({ generation }) => generation)

it('rebalances are told in the log, and the last ones of a group are kept', () => {
  const { history, logger } = begun()
  for (let generation = 1; generation <= 25; generation++) history.rebalanced(rebalance('g', generation))
  expect(generations(history, 'g')).toEqual(Array.from({ length: 20 }, (_, index) => index + 6))
  expect([...history.totals()]).toEqual([['g', { count: 25, durationMs: 125, lastStartedAtMs: 25_000 }]])
  expect(history.completed).toEqual({ classic: 25, consumer: 0 })
  expect(logger.lines).toHaveLength(25)
  expect(logger.lines[0]).toEqual({
    level: 'info',
    message: 'a group has rebalanced',
    fields: {
      group: 'g',
      groupType: 'classic',
      generation: 1,
      reason: 'a new member joined',
      member: 'm',
      clientId: 'c',
      durationMs: 5,
      members: 1,
    },
  })
})

it('the history goes with the group', () => {
  const { history } = begun()
  history.rebalanced(rebalance('gone', 1))
  history.rebalanced(rebalance('there', 1))
  history.retain(groupId => groupId === 'there')
  expect(generations(history, 'gone')).toEqual([])
  expect([...history.totals()].map(([groupId]) => groupId)).toEqual(['there'])
  expect(history.completed.classic).toBe(2)
})

it('all groups together are bounded: those that were quiet longest go first', () => {
  const { history } = begun(30)
  for (const groupId of ['a', 'b', 'c']) history.rebalanced(rebalance(groupId, 1, 6))
  expect([...history.totals()].map(([groupId]) => groupId)).toEqual(['a', 'b', 'c'])
  history.rebalanced(rebalance('a', 2, 6))
  expect(generations(history, 'a')).toEqual([1, 2])
  expect(generations(history, 'b')).toEqual([])
  expect(generations(history, 'c')).toEqual([1])
  // One that is larger than all that may be kept stays alone.
  history.rebalanced(rebalance('large', 1, 100))
  history.rebalanced(rebalance('large', 2, 100))
  expect(generations(history, 'large')).toEqual([2])
  expect(generations(history, 'a')).toEqual([])
  history.rebalanced(rebalance('b', 1, 1))
  expect([...history.totals()].map(([groupId]) => groupId)).toEqual(['b'])
})
