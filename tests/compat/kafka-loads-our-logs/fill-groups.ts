// Groups of both protocols: with and without members, static ones, one that changed from one protocol to the other, offsets with and without
// metadata, offsets that expired, and a group that was deleted.
import {
  consumerGroupHeartbeatApi,
  deleteGroupsApi,
  ErrorCode,
  heartbeatApi,
  joinGroupApi,
  leaveGroupApi,
  offsetCommitApi,
  offsetFetchApi,
  randomUuid,
  syncGroupApi,
} from '@ottla/protocol'
import { Wire } from '../wire.ts'
import { ask, assignment, partitionErrors, subscription, until } from './asking.ts'

/** An offset for a partition of `positions`. */
export interface Position {
  readonly index: number
  readonly offset: number
  readonly metadata?: string | null
}

/** Who commits; nobody where the group has no members. */
export interface Committer {
  readonly memberId: string
  readonly epoch: number
}

export async function commit(
  wire: Wire,
  groupId: string,
  positions: readonly Position[],
  options: { member?: Committer; retentionMs?: number } = {},
) {
  const { member, retentionMs } = options
  const partitions = positions.map(({ index, offset, metadata = '' }) => ({
    partitionIndex: index,
    committedOffset: offset,
    committedLeaderEpoch: 0,
    committedMetadata: metadata,
  }))
  const body = {
    groupId,
    generationIdOrMemberEpoch: member?.epoch ?? -1,
    memberId: member?.memberId ?? '',
    retentionTimeMs: retentionMs ?? -1,
    topics: [{ name: 'positions', partitions }],
  }
  await ask(wire, {
    api: offsetCommitApi,
    version: retentionMs === undefined ? 9 : 4,
    body,
    errors: partitionErrors,
  })
}

/** A member of a classic group, on a connection of its own: JoinGroup and SyncGroup wait. */
export class ClassicMember {
  readonly #wire: Wire
  readonly groupId: string
  readonly instanceId: string | null
  memberId = ''
  generation = -1

  constructor(wire: Wire, groupId: string, instanceId: string | null = null) {
    this.#wire = wire
    this.groupId = groupId
    this.instanceId = instanceId
  }

  /** Joins, and gives all partitions of `positions` to the leader. */
  async join(): Promise<void> {
    const { groupId, instanceId } = this
    const metadata = subscription({ topics: ['positions'], userData: Buffer.from('user data'), ownedPartitions: [] })
    const asked = () =>
      this.#wire.ask(joinGroupApi, 9, {
        groupId,
        sessionTimeoutMs: 600_000,
        rebalanceTimeoutMs: 60_000,
        memberId: this.memberId,
        groupInstanceId: instanceId,
        protocolType: 'consumer',
        protocols: [
          { name: 'range', metadata },
          { name: 'roundrobin', metadata },
        ],
      })
    for (let left = 200; ; left--) {
      const joined = await asked()
      if (joined.memberId !== '') this.memberId = joined.memberId
      if (joined.errorCode === ErrorCode.NONE) {
        this.generation = joined.generationId
        if (await this.#sync(joined.leader === this.memberId)) return
      } else if (joined.errorCode !== ErrorCode.MEMBER_ID_REQUIRED) await new Promise(resolve => setTimeout(resolve, 50))
      if (left === 0) throw new Error(`${groupId}: JoinGroup answers ${joined.errorCode}`)
    }
  }

  async #sync(isLeader: boolean): Promise<boolean> {
    const { groupId, memberId, instanceId, generation } = this
    const all = assignment([{ topic: 'positions', partitions: [0, 1, 2, 3, 4, 5, 6, 7] }])
    const synced = await this.#wire.ask(syncGroupApi, 5, {
      groupId,
      generationId: generation,
      memberId,
      groupInstanceId: instanceId,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: isLeader ? [{ memberId, assignment: all }] : [],
    })
    return synced.errorCode === ErrorCode.NONE
  }

  async heartbeat(wire = this.#wire): Promise<number> {
    const { groupId, memberId, instanceId, generation } = this
    return (await wire.ask(heartbeatApi, 4, { groupId, generationId: generation, memberId, groupInstanceId: instanceId })).errorCode
  }

  async leave(): Promise<void> {
    const { groupId, memberId } = this
    const body = { groupId, memberId: '', members: [{ memberId, groupInstanceId: null }] }
    await ask(this.#wire, { api: leaveGroupApi, version: 5, body, errors: ({ members }) => [members[0]?.errorCode] })
  }
}

/** A member of a consumer group (KIP-848). */
export class ConsumerMember {
  readonly #wire: Wire
  readonly groupId: string
  readonly #subscribed: { readonly subscribedTopicNames: string[] } | { readonly subscribedTopicRegex: string }
  readonly #instanceId: string | null
  readonly memberId = randomUuid()
  epoch = 0
  owned: { topicId: string; partitions: number[] }[] = []

  constructor(wire: Wire, groupId: string, options: { readonly pattern?: string; readonly instanceId?: string } = {}) {
    this.#wire = wire
    this.groupId = groupId
    const { pattern, instanceId } = options
    this.#subscribed = pattern === undefined ? { subscribedTopicNames: ['positions'] } : { subscribedTopicRegex: pattern }
    this.#instanceId = instanceId ?? null
  }

