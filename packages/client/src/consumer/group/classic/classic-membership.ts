// A member of a group of the classic protocol (Kafka's ConsumerCoordinator): round after round it gives up what it has to, joins, takes what it
// is given, and waits for the next reason to do so. Everything that its listener is told comes from this one loop, so it comes one at a time.
import { ErrorCode, leaveGroupApi } from '@ottla/protocol'
import type { Cluster } from '../../../cluster/cluster.ts'
import { protocolError } from '../../../errors/index.ts'
import { retrying } from '../../../retry.ts'
import type { Assigner } from '../../assignors/types.ts'
import { assignerCluster } from '../../assignors/assigner-cluster.ts'
import { without } from '../../assignors/topic-partitions.ts'
import type {
  AssignmentListener,
  CommittedOffset,
  JoinFacts,
  Membership,
  OffsetToCommit,
  Subscription,
  TopicPartition,
} from '../../parts.ts'
import { askCoordinator } from '../coordinator-calls.ts'
import { Lifecycle } from '../lifecycle.ts'
import { commitOffsets, committedOffsets } from '../offsets.ts'
import type { MembershipSettings } from '../options.ts'
import { OwnedPartitions } from '../owned-partitions.ts'
import { sameTopics } from '../subscription.ts'
import { WakeUp } from '../wake-up.ts'
import { assignersOf, type ChosenAssigners } from './chosen-assigners.ts'
import { type Generation, isMember, noGeneration } from './generation.ts'
import { GroupLeader } from './group-leader.ts'
import { Heartbeats } from './heartbeats.ts'
import { type JoinedRound, joinRound, type RoundMember } from './join-round.ts'
import { subscribedAssignment } from './subscribed-assignment.ts'

/** The longest wait for the coordinator to hear that a member leaves. */
const leaveTimeoutMs = 5_000

/** Codes after which the member has to enter anew; with the first the coordinator still knows its id. */
const resets: ReadonlyMap<number, (generation: Generation) => Generation> = new Map([
  [ErrorCode.ILLEGAL_GENERATION, ({ memberId }: Generation) => ({ ...noGeneration, memberId })],
  [ErrorCode.UNKNOWN_MEMBER_ID, () => noGeneration],
])

/** Membership of a classic group. */
export class ClassicMembership implements Membership {
  readonly #cluster: Cluster
  readonly #settings: MembershipSettings
  readonly #listener: AssignmentListener
  readonly #assigners: ChosenAssigners
  readonly #owned: OwnedPartitions
  readonly #leader: GroupLeader
  readonly #heartbeats: Heartbeats
  readonly #goOn = new WakeUp()
  readonly #lifecycle: Lifecycle
  readonly #wakeUp = new WakeUp()
  #subscription: Subscription
  #generation = noGeneration
  #facts: JoinFacts | null = null
  #reason = 'the member is new'
  /** What the last answer said that ends this generation's work. */
  #learned: Error | undefined
  #fatal: Error | undefined
  #stable = false
  #stuck = false
  /** Whether it was told already that a rebalance has begun. */
  #rebalancing = false
  #leaving: Promise<void> | undefined

