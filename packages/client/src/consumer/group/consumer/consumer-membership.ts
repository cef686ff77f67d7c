// A member of a group of KIP-848 (Kafka's ConsumerMembershipManager). The coordinator says what the member should have; the member gives up what is not part of that, says so,
// takes what is new, and says so again. Heartbeats go on meanwhile. What the listener is told comes from one loop, so it comes one at a time.
import { type ConsumerGroupHeartbeatResponse, ErrorCode, randomUuid } from '@ottla/protocol'
import type { Cluster } from '../../../cluster/cluster.ts'
import { KafkaJSNumberOfRetriesExceeded, protocolError } from '../../../errors/index.ts'
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
import { Lifecycle } from '../lifecycle.ts'
import { commitOffsets, committedOffsets, type OffsetsMember } from '../offsets.ts'
import type { MembershipSettings } from '../options.ts'
import { OwnedPartitions } from '../owned-partitions.ts'
import { sameTopics } from '../subscription.ts'
import { WakeUp } from '../wake-up.ts'
import { ConsumerHeartbeats } from './consumer-heartbeats.ts'
import { sendLeave } from './leave-heartbeat.ts'
import { type IdPartitions, JOIN_EPOCH, MemberFields } from './member-fields.ts'
import { byTopicId, resolveTarget } from './target.ts'

/** How long to wait before names of topics are asked for again. */
const unresolvedPauseMs = 500

/** Brokers of Kafka 3.7 to 3.9 answer so unless they are told otherwise, and later ones where it was taken from the list. */
const switchedOff =
  "The brokers take no members with groupProtocol 'consumer': they need Kafka 4.0 or newer, with 'consumer' in group.coordinator.rebalance.protocols"

