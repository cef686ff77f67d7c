// Aids for tests of groups that change their kind: a consumer of the classic protocol that gives everything up before it joins again, and whose
// leader deals partitions out in turn.

import {
  ErrorCode,
  type HeartbeatResponseInit,
  type JoinGroupResponseInit,
  type LeaveGroupResponseInit,
  type SyncGroupResponseInit,
} from '@ottla/protocol'
import { encodeAssignment, encodeSubscription, parseAssignment } from '../consumer-protocol.ts'
import { outcomeOf } from '../testing.ts'
import type { Caller } from '../world.ts'
import { ConsumerGroup } from './consumer-group.ts'
import type { TestGroups } from './testing.ts'

const caller: Caller = { apiVersion: 9, clientId: 'classic', clientHost: '/127.0.0.1' }

/** A classic consumer. */
export class TestClassicConsumer {
  memberId = ''
  generation = -1
  owned: string[] = []
  phase: 'out' | 'joining' | 'syncing' | 'stable' = 'out'
  readonly #groups: TestGroups
  readonly #topics: readonly string[]
  readonly #instanceId: string | null
  #join: Promise<JoinGroupResponseInit> | null = null
  #sync: Promise<SyncGroupResponseInit> | null = null

  constructor(groups: TestGroups, topics: readonly string[], instanceId: string | null = null) {
    this.#groups = groups
    this.#topics = topics
    this.#instanceId = instanceId
  }

  /** Does what is next, if there is an answer to go on with. */
  async step(): Promise<void> {
    if (this.phase === 'out') this.#sendJoin()
    else if (this.phase === 'joining') this.#joined(await outcomeOf(this.#join ?? Promise.reject(new Error('no join'))))
    else if (this.phase === 'syncing') this.#synced(await outcomeOf(this.#sync ?? Promise.reject(new Error('no sync'))))
    else this.#beaten(await this.heartbeat())
  }

  async heartbeat(): Promise<HeartbeatResponseInit> {
    const { memberId, generation: generationId } = this
    const request = { groupId: 'group', memberId, generationId, groupInstanceId: this.#instanceId }
    const group = this.#consumerGroup()
    const decision = group === null ? this.#groups.classic.heartbeat(request) : this.#groups.requests.classicHeartbeat(group, request)
    return this.#groups.test.decide(decision)
  }

  async leave(): Promise<LeaveGroupResponseInit> {
    const { memberId } = this
    const request = { groupId: 'group', memberId: '', members: [{ memberId, groupInstanceId: this.#instanceId, reason: null }] }
    const group = this.#consumerGroup()
    const requests = this.#groups
    return requests.test.decide(
      group === null ? requests.classic.leave(request, caller) : requests.requests.classicLeave(group, request, caller),
    )
  }

  #consumerGroup(): ConsumerGroup | null {
    const group = this.#groups.groups.get('group')
    return group instanceof ConsumerGroup && group.memberCount > 0 ? group : null
  }

  #sendJoin(): void {
    this.owned = []
    const request = {
      groupId: 'group',
      sessionTimeoutMs: 45_000,
      rebalanceTimeoutMs: 20_000,
      memberId: this.memberId,
      groupInstanceId: this.#instanceId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: encodeSubscription(3, { topics: this.#topics }) }],
      reason: null,
    }
    const group = this.#consumerGroup()
    const { classic, requests, test } = this.#groups
    this.#join = test.decide(group === null ? classic.join(request, caller) : requests.classicJoin(group, request, caller))
    this.phase = 'joining'
  }

  #joined(reply: JoinGroupResponseInit | undefined): void {
    if (reply === undefined) return
    if (reply.errorCode === ErrorCode.MEMBER_ID_REQUIRED) this.memberId = reply.memberId
    if (reply.errorCode !== ErrorCode.NONE) {
      this.#begin(reply.errorCode)
      return
    }
    this.memberId = reply.memberId
    this.generation = reply.generationId ?? -1
    const assignments = reply.leader === this.memberId ? this.#deal(reply.members.map(({ memberId }) => memberId)) : []
    const request = {
      groupId: 'group',
      generationId: this.generation,
      memberId: this.memberId,
      groupInstanceId: this.#instanceId,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments,
    }
    const group = this.#consumerGroup()
    const { classic, requests, test } = this.#groups
    this.#sync = test.decide(group === null ? classic.sync(request, caller) : requests.classicSync(group, request, caller))
    this.phase = 'syncing'
  }

  #synced(reply: SyncGroupResponseInit | undefined): void {
    if (reply === undefined) return
    if (reply.errorCode !== ErrorCode.NONE) {
      this.#begin(reply.errorCode)
      return
    }
    const { assignment } = reply
    const assigned = assignment.length === 0 ? [] : parseAssignment(assignment).assignedPartitions
    this.owned = assigned.flatMap(({ topic, partitions }) => partitions.map(partition => `${topic} ${partition}`))
    this.phase = 'stable'
  }

  #beaten({ errorCode }: HeartbeatResponseInit): void {
    if (errorCode !== ErrorCode.NONE) this.#begin(errorCode)
  }

  #begin(errorCode: number): void {
    if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID || errorCode === ErrorCode.FENCED_INSTANCE_ID) this.memberId = ''
    this.owned = []
    this.phase = 'out'
  }

  #deal(memberIds: readonly string[]): { memberId: string; assignment: Buffer }[] {
    const hands = memberIds.map(memberId => ({ memberId, assignedPartitions: new Map<string, number[]>() }))
    let turn = 0
    for (const topic of this.#topics) {
      const count = this.#groups.test.topics.topic(topic)?.partitionCount ?? 0
      for (let partition = 0; partition < count; partition++) {
        const hand = hands[turn++ % hands.length]?.assignedPartitions
        hand?.set(topic, [...(hand.get(topic) ?? []), partition])
      }
    }
    return hands.map(({ memberId, assignedPartitions }) => ({
      memberId,
      assignment: encodeAssignment(3, {
        assignedPartitions: Array.from(assignedPartitions, ([topic, partitions]) => ({ topic, partitions })),
      }),
    }))
  }
}