  constructor(
    cluster: Cluster,
    settings: MembershipSettings,
    { listener, subscription }: { listener: AssignmentListener; subscription: Subscription },
  ) {
    this.#cluster = cluster
    this.#settings = settings
    this.#listener = listener
    this.#subscription = subscription
    const { groupId, partitionAssigners } = settings
    const made = partitionAssigners.map((make): Assigner => make({ cluster: assignerCluster(cluster), groupId, logger: cluster.logger }))
    this.#assigners = assignersOf(made)
    this.#owned = new OwnedPartitions(listener, cluster.logger)
    this.#leader = new GroupLeader({
      cluster,
      assigners: made,
      ownTopics: () => this.#subscription.topics,
      changed: topic => this.#rejoin(`topic ${topic} has changed`),
    })
    this.#heartbeats = new Heartbeats({
      cluster,
      groupId,
      settings,
      generation: () => this.#generation,
      learned: (error, code, sent) => this.#learn(error, code, sent),
    })
    this.#lifecycle = new Lifecycle(async () => {
      this.#pause()
      await this.#owned.lose()
    })
  }

  get facts(): JoinFacts | null {
    return this.#facts
  }

  get assignment(): readonly TopicPartition[] {
    return this.#owned.all
  }

  join(): Promise<void> {
    return this.#lifecycle.begin(
      () => this.#run(),
      error => this.#listener.failed(error),
    )
  }

  async subscribe(subscription: Subscription): Promise<void> {
    const same = sameTopics(this.#subscription, subscription)
    this.#subscription = subscription
    if (!same) this.#rejoin('the subscription has changed')
  }

  rebalance(): void {
    this.#rejoin('the application asked for it')
  }

  async heartbeat(): Promise<void> {
    if (this.#learned !== undefined) throw this.#learned
    await this.#heartbeats.send()
    if (this.#learned !== undefined) throw this.#learned
  }

  standAside(): void {
    if (this.#stuck || !this.#lifecycle.running) return
    this.#stuck = true
    this.#goOn.clear()
    this.#dropOut()
    this.#rejoin('the handlers go on')
  }

  goOn(): void {
    this.#goOn.call()
  }

  async commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    const sent = this.#generation
    const { groupInstanceId } = this.#settings
    const member = { generationId: sent.generationId, memberId: sent.memberId, groupInstanceId }
    await commitOffsets(this.#cluster, this.#settings.groupId, offsets, {
      member: () => member,
      signal: this.#waitSignal(),
      refused: (error, code) => this.#learn(error, code, sent),
    })
  }

  committed(partitions: readonly TopicPartition[]): Promise<CommittedOffset[]> {
    return committedOffsets(this.#cluster, this.#settings.groupId, partitions, { requireStable: true, signal: this.#waitSignal() })
  }

  groupMetadata(): ReturnType<Membership['groupMetadata']> {
    const { groupId, groupInstanceId } = this.#settings
    const { generationId, memberId } = this.#generation
    return { groupId, generationId, memberId, groupInstanceId }
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  /** Who leaves still commits what was done, so that only the retries bound that. */
  #waitSignal(): AbortSignal | undefined {
    return this.#leaving === undefined ? this.#lifecycle.signal : undefined
  }

  async #run(): Promise<void> {
    for (;;) {
      if (await this.#round()) this.#lifecycle.joined()
      if (this.#fatal === undefined) await this.#wakeUp.wait(this.#lifecycle.signal)
      if (this.#fatal !== undefined) throw this.#fatal
    }
  }

  /** Whether it came to an assignment. */
  async #round(): Promise<boolean> {
    // It may have come in again with a round that was under way.
    if (this.#stuck) this.#dropOut()
    await this.#giveUp()
    if (this.#fatal !== undefined) throw this.#fatal
    if (this.#stuck) await this.#goOn.wait(this.#lifecycle.signal)
    this.#stuck = false
    const { clock } = this.#cluster
    const startedAt = clock.monotonic()
    const round = await retrying(this.#cluster, () => joinRound(this.#roundMember(), this.#reason), this.#lifecycle.signal)
    const taken = await this.#take(round, clock.monotonic() - startedAt)
    return taken
  }

  /** What cannot be kept while others join: everything with the eager protocol, with the cooperative one what is not subscribed any more. */
  async #giveUp(): Promise<void> {
    const owned = this.#owned.all
    if (!isMember(this.#generation)) return this.#owned.lose()
    if (this.#assigners.protocol === 'eager') return this.#owned.revoke(owned)
    const topics = new Set(this.#subscription.topics)
    return this.#owned.revoke(owned.filter(({ topic }) => !topics.has(topic)))
  }

  async #take({ generation, leaderId, isLeader, assignment }: JoinedRound, durationMs: number): Promise<boolean> {
    const { groupId } = this.#settings
    if (!isLeader) this.#leader.stop()
    const assigned = subscribedAssignment(assignment, { cluster: this.#cluster, groupId, generation, topics: this.#subscription.topics })
    if (this.#isOver(generation)) return false
    this.#learned = undefined
    this.#rebalancing = false
    this.#stable = true
    const revoked = without(this.#owned.all, assigned)
    if (revoked.length > 0) {
      await this.#owned.revoke(revoked)
      this.#rejoin('partitions were given up for others')
    }
    if (this.#isOver(generation)) return false
    const { generationId, memberId, protocolName } = generation
    this.#assigners.byName(protocolName)?.onAssignment?.({ partitions: assigned, generationId })
    this.#facts = { groupId, memberId, leaderId, isLeader, generationId, groupProtocol: protocolName, duration: durationMs }
    await this.#owned.assign(without(assigned, this.#owned.all), this.#facts)
    return true
  }

  /** What was learned meanwhile may have ended a generation: then nothing of it can be taken. */
  #isOver(generation: Generation): boolean {
    return this.#generation !== generation || this.#fatal !== undefined || this.#lifecycle.signal.aborted
  }

  #roundMember(): RoundMember {
    const own = (): Generation => this.#generation
    const set = (generation: Generation): void => {
      this.#generation = generation
    }
    return {
      cluster: this.#cluster,
      groupId: this.#settings.groupId,
      settings: this.#settings,
      signal: this.#lifecycle.signal,
      get generation() {
        return own()
      },
      set generation(generation) {
        set(generation)
      },
      entering: async () => {
        this.#pause()
        if (!isMember(this.#generation)) await this.#owned.lose()
        this.#wakeUp.clear()
      },
      entered: () => this.#heartbeats.start(),
      protocols: () => this.#assigners.protocols(this.#subscribed()),
      assignmentsOf: joined => this.#leader.assign(joined),
    }
  }

  #subscribed(): Parameters<Assigner['protocol']>[0] {
    const { generationId } = this.#generation
    return { topics: [...this.#subscription.topics], ownedPartitions: this.#owned.all, generationId, rackId: this.#settings.rackId }
  }

  /** Until the next assignment is taken, there is nothing to keep alive. */
  #pause(): void {
    this.#stable = false
    this.#heartbeats.stop()
  }

  #rejoin(reason: string): void {
    if (!this.#lifecycle.running) return
    this.#reason = reason
    this.#wakeUp.call()
  }

  /** Acts upon the answer to a heartbeat or commit of this generation. */
  #learn(error: Error, code: number, sent: Generation): void {
    if (this.#generation !== sent || !this.#lifecycle.running) return
    const reset = resets.get(code)
    if (reset !== undefined) {
      this.#generation = reset(sent)
      this.#heartbeats.stop()
    } else if (code === ErrorCode.REBALANCE_IN_PROGRESS) {
      if (!this.#stable) return
    } else {
      this.#fatal = error
      this.#heartbeats.stop()
    }
    // Members that keep their partitions through a rebalance have no reason to stop working on them.
    if (code !== ErrorCode.REBALANCE_IN_PROGRESS || this.#assigners.protocol === 'eager') this.#learned = error
    const { groupId } = this.#settings
    if (!this.#rebalancing) this.#cluster.events.emit('consumer.rebalancing', { groupId, memberId: sent.memberId })
    this.#rebalancing = true
    this.#rejoin(error.message)
  }

  #dropOut(): void {
    if (!isMember(this.#generation)) return
    this.#heartbeats.stop()
    const { memberId } = this.#generation
    this.#generation = noGeneration
    this.#learned = protocolError(ErrorCode.UNKNOWN_MEMBER_ID)
    void this.#sendLeave(memberId, 'a handler takes longer than maxPollInterval')
  }

  async #leave(): Promise<void> {
    await this.#lifecycle.end()
    if (isMember(this.#generation)) await this.#owned.revoke(this.#owned.all)
    else await this.#owned.lose()
    this.#pause()
    this.#leader.stop()
    const { memberId } = this.#generation
    this.#generation = noGeneration
    await this.#sendLeave(memberId, 'the consumer is being closed')
  }

  /** Static members stay: their place is kept for when they come back. */
  async #sendLeave(memberId: string, reason: string): Promise<void> {
    const { groupId, groupInstanceId } = this.#settings
    if (memberId === '' || groupInstanceId !== null) return
    const member = { memberId, groupInstanceId: null, reason }
    try {
      await askCoordinator(
        { cluster: this.#cluster, groupId },
        {
          api: leaveGroupApi,
          body: version => (version < 3 ? { groupId, memberId, members: [] } : { groupId, memberId: '', members: [member] }),
        },
        { timeoutMs: Math.min(leaveTimeoutMs, this.#cluster.requestTimeoutMs) },
      )
    } catch (error) {
      this.#cluster.logger.debug('The coordinator could not be told that the consumer leaves', { groupId, memberId, error: String(error) })
    }
  }
}