/** Membership of a group of the consumer protocol. */
export class ConsumerMembership implements Membership {
  readonly #cluster: Cluster
  readonly #settings: MembershipSettings
  readonly #listener: AssignmentListener
  readonly #owned: OwnedPartitions
  readonly #fields: MemberFields
  readonly #heartbeats: ConsumerHeartbeats
  readonly #goOn = new WakeUp()
  readonly #lifecycle: Lifecycle
  readonly #wakeUp = new WakeUp()
  readonly #memberId: string
  /** Topic names by id, of all partitions that were ever given. */
  readonly #names = new Map<string, string>()
  #subscription: Subscription
  #epoch = JOIN_EPOCH
  /** How often it entered the group. */
  #entries = 0
  #target: readonly IdPartitions[] | undefined
  #facts: JoinFacts | null = null
  #joiningSince = 0
  #joinFailures = 0
  #learned: Error | undefined
  #fatal: Error | undefined
  #fenced = false
  #stuck = false
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
    this.#memberId = randomUuid(cluster.random)
    this.#owned = new OwnedPartitions(listener, cluster.logger)
    this.#fields = new MemberFields(settings)
    this.#heartbeats = new ConsumerHeartbeats({
      cluster,
      groupId: settings.groupId,
      body: version => this.#fields.request(version, this.#now()),
      answered: answer => this.#answered(answer),
      failed: error => this.#unanswered(error),
    })
    this.#lifecycle = new Lifecycle(async () => {
      this.#heartbeats.stop()
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
    if (!same) this.#heartbeats.now()
  }

  /** The coordinator decides when there is something to change; it hears of this member now. */
  rebalance(): void {
    this.#fields.reset()
    this.#heartbeats.now()
  }

  async heartbeat(): Promise<void> {
    if (this.#learned !== undefined) throw this.#learned
  }

  standAside(): void {
    if (this.#stuck || !this.#lifecycle.running) return
    this.#stuck = true
    this.#goOn.clear()
    this.#fence(protocolError(ErrorCode.UNKNOWN_MEMBER_ID))
    void sendLeave(this.#cluster, this.#settings, this.#memberId)
  }

  goOn(): void {
    this.#goOn.call()
  }

  async commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    const { groupId } = this.#settings
    const signal = this.#waitSignal()
    const entries = this.#entries
    // Epochs may grow meanwhile. Who entered anew may not own these partitions any more, though its id is the same.
    const member = (): OffsetsMember => {
      if (this.#entries !== entries) throw protocolError(ErrorCode.UNKNOWN_MEMBER_ID)
      return this.#offsetsMember()
    }
    await commitOffsets(this.#cluster, groupId, offsets, { member, signal })
  }

  committed(partitions: readonly TopicPartition[]): Promise<CommittedOffset[]> {
    const options = { member: () => this.#offsetsMember(), requireStable: true, signal: this.#waitSignal() }
    return committedOffsets(this.#cluster, this.#settings.groupId, partitions, options)
  }

  groupMetadata(): ReturnType<Membership['groupMetadata']> {
    return { groupId: this.#settings.groupId, ...this.#offsetsMember() }
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  #offsetsMember(): OffsetsMember {
    return { memberId: this.#memberId, generationId: this.#epoch, groupInstanceId: this.#settings.groupInstanceId }
  }

  #waitSignal(): AbortSignal | undefined {
    return this.#leaving === undefined ? this.#lifecycle.signal : undefined
  }

  #now(): Parameters<MemberFields['request']>[1] {
    const owned = byTopicId(this.#owned.all, this.#names)
    return { memberId: this.#memberId, memberEpoch: this.#epoch, subscription: this.#subscription, owned }
  }

  async #run(): Promise<void> {
    const { signal } = this.#lifecycle
    await this.#learnTopics()
    this.#enter()
    for (;;) {
      await this.#wakeUp.wait(signal)
      if (this.#fatal !== undefined) throw this.#fatal
      if (this.#fenced) await this.#reenter(signal)
      else await this.#reconcile()
    }
  }

  /** Has the topics looked for, and created where the client may; those that are not there are the coordinator's to wait for. */
  async #learnTopics(): Promise<void> {
    const asked = await Promise.allSettled(this.#subscription.topics.map(topic => this.#cluster.topics([topic])))
    for (const outcome of asked) {
      if (outcome.status === 'rejected') this.#cluster.logger.debug('A subscribed topic has no metadata', { error: String(outcome.reason) })
    }
  }

  #enter(): void {
    this.#entries++
    this.#epoch = JOIN_EPOCH
    this.#joinFailures = 0
    this.#target = undefined
    this.#joiningSince = this.#cluster.clock.monotonic()
    this.#fields.reset()
    this.#heartbeats.start()
  }

  /** The coordinator knows this member no more: others may have its partitions already. It begins anew with the same id. */
  async #reenter(signal: AbortSignal): Promise<void> {
    await this.#owned.lose()
    if (this.#stuck) await this.#goOn.wait(signal)
    this.#stuck = false
    this.#fenced = false
    this.#facts = null
    this.#enter()
  }

  /** Makes what is owned what the coordinator wants. Meanwhile another target may come; that is for the next time. */
  async #reconcile(): Promise<void> {
    const target = this.#target
    if (target === undefined) return
    const { partitions, unresolved } = await this.#resolve(target)
    const revoked = without(this.#owned.all, partitions)
    if (revoked.length > 0) {
      await this.#owned.revoke(revoked)
      // Others wait for these.
      this.#heartbeats.now()
    }
    if (this.#fenced || this.#fatal !== undefined || this.#lifecycle.signal.aborted) return
    const added = without(partitions, this.#owned.all)
    if (added.length > 0 || this.#facts === null) {
      const facts = this.#factsNow()
      this.#facts = facts
      await this.#owned.assign(added, facts)
      this.#learned = undefined
      this.#lifecycle.joined()
    }
    this.#heartbeats.now()
    if (unresolved.length > 0) this.#cluster.clock.after(unresolvedPauseMs, () => this.#wakeUp.call())
  }

  async #resolve(target: readonly IdPartitions[]): ReturnType<typeof resolveTarget> {
    try {
      return await resolveTarget(this.#cluster, target, this.#names)
    } catch (error) {
      this.#cluster.logger.debug('Topics of an assignment could not be looked up', { error: String(error) })
      const partitions = this.#owned.all
      return { partitions, unresolved: target.map(({ topicId }) => topicId) }
    }
  }

  #factsNow(): JoinFacts {
    const { groupId, groupRemoteAssignor } = this.#settings
    const duration = this.#cluster.clock.monotonic() - this.#joiningSince
    const groupProtocol = groupRemoteAssignor ?? 'consumer'
    return { groupId, memberId: this.#memberId, leaderId: '', isLeader: false, generationId: this.#epoch, groupProtocol, duration }
  }

  #answered(answer: ConsumerGroupHeartbeatResponse): void {
    const { errorCode, errorMessage, memberEpoch, assignment } = answer
    const { groupId } = this.#settings
    if (errorCode === ErrorCode.NONE) {
      this.#epoch = memberEpoch
      const beat = { groupId, memberId: this.#memberId, groupGenerationId: memberEpoch }
      this.#cluster.events.emit('consumer.heartbeat', beat)
      if (assignment === null) return
      this.#target = assignment.topicPartitions
      this.#wakeUp.call()
      return
    }
    this.#fields.reset()
    const error = protocolError(errorCode, errorMessage ?? (errorCode === ErrorCode.UNSUPPORTED_VERSION ? switchedOff : undefined))
    // The member may still get what it is allowed to read.
    if (errorCode === ErrorCode.TOPIC_AUTHORIZATION_FAILED) return this.#cluster.logger.error(error.message, { groupId })
    const fenced = errorCode === ErrorCode.FENCED_MEMBER_EPOCH || errorCode === ErrorCode.UNKNOWN_MEMBER_ID
    if (fenced) this.#fence(error)
    else this.#fail(error)
  }

  #unanswered(error: Error): void {
    this.#fields.reset()
    this.#cluster.logger.debug('Heartbeat failed', { groupId: this.#settings.groupId, error: String(error) })
    if ('retriable' in error && error.retriable === false) return this.#fail(error)
    if (this.#epoch !== JOIN_EPOCH) return
    const { retries, initialRetryTime } = this.#cluster.retry
    const retryCount = this.#joinFailures++
    if (retryCount >= retries) this.#fail(new KafkaJSNumberOfRetriesExceeded(error, { retryCount, retryTime: initialRetryTime }))
  }

  #fail(error: Error): void {
    this.#fatal = error
    this.#learned = error
    this.#heartbeats.stop()
    this.#wakeUp.call()
  }

  #fence(error: Error): void {
    const { groupId } = this.#settings
    this.#fenced = true
    this.#learned = error
    this.#heartbeats.stop()
    this.#cluster.events.emit('consumer.rebalancing', { groupId, memberId: this.#memberId })
    this.#wakeUp.call()
  }

  async #leave(): Promise<void> {
    await this.#lifecycle.end()
    const joined = this.#epoch !== JOIN_EPOCH && !this.#fenced
    if (joined) await this.#owned.revoke(this.#owned.all)
    else await this.#owned.lose()
    this.#heartbeats.stop()
    if (this.#entries === 0) return
    if (this.#fatal === undefined) await sendLeave(this.#cluster, this.#settings, this.#memberId)
  }
}
