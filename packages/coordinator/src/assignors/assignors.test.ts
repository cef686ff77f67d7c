// What assignors promise, for groups made up by chance that change from round to round.
import { KafkaError, randomUuid } from '@ottla/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describerOf, groupOf, partitionsOf } from './assignor-vectors.ts'
import type { Assignor, MemberSpec, PartitionsByTopic } from './index.ts'
import { assignors } from './index.ts'

const uniform = assignorOf('uniform')
const range = assignorOf('range')

function assignorOf(name: string): Assignor {
  const assignor = assignors.get(name)
  if (assignor === undefined) throw new Error(`no assignor ${name}`)
  return assignor
}

type Members = Map<string, MemberSpec>
type Target = ReadonlyMap<string, PartitionsByTopic>

const topicIds = Array.from({ length: 8 }, () => randomUuid())
const nothing: PartitionsByTopic = new Map()

function memberOf(subscribedTopicIds: Iterable<string>, more: Partial<MemberSpec> = {}): MemberSpec {
  return { instanceId: null, rackId: null, subscribedTopicIds: new Set(subscribedTopicIds), assignment: nothing, ...more }
}

const loadOf = (assignment: PartitionsByTopic | undefined): number => partitionsOf(assignment).length

/** Every partition that somebody subscribes to has one member, who subscribes to it. */
function expectComplete(members: Members, counts: ReadonlyMap<string, number>, target: Target): void {
  const wanted = new Set([...members.values()].flatMap(({ subscribedTopicIds }) => [...subscribedTopicIds]))
  const partitions = [...wanted].flatMap(id => Array.from({ length: counts.get(id) ?? 0 }, (_, partition) => `${id}:${partition}`))
  expect([...target.values()].flatMap(partitionsOf).toSorted()).toEqual(partitions.toSorted())
  for (const [id, assignment] of target) {
    for (const [topicId, own] of assignment) {
      expect(members.get(id)?.subscribedTopicIds.has(topicId)).toBe(true)
      expect(own.size).toBeGreaterThan(0)
    }
  }
}

/** No partition could go to a member that has two fewer. */
function expectBalanced(members: Members, target: Target): void {
  for (const [giver, assignment] of target) {
    for (const [taker, { subscribedTopicIds }] of members) {
      if (loadOf(assignment) - loadOf(target.get(taker)) < 2) continue
      for (const topicId of assignment.keys()) expect(subscribedTopicIds.has(topicId), `${giver} could give to ${taker}`).toBe(false)
    }
  }
}

/** Of what members had and still want, as much stays as an even distribution allows. */
function expectSticky(members: Members, counts: ReadonlyMap<string, number>, target: Target): void {
  const [first] = members.values()
  let total = 0
  for (const topicId of first?.subscribedTopicIds ?? []) total += counts.get(topicId) ?? 0
  const quota = Math.floor(total / members.size)
  let kept = 0
  let possible = 0
  let above = 0
  for (const [id, { assignment, subscribedTopicIds }] of members) {
    const has = new Set(partitionsOf(target.get(id)))
    const had = partitionsOf(new Map([...assignment].filter(([topicId]) => subscribedTopicIds.has(topicId))))
    kept += had.filter(partition => has.has(partition)).length
    possible += Math.min(had.length, quota)
    if (had.length > quota) above++
  }
  expect(kept).toBe(possible + Math.min(above, total % members.size))
}

const subscription = fc.subarray(topicIds)
const rounds = fc.array(
  fc.record({
    counts: fc.array(fc.nat(40), { minLength: 8, maxLength: 8 }),
    wishes: fc.array(subscription, { minLength: 1, maxLength: 30 }),
  }),
  { minLength: 1, maxLength: 4 },
)

