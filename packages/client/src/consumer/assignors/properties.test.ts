// What holds for every group, by chance: each partition has one owner that wants it, sticky assignments are even and move no more than they must, and cooperative
// ones come to rest after two rounds without a partition ever having two owners.
import { describe, expect, it } from 'vitest'
import { configOf } from './assignor-vectors.ts'
import { parseAssignment } from './consumer-protocol.ts'
import { PartitionAssigners } from './index.ts'
import { partitionKey } from './topic-partitions.ts'
import type { Assigner, GroupMember, PartitionAssigner, TakenAssignment } from './types.ts'
import type { TopicPartition } from '../parts.ts'

const first = Number(process.env.FUZZ_SEED)
const seeds = Array.from({ length: 3 * Number(process.env.SIMULATION_TIMES) }, (_, index) => first + index)

/** Numbers that come again with the same seed. */
function chance(seed: number): (limit: number) => number {
  let state = seed >>> 0
  return limit => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

interface Person {
  readonly memberId: string
  readonly topics: string[]
  readonly assigner: Assigner
  taken: TakenAssignment | undefined
}

/** A group that rebalances as its members and topics change. */
class Group {
  readonly topics: Record<string, number> = { a: 3, b: 5, c: 1 }
  readonly people: Person[] = []
  readonly #make: PartitionAssigner
  readonly #cooperative: boolean
  #generation = 0
  #made = 0

  constructor(make: PartitionAssigner) {
    this.#make = make
    this.#cooperative = make(configOf({})).rebalanceProtocols?.[0] === 'cooperative'
  }

  add(topics: string[]): void {
    const memberId = `m${(this.#made * 7919) % 1009}-${this.#made++}`
    this.people.push({ memberId, topics, assigner: this.#make(configOf({})), taken: undefined })
  }

  /** One round; returns who has what. */
  async rebalance(): Promise<Map<string, readonly TopicPartition[]>> {
    const members = this.people.map(({ memberId, topics, assigner, taken }): GroupMember => {
      const owned = this.#cooperative ? (taken?.partitions ?? []) : []
      const state = assigner.protocol({ topics, ownedPartitions: owned, generationId: taken?.generationId ?? -1 })
      return { memberId, memberMetadata: state.metadata }
    })
    const output = await this.#make(configOf(this.topics)).assign({ members, topics: Object.keys(this.topics) })
    const byMember = new Map(output.map(({ memberId, memberAssignment }) => [memberId, parseAssignment(memberAssignment).partitions]))
    const generationId = ++this.#generation
    for (const person of this.people) {
      person.taken = { partitions: byMember.get(person.memberId) ?? [], generationId }
      person.assigner.onAssignment?.(person.taken)
    }
    return new Map(this.people.map(({ memberId, taken }) => [memberId, taken?.partitions ?? []]))
  }
}

function check(group: Group, assignment: Map<string, readonly TopicPartition[]>, complete: boolean): void {
  const owners = new Map<string, string>()
  for (const { memberId, topics } of group.people) {
    for (const partition of assignment.get(memberId) ?? []) {
      expect(topics).toContain(partition.topic)
      expect(owners.has(partitionKey(partition))).toBe(false)
      owners.set(partitionKey(partition), memberId)
    }
  }
  if (!complete) return
  const wanted = Object.entries(group.topics).filter(([topic]) => group.people.some(({ topics }) => topics.includes(topic)))
  expect(owners.size).toBe(wanted.reduce((sum, [, count]) => sum + count, 0))
}

const sizes = (assignment: Map<string, readonly TopicPartition[]>): number[] => [...assignment.values()].map(({ length }) => length)
const spread = (assignment: Map<string, readonly TopicPartition[]>): number =>
  Math.max(...sizes(assignment)) - Math.min(...sizes(assignment))

/** How many partitions are with somebody who did not have them. */
function moved(before: Map<string, readonly TopicPartition[]>, after: Map<string, readonly TopicPartition[]>): number {
  const owners = new Map(
    [...before].flatMap(([memberId, partitions]) => partitions.map(partition => [partitionKey(partition), memberId] as const)),
  )
  return [...after].flatMap(([memberId, partitions]) =>
    partitions.filter(partition => owners.has(partitionKey(partition)) && owners.get(partitionKey(partition)) !== memberId),
  ).length
}

/** Changes a group a little; members subscribe everything, or what chance says. */
function change(group: Group, below: (limit: number) => number, alike: boolean): void {
  const kind = below(4)
  const topics = Object.keys(group.topics).filter(() => alike || below(2) === 0)
  if (kind === 0 && group.people.length > 1) group.people.splice(below(group.people.length), 1)
  else if (kind === 1) group.topics['b'] = (group.topics['b'] ?? 0) + 1
  else group.add(topics.length === 0 ? ['a'] : topics)
}

describe.each(Object.entries(PartitionAssigners))('%s', (name, make) => {
  const cooperative = name === 'cooperativeSticky'

  it.each([true, false])('every partition has one owner that wants it (same topics: %s)', async alike => {
    for (const seed of seeds) {
      const below = chance(seed)
      const group = new Group(make)
      group.add(['a', 'b', 'c'])
      for (let round = 0; round < 12; round++) {
        change(group, below, alike)
        check(group, await group.rebalance(), !cooperative)
        if (cooperative) check(group, await group.rebalance(), true)
      }
    }
  })

  it.runIf(name.toLowerCase().includes('sticky'))('is even, and nothing moves without need', async () => {
    for (const seed of seeds) {
      const below = chance(seed)
      const group = new Group(make)
      group.add(['a', 'b', 'c'])
      let before = await group.rebalance()
      for (let round = 0; round < 12; round++) {
        change(group, below, true)
        await group.rebalance()
        const after = await group.rebalance()
        expect(spread(after)).toBeLessThanOrEqual(1)
        // Only what new members must get, or what is over a member's new share, may move.
        const share = Math.ceil(sizes(after).reduce((sum, size) => sum + size, 0) / group.people.length)
        expect(moved(before, after)).toBeLessThanOrEqual(share)
        expect(moved(after, await group.rebalance())).toBe(0)
        before = after
      }
    }
  })
})
