// Aids for tests of consumer groups: the groups of one coordinator partition in a test's world, and members that do what a consumer does.

import {
  type ConsumerGroupHeartbeatRequest,
  type ConsumerGroupHeartbeatResponseInit,
  ErrorCode,
  groupMetadataRecord,
} from '@ottla/protocol'
import type { CoordinatorRecord } from '../../record.ts'
import { ClassicRequests } from '../classic/classic-requests.ts'
import type { Group } from '../group.ts'
import { type TestWorld, testWorld } from '../testing.ts'
import type { Caller, GroupSettings } from '../world.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { ConsumerRequests } from './consumer-requests.ts'

/** The last version, as a consumer on this machine sends it. */
export const testCaller: Caller = { apiVersion: 1, clientId: 'client', clientHost: '/127.0.0.1' }

/** A heartbeat that says nothing but what is given. */
export const heartbeatOf = (fields: Partial<ConsumerGroupHeartbeatRequest>): ConsumerGroupHeartbeatRequest => ({
  groupId: 'group',
  memberId: 'member',
  memberEpoch: 0,
  instanceId: null,
  rackId: null,
  rebalanceTimeoutMs: -1,
  subscribedTopicNames: null,
  subscribedTopicRegex: null,
  serverAssignor: null,
  topicPartitions: null,
  ...fields,
})

/** Groups of one coordinator partition. */
export class TestGroups {
  readonly test: TestWorld
  groups = new Map<string, Group>()
  classic: ClassicRequests
  requests: ConsumerRequests

  constructor(options: { readonly settings?: Partial<GroupSettings>; readonly seed?: number } = {}) {
    this.test = testWorld(options)
    this.classic = new ClassicRequests(this.test.world, this.groups)
    this.requests = new ConsumerRequests(this.test.world, this.groups, this.classic)
    this.test.log.replay = record => this.replay(record)
  }

  /** Sends a heartbeat. Errors are rejections. */
  async heartbeat(
    fields: Partial<ConsumerGroupHeartbeatRequest>,
    caller: Partial<Caller> = {},
  ): Promise<ConsumerGroupHeartbeatResponseInit> {
    return this.test.decide(this.requests.heartbeat(heartbeatOf(fields), { ...testCaller, ...caller }))
  }

  /** The first heartbeat of a member. */
  join(memberId: string, fields: Partial<ConsumerGroupHeartbeatRequest> = {}): Promise<ConsumerGroupHeartbeatResponseInit> {
    const names = fields.subscribedTopicRegex === undefined ? { subscribedTopicNames: ['topic'] } : {}
    return this.heartbeat({ memberId, memberEpoch: 0, rebalanceTimeoutMs: 60_000, topicPartitions: [], ...names, ...fields })
  }

  group(groupId = 'group'): ConsumerGroup {
    const group = this.groups.get(groupId)
    if (group instanceof ConsumerGroup) return group
    throw new Error(`no consumer group ${groupId}`)
  }

  /** Tells the groups of changed topics. */
  topicsChanged(...names: string[]): void {
    this.requests.topicsChanged(names)
  }

  /** The records that were written since the number of them was `from`. */
  written(from: number): CoordinatorRecord[] {
    return this.test.log.records.slice(from)
  }

  /** What happens when another broker takes over: all records are replayed into an empty state. */
  restart(records: readonly CoordinatorRecord[] = this.test.log.records): void {
    this.classic.unloaded(ErrorCode.NOT_COORDINATOR)
    for (const key of this.test.clock.keys()) this.test.clock.cancel(key)
    this.groups = new Map()
    this.classic = new ClassicRequests(this.test.world, this.groups)
    this.requests = new ConsumerRequests(this.test.world, this.groups, this.classic)
    for (const record of records) this.replay(record)
    this.classic.loaded()
    this.requests.loaded()
  }

  replay(record: CoordinatorRecord): void {
    if (record.type === groupMetadataRecord) this.classic.replay(record)
    else this.requests.replay(record)
  }
}

/** Records in short: what of which member they say. */
export const shown = (records: readonly CoordinatorRecord[]): string[] =>
  records.map(({ type, key, value }) => {
    const name = type.key.name.replace(/^ConsumerGroup/, '').replace(/Key$/, '')
    const whom = ['memberId', 'regularExpression'].flatMap(field => (typeof key[field] === 'string' ? [` ${key[field]}`] : []))
    return `${name}${whom.join('')}${value === null ? ' gone' : ''}`
  })

/** A consumer: it takes over what it is assigned, and gives up what it is not any more, with its next heartbeat or when it is told to. */
export class TestConsumer {
  readonly memberId: string
  readonly #groups: TestGroups
  readonly #fields: Partial<ConsumerGroupHeartbeatRequest>
  epoch = 0
  /** Whether an answer was lost: its next heartbeat says all that it can. */
  saysAll = false
  /** What it works on, as `topicId partition`. */
  owned = new Set<string>()
  /** What it should give up. */
  revoking = new Set<string>()
  /** What it should work on once it has given that up. */
  assigned = new Set<string>()

  constructor(groups: TestGroups, memberId: string, fields: Partial<ConsumerGroupHeartbeatRequest> = {}) {
    this.#groups = groups
    this.memberId = memberId
    this.#fields = fields
  }

  /** Sends a heartbeat, and does what the answer says. */
  async heartbeat(): Promise<void> {
    const reply =
      this.epoch === 0
        ? await this.#groups.join(this.memberId, this.#fields)
        : await this.#groups.heartbeat({
            ...(this.#fields.groupId === undefined ? {} : { groupId: this.#fields.groupId }),
            ...(this.saysAll ? { rebalanceTimeoutMs: 60_000, subscribedTopicNames: ['topic'], ...this.#fields } : {}),
            instanceId: this.#fields.instanceId ?? null,
            memberId: this.memberId,
            memberEpoch: this.epoch,
            topicPartitions: listOf(this.owned),
          })
    this.saysAll = false
    this.epoch = reply.memberEpoch
    if (reply.assignment !== null && reply.assignment !== undefined) {
      const entries = reply.assignment.topicPartitions.flatMap(({ topicId, partitions }) => [...partitions].map(id => `${topicId} ${id}`))
      this.assigned = new Set(entries)
      this.revoking = new Set([...this.owned].filter(entry => !this.assigned.has(entry)))
      if (this.revoking.size === 0) this.owned = new Set(this.assigned)
    }
  }

  /** Gives up what it should. */
  revoke(): void {
    this.revoking = new Set()
    this.owned = new Set(this.assigned)
  }

  /** Begins anew, as a member that was thrown out does. */
  forget(): void {
    this.epoch = 0
    this.owned = new Set()
    this.revoking = new Set()
    this.assigned = new Set()
  }
}

const listOf = (entries: Iterable<string>): { topicId: string; partitions: number[] }[] => {
  const topics = new Map<string, number[]>()
  for (const entry of entries) {
    const [topicId = '', partition] = entry.split(' ')
    topics.set(topicId, [...(topics.get(topicId) ?? []), Number(partition)])
  }
  return Array.from(topics, ([topicId, partitions]) => ({ topicId, partitions }))
}