  /** Takes what the answer gives; true when that changed something. */
  async heartbeat(wire = this.#wire): Promise<boolean> {
    const { groupId, memberId, epoch } = this
    const body = {
      groupId,
      memberId,
      memberEpoch: epoch,
      instanceId: this.#instanceId,
      rebalanceTimeoutMs: 300_000,
      topicPartitions: this.owned,
      serverAssignor: 'range',
      ...this.#subscribed,
    }
    const answer = await ask(wire, { api: consumerGroupHeartbeatApi, version: 1, body, errors: ({ errorCode }) => [errorCode] })
    this.epoch = answer.memberEpoch
    if (answer.assignment === null) return epoch !== answer.memberEpoch
    const before = JSON.stringify(this.owned)
    this.owned = answer.assignment.topicPartitions
    return epoch !== answer.memberEpoch || before !== JSON.stringify(this.owned)
  }

  async leave(): Promise<void> {
    const { groupId, memberId } = this
    const body = { groupId, memberId, memberEpoch: -1 }
    await ask(this.#wire, { api: consumerGroupHeartbeatApi, version: 1, body, errors: ({ errorCode }) => [errorCode] })
  }
}

/** Heartbeats of all until nothing changes any more. */
async function settle(members: readonly (ClassicMember | ConsumerMember)[]): Promise<void> {
  for (let quiet = 0, left = 200; quiet < 5; left--) {
    let changed = false
    for (const member of members) {
      if (member instanceof ConsumerMember) changed = (await member.heartbeat()) || changed
      else if ((await member.heartbeat()) === ErrorCode.REBALANCE_IN_PROGRESS) {
        await member.join()
        changed = true
      }
    }
    const epochs = new Set(members.map(member => (member instanceof ConsumerMember ? member.epoch : member.generation)))
    const isSettled =
      !changed && epochs.size === 1 && members.every(member => !(member instanceof ConsumerMember) || member.owned.length > 0)
    quiet = isSettled ? quiet + 1 : 0
    if (left === 0) throw new Error('members do not settle')
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** A group whose offsets are gone, where expired ones are looked for soon, and a deleted one. */
export async function fillGoneGroups(wire: Wire): Promise<void> {
  await commit(wire, 'expired', [{ index: 0, offset: 1 }], { retentionMs: 1 })
  await commit(wire, 'half-expired', [{ index: 0, offset: 1 }], { retentionMs: 1 })
  await commit(wire, 'half-expired', [{ index: 1, offset: 2 }])
  await commit(wire, 'deleted', [{ index: 3, offset: 4 }])
  const deleted = { api: deleteGroupsApi, version: 2, body: { groupsNames: ['deleted'] } } as const
  await ask(wire, { ...deleted, errors: ({ results }) => results.map(({ errorCode }) => errorCode) })
  for (const groupId of ['expired', 'half-expired']) {
    await until(async () => {
      const answer = await wire.ask(offsetFetchApi, 7, {
        groupId,
        topics: [{ name: 'positions', partitionIndexes: [0] }],
        requireStable: false,
      })
      return answer.topics[0]?.partitions[0]?.committedOffset === -1
    }, `the expiry of offsets of ${groupId}`)
  }
}

/** Those with members, which go on living where their groups are loaded. */
export interface LivingMembers {
  readonly classic: readonly ClassicMember[]
  readonly consumer: readonly ConsumerMember[]
}

/** All others. */
export async function fillGroups(port: number): Promise<LivingMembers> {
  await using wire = await Wire.connect(port)
  await commit(wire, 'simple', [{ index: 0, offset: 10, metadata: 'old text' }])
  const texts = ['newer text', '', 'a "quoted" text, ünïcödé ☃']
  await commit(
    wire,
    'simple',
    texts.map((metadata, index) => ({ index, offset: 100 + index, metadata })),
  )
  await commit(wire, 'with-retention', [{ index: 0, offset: 7 }], { retentionMs: 3_600_000 })

  const left = new ClassicMember(wire, 'classic-empty')
  await left.join()
  await commit(wire, 'classic-empty', [{ index: 2, offset: 30 }], { member: { memberId: left.memberId, epoch: left.generation } })
  await left.leave()
  const gone = new ConsumerMember(wire, 'consumer-empty')
  await settle([gone])
  await commit(wire, 'consumer-empty', [{ index: 2, offset: 31 }], { member: { memberId: gone.memberId, epoch: gone.epoch } })
  await gone.leave()

  const one = new ClassicMember(wire, 'classic-one')
  await one.join()
  await commit(wire, 'classic-one', [{ index: 1, offset: 40 }], { member: { memberId: one.memberId, epoch: one.generation } })
  await new ClassicMember(wire, 'classic-static', 'instance-1').join()
  // The instance comes back as another member.
  const back = new ClassicMember(wire, 'classic-static', 'instance-1')
  await back.join()

  const named = new ConsumerMember(wire, 'consumer-two')
  const pattern = new ConsumerMember(wire, 'consumer-two', { pattern: 'posit.*', instanceId: 'instance-2' })
  await settle([named, pattern])
  await commit(wire, 'consumer-two', [{ index: 1, offset: 41, metadata: 'text' }], {
    member: { memberId: named.memberId, epoch: named.epoch },
  })

  const old = new ClassicMember(wire, 'mixed')
  await old.join()
  const modern = new ConsumerMember(wire, 'mixed')
  await settle([old, modern])
  return { classic: [one, back], consumer: [named, pattern, modern] }
}
