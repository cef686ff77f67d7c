// Random lives of a consumer group, by seed: members join, leave, crash, give partitions up late; topics appear, grow and go; the coordinator
// moves. After each event what has to hold always is checked, and at last that the group comes to rest.

import { KafkaError, type Random, seededRandom } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import type { ConsumerGroup } from './consumer-group.ts'
import { TestConsumer, TestGroups } from './testing.ts'

const topicNames = ['t0', 't1', 't2', 't3']

/** All that a group's records say of it. */
const contentOf = (group: ConsumerGroup) => ({
  state: group.state,
  groupEpoch: group.groupEpoch,
  metadataHash: group.metadataHash,
  assignmentEpoch: group.assignmentEpoch,
  assignmentTimestampMs: group.assignmentTimestampMs,
  members: new Map(group.members),
  staticMembers: new Map(group.staticMembers),
  targets: new Map(group.targets),
  subscriptions: new Map(group.subscriptions),
  patterns: new Map(group.patterns),
  resolved: new Map(group.resolved),
  assignorVotes: new Map(group.assignorVotes),
})

const ensure = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`it does not hold that ${what}`)
}

class Life {
  readonly groups: TestGroups
  readonly random: Random
  members: TestConsumer[] = []
  #made = 0

  constructor(seed: number) {
    this.random = seededRandom(seed)
    const assignmentIntervalMs = this.random.next() < 0.3 ? 1_000 : 0
    this.groups = new TestGroups({ seed, settings: { consumerAssignmentIntervalMs: () => assignmentIntervalMs } })
    this.groups.test.topics.add('t0', 3)
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.random.next() * from.length)]
  }

  async step(): Promise<void> {
    const dice = this.random.next()
    if (dice < 0.4) await this.#heartbeat(this.pick(this.members))
    else if (dice < 0.45) await this.#loseAnswer(this.pick(this.members))
    else if (dice < 0.6) this.pick(this.members)?.revoke()
    else if (dice < 0.7) await this.#join()
    else if (dice < 0.74) await this.#leave(this.pick(this.members))
    else if (dice < 0.77) this.members = this.members.filter(member => member !== this.pick([...this.members, member]))
    else if (dice < 0.85) this.#changeTopics()
    else if (dice < 0.87) this.#restart()
    else this.groups.test.clock.advance(Math.floor(this.random.next() * 4_000))
  }

  async #heartbeat(member: TestConsumer | undefined): Promise<void> {
    try {
      await member?.heartbeat()
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      member?.forget()
    }
  }

  async #loseAnswer(member: TestConsumer | undefined): Promise<void> {
    if (member === undefined) return
    const { epoch, owned, revoking, assigned } = member
    await this.#heartbeat(member)
    Object.assign(member, { epoch, owned, revoking, assigned, saysAll: true })
  }

  async #join(): Promise<void> {
    if (this.members.length >= 6) return
    const names = topicNames.filter(() => this.random.next() < 0.6)
    const fields =
      this.random.next() < 0.3
        ? { subscribedTopicRegex: this.pick(['t[01]', 't.*', 't3']) ?? 't0', subscribedTopicNames: this.random.next() < 0.5 ? null : names }
        : { subscribedTopicNames: this.random.next() < 0.5 ? topicNames : names }
    const instanceId = this.random.next() < 0.3 ? (this.pick(['i0', 'i1']) ?? null) : null
    const serverAssignor = this.pick([null, 'range', 'uniform']) ?? null
    const member = new TestConsumer(this.groups, `m${this.#made++}`, { ...fields, instanceId, serverAssignor, rebalanceTimeoutMs: 20_000 })
    this.members.push(member)
    await this.#heartbeat(member)
  }

  async #leave(member: TestConsumer | undefined): Promise<void> {
    if (member === undefined || member.epoch === 0) return
    const known = this.groups.group().members.get(member.memberId)
    const instanceId = known?.instanceId ?? null
    const memberEpoch = instanceId !== null && this.random.next() < 0.7 ? -2 : -1
    this.members = this.members.filter(other => other !== member)
    try {
      await this.groups.heartbeat({ memberId: member.memberId, memberEpoch, instanceId })
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
    }
  }

  #changeTopics(): void {
    const name = this.pick(topicNames) ?? 't0'
    const { topics } = this.groups.test
    const topic = topics.topic(name)
    if (topic === undefined) topics.add(name, 1 + Math.floor(this.random.next() * 4))
    else if (this.random.next() < 0.3) topics.remove(name)
    else if (topic.partitionCount < 8) topics.add(name, topic.partitionCount + 1)
    this.groups.topicsChanged(name)
  }

  #restart(): void {
    const before = this.groups.groups.has('group') ? contentOf(this.groups.group()) : null
    this.groups.restart()
    if (before !== null) expect(contentOf(this.groups.group())).toEqual(before)
  }

  /** What has to hold at any time. */
  check(): void {
    if (!this.groups.groups.has('group')) return
    const group = this.groups.group()
    const owners = new Set<string>()
    let isReconciled = true
    for (const member of group.members.values()) {
      isReconciled &&= member.state === 0 && member.memberEpoch === group.assignmentEpoch
      ensure(member.memberEpoch <= group.groupEpoch, 'no member is ahead of its group')
      for (const part of [member.assignedPartitions, member.partitionsPendingRevocation])
        for (const [topicId, epochs] of part)
          for (const [partition, epoch] of epochs) {
            ensure(!owners.has(`${topicId} ${partition}`), 'no partition has two owners')
            owners.add(`${topicId} ${partition}`)
            ensure(group.ownerOf(topicId, partition) === member.memberId, 'the owner is known')
            ensure(epoch <= Math.max(member.memberEpoch, member.previousMemberEpoch, 0), 'no partition is younger than its owner')
          }
    }
    ensure(group.assignmentEpoch <= group.groupEpoch, 'no assignment is ahead of its group')
    const expected = group.groupEpoch > group.assignmentEpoch ? 'Assigning' : isReconciled ? 'Stable' : 'Reconciling'
    ensure(group.state === (group.memberCount === 0 ? 'Empty' : expected), 'the state is what the members say')
    this.#checkConsumers(group)
  }

  /** What consumers work on is theirs: but for those that were thrown out and do not know it yet. */
  #checkConsumers(group: ConsumerGroup): void {
    for (const consumer of this.members) {
      if (!group.members.has(consumer.memberId) || consumer.epoch === 0) continue
      for (const entry of consumer.owned) {
        const [topicId = '', partition] = entry.split(' ')
        ensure(group.ownerOf(topicId, Number(partition)) === consumer.memberId, 'consumers work on their own partitions')
      }
    }
  }

  /** Lets the group come to rest, and checks that each partition has one owner. */
  async settle(): Promise<void> {
    for (let round = 0; round < 60; round++) {
      for (const member of this.members) {
        await this.#heartbeat(member)
        member.revoke()
        this.check()
      }
      this.groups.test.clock.advance(1_000)
    }
    if (this.members.length === 0) return
    const group = this.groups.group()
    expect(group.state).toBe('Stable')
    for (const name of group.subscriptions.keys()) {
      const topic = this.groups.test.topics.topic(name)
      for (let partition = 0; partition < (topic?.partitionCount ?? 0); partition++)
        expect(group.members.has(group.ownerOf(topic?.id ?? '', partition) ?? '')).toBe(true)
    }
    for (const { memberId, revoking, owned } of this.members) {
      const partitions = [...(group.members.get(memberId)?.assignedPartitions.values() ?? [])]
      expect([memberId, revoking.size, owned.size]).toEqual([memberId, 0, partitions.reduce((sum, { size }) => sum + size, 0)])
    }
  }
}

describe('a consumer group', () => {
  it.each(Array.from({ length: 10 * Number(process.env.SIMULATION_TIMES) }, (_, seed) => seed))('holds together, seed %i', async seed => {
    const life = new Life(seed)
    for (let step = 0; step < 300; step++) {
      await life.step()
      life.check()
    }
    await life.settle()
    expect(life.groups.group().groupEpoch).toBeGreaterThan(10)
  })
})