/** Plays rounds: members come and go at the end of the list, topics grow, and each member keeps what it got. */
function play(
  script: readonly { counts: readonly number[]; wishes: readonly string[][] }[],
  isHomogeneous: boolean,
  check: (members: Members, counts: ReadonlyMap<string, number>, target: Target) => void,
): void {
  let target: Target = new Map()
  const counts = new Map<string, number>()
  for (const { counts: sizes, wishes } of script) {
    for (const [index, id] of topicIds.entries()) counts.set(id, Math.max(counts.get(id) ?? 0, sizes[index] ?? 0))
    const members: Members = new Map()
    for (const [index, wish] of wishes.entries()) {
      const id = `member-${index}`
      members.set(id, memberOf((isHomogeneous ? wishes[0] : wish) ?? [], { assignment: target.get(id) ?? nothing }))
    }
    target = uniform.assign(groupOf(members, isHomogeneous), describerOf(counts))
    check(members, counts, target)
    const settled: Members = new Map()
    for (const [id, member] of members) settled.set(id, { ...member, assignment: target.get(id) ?? nothing })
    const again = uniform.assign(groupOf(settled, isHomogeneous), describerOf(counts))
    for (const [id, assignment] of again) expect(assignment).toBe(settled.get(id)?.assignment)
  }
}

describe('uniform', () => {
  it('is even and as sticky as can be where all subscribe to the same', () => {
    fc.assert(
      fc.property(rounds, script => {
        play(script, true, (members, counts, target) => {
          expectComplete(members, counts, target)
          const loads = [...target.values()].map(loadOf)
          if (loads.length > 0) expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
          if (target.size > 0) expectSticky(members, counts, target)
        })
      }),
      { numRuns: 200 },
    )
  })

  it('moves until nothing is gained where subscriptions differ', () => {
    fc.assert(
      fc.property(rounds, script => {
        play(script, false, (members, counts, target) => {
          expectComplete(members, counts, target)
          expectBalanced(members, target)
        })
      }),
      { numRuns: 80 },
    )
  })

  it('takes a partition that two members have from the second', () => {
    const [topicId = ''] = topicIds
    const both = { assignment: new Map([[topicId, new Set([0])]]) }
    const members = new Map([
      ['a', memberOf([topicId], both)],
      ['b', memberOf([topicId, ...topicIds.slice(1, 2)], both)],
    ])
    const counts = new Map(topicIds.map(id => [id, 1]))
    expectComplete(members, counts, uniform.assign(groupOf(members, false), describerOf(counts)))
  })
})

describe('range', () => {
  it('cuts every topic into runs', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { minLength: 8, maxLength: 8 }), fc.array(subscription, { maxLength: 30 }), (sizes, wishes) => {
        const members: Members = new Map(wishes.map((wish, index) => [`member-${index}`, memberOf(wish)]))
        const counts = new Map(topicIds.map((id, index) => [id, sizes[index] ?? 0]))
        const target = range.assign(groupOf(members, false), describerOf(counts))
        expectComplete(members, counts, target)
        for (const assignment of target.values()) {
          for (const run of assignment.values()) expect(Math.max(...run) - Math.min(...run)).toBe(run.size - 1)
        }
      }),
    )
  })

  it('co-partitions topics of equal size, static members first', () => {
    const members = new Map([
      ['z', memberOf(topicIds, { instanceId: 'b' })],
      ['a', memberOf(topicIds)],
      ['m', memberOf(topicIds, { instanceId: 'a' })],
    ])
    const target = range.assign(groupOf(members, true), describerOf(new Map(topicIds.map(id => [id, 5]))))
    const of = (member: string) => [...(target.get(member)?.values() ?? [])].map(run => [...run].join())
    expect([of('m'), of('z'), of('a')]).toEqual([topicIds.map(() => '0,1'), topicIds.map(() => '2,3'), topicIds.map(() => '4')])
  })
})

describe.each([...assignors.values()])('$name', assignor => {
  it('gives nothing to nobody', () => {
    expect(assignor.assign(groupOf(new Map(), true), describerOf(new Map())).size).toBe(0)
  })

  it.each([true, false])('refuses a topic that does not exist (homogeneous: %s)', isHomogeneous => {
    const members = new Map([['a', memberOf([randomUuid()])]])
    expect(() => assignor.assign(groupOf(members, isHomogeneous), describerOf(new Map()))).toThrow(KafkaError)
  })
})
