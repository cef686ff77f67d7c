// One run of a consumer, from joining the group to leaving it: takes what the fetcher brings, hands it to handlers, as many at a time
// as wanted, and has offsets committed. A failing handler is tried again from the offset it failed at, each time later, while other
// partitions go on; after the last try the run crashes: it stops and tells its consumer why.
import { setMaxListeners } from 'node:events'
import type { Cluster } from '../../cluster/cluster.ts'
import { KafkaJSTimeout } from '../../errors/index.ts'
import type { Logger } from '../../logger.ts'
import { delay } from '../../retry.ts'
import { messagesOf } from '../fetch/message.ts'
import type { AssignmentListener, FetchedRecords, Fetcher, JoinFacts, Membership, OffsetToCommit, TopicPartition } from '../parts.ts'
import type { Offsets } from '../types.ts'
import { Assignment } from './assignment.ts'
import { Committer } from './committer.ts'
import { handleBatch } from './each-batch.ts'
import { handleMessages } from './each-message.ts'
import { asError, isRebalancing } from './failures.ts'
import { HangWatch } from './hang-watch.ts'
import { Lanes } from './lanes.ts'
import { Ownership, type OwnedPartition } from './owned.ts'
import type { Pauses } from './pauses.ts'
import { PollWatch } from './poll-watch.ts'
import type { Positions } from './positions.ts'
import { Recovery } from './recovery.ts'
import type { RunSettings } from './settings.ts'
import { TakenBatch } from './taken-batch.ts'
import { offsetsFrom, topicOffsets } from './topic-offsets.ts'
import { Wake } from './wake.ts'
import type { Outcome, Work, WorkWorld } from './work.ts'

/** What a run is made of. */
export interface EngineOptions {
  readonly cluster: Cluster
  readonly logger: Logger
  readonly groupId: string
  readonly settings: RunSettings
  readonly fetcher: Fetcher
  /** Makes the membership, which tells this run of its partitions. */
  readonly membership: (listener: AssignmentListener) => Membership
  readonly positions: (membership: Membership) => Positions
  readonly pauses: Pauses
  /** Told once, when the run cannot go on; it has to be stopped then. */
  readonly crashed: (error: Error) => void
}

/** How long `stop` waits for the last commit. */
const lastCommitTimeoutMs = 5_000

/** A run. */
export class Engine implements AssignmentListener, WorkWorld {
  readonly clock
  readonly events
  readonly logger: Logger
  readonly groupId: string
  readonly membership: Membership
  readonly assignment: Assignment
  readonly polls: PollWatch | null
  readonly committer: Committer
  readonly #options: EngineOptions
  readonly #settings: RunSettings
  readonly #fetcher: Fetcher
  readonly #recovery: Recovery
  readonly #hangWatch: HangWatch
  readonly #lanes: Lanes | null
  readonly #ending = new AbortController()
  readonly #wake = new Wake()
  /** Where the partitions were when the run ended. */
  ended: (TopicPartition & { readonly offset: number })[] = []
  #isRunning = true
  #crashed = false
  #active = 0
  #loop: Promise<void> = Promise.resolve()

  constructor(options: EngineOptions) {
    this.#options = options
    // As many waits end with it as there are failed handlers.
    setMaxListeners(0, this.#ending.signal)
    this.#settings = options.settings
    this.#fetcher = options.fetcher
    this.clock = options.cluster.clock
    this.events = options.cluster.events
    this.logger = options.logger
    this.groupId = options.groupId
    this.membership = options.membership(this)
    const { autoCommit, autoCommitIntervalMs: intervalMs, autoCommitThreshold: threshold, revokeTimeoutMs } = this.#settings
    const owned = new Ownership()
    const commit = (offsets: readonly OffsetToCommit[]) => this.#sendCommit(offsets)
    const failed = (error: unknown) => this.#commitFailed(error)
    this.committer = new Committer({ clock: this.clock, commit, owned, failed, autoCommit, intervalMs, threshold })
    this.#recovery = new Recovery({
      cluster: options.cluster,
      logger: this.logger,
      groupId: this.groupId,
      call: this.#settings.handling.each === 'batch' ? 'eachBatch' : 'eachMessage',
      ending: this.#ending.signal,
      commit: () => this.#commitResolved(),
      crash: error => this.crash(error),
    })
    this.#hangWatch = new HangWatch({ clock: this.clock, logger: this.logger, owned, intervalMs: options.settings.hangWarningMs })
    this.polls = this.#makePollWatch()
    this.#lanes = this.#makeLanes()
    this.assignment = new Assignment(owned, {
      clock: this.clock,
      logger: this.logger,
      fetcher: this.#fetcher,
      committer: this.committer,
      positions: options.positions(this.membership),
      pauses: options.pauses,
      lanes: this.#lanes,
      autoCommit,
      revokeTimeoutMs,
      failed: error => this.crash(asError(error)),
    })
  }

  #makePollWatch(): PollWatch | null {
    const { maxPollIntervalMs: intervalMs } = this.#settings
    if (intervalMs === null) return null
    const { clock, groupId } = this
    return new PollWatch({
      clock,
      intervalMs,
      exceeded: place => {
        const text =
          'A handler takes longer than maxPollInterval; the consumer leaves its group until that is done, and others get its partitions'
        this.logger.error(text, { groupId, ...place, maxPollInterval: intervalMs })
        this.events.emit('consumer.poll_timeout', { groupId, ...place, maxPollInterval: intervalMs })
        this.membership.standAside()
      },
      over: () => {
        this.logger.info('The handler is done; the consumer joins its group again', { groupId })
        this.membership.goOn()
      },
    })
  }

  #makeLanes(): Lanes | null {
    const { handling } = this.#settings
    if (handling.each !== 'message' || handling.order === 'partition') return null
    const { handler, concurrency, order } = handling
    return new Lanes(
      {
        handler,
        concurrency,
        byKey: order === 'key',
        failed: (owned, about) => this.#recovery.failedInLane(owned, about),
        hasRoom: () => this.#wake.wake(),
        finished: () => this.committer.soon(),
      },
      this,
    )
  }

  /** Joins the group and begins to read. A failure is told to `crashed`. */
  async start(): Promise<void> {
    try {
      await this.membership.join()
    } catch (error) {
      this.crash(asError(error))
      return
    }
    // Without a handler nothing is taken, so that nothing is passed over: the consumer is a member, no more.
    if (!this.#isRunning || this.#settings.handling.each === 'nothing') return
    this.#hangWatch.start()
    this.#loop = this.#run()
  }

  isRunning(): boolean {
    return this.#isRunning
  }

  /** Ends the run because of an error. */
  crash(error: Error): void {
    if (!this.#isRunning || this.#crashed) return
    this.#crashed = true
    this.#end()
    this.#options.crashed(error)
  }

  #end(): void {
    this.#isRunning = false
    this.#hangWatch.stop()
    this.polls?.stop()
    this.#ending.abort(new Error('The consumer was stopped'))
    this.#wake.wake()
  }

  /** Waits for handlers as long as `stopTimeout` says, commits, leaves the group. Does not reject. */
  async stop(): Promise<void> {
    this.#end()
    const { stopTimeoutMs, autoCommit } = this.#settings
    if (!(await this.assignment.idle(this.assignment.owned, stopTimeoutMs))) {
      this.logger.warn(
        'Handlers did not finish in time; the consumer stops without them, and what they have in hand is handled again. ' +
          'A handler that waits for stop or disconnect of its own consumer waits for itself.',
        { groupId: this.groupId, stopTimeoutMs },
      )
      this.assignment.giveUpWaiting()
    }
    await this.#loop
    if (autoCommit) await this.#quietly(this.#lastCommit(), 'Could not commit at the end')
    this.committer.close()
    this.ended = [...this.assignment.owned].map(({ topic, partition, resolved: offset }) => ({ topic, partition, offset }))
    await this.#quietly(this.membership.leave(), 'Could not leave the group')
    for (const owned of this.assignment.owned) owned.close(new Error('The consumer was stopped'))
    await this.#quietly(this.#fetcher.close(), 'Could not end the fetches')
  }

  async #lastCommit(): Promise<void> {
    const ended = new AbortController()
    const timeUp = delay(this.clock, lastCommitTimeoutMs, ended.signal).then(
      () => Promise.reject(new KafkaJSTimeout(`The last commit was not answered within ${lastCommitTimeoutMs} ms`)),
      () => {},
    )
    await Promise.race([this.committer.flush(), timeUp]).finally(() => ended.abort(new Error('Committed')))
  }

  async #quietly(work: Promise<void>, what: string): Promise<void> {
    await work.catch((error: unknown) => this.logger.warn(what, { groupId: this.groupId, error: asError(error).message }))
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    while (this.#isRunning) {
      if (this.#active >= this.#settings.partitions || this.#lanes?.isFull === true) {
        await this.#wake.wait()
        continue
      }
      try {
        const taken = this.#fetcher.take()
        if (taken === undefined) {
          await this.#fetcher.ready(this.#ending.signal)
          continue
        }
        this.#recovery.fetched(taken)
        void this.#work(taken)
      } catch (error) {
        await this.#recovery.fetchFailed(asError(error))
      }
    }
  }

  /** Has one fetch's records handled. Never rejects. */
  async #work(taken: FetchedRecords): Promise<void> {
    const owned = this.assignment.owned.get(taken.topic, taken.partition)
    if (owned === undefined || owned.closing) return this.#fetcher.done(taken)
    const { version } = owned
    this.#active++
    owned.enter()
    const { topic, partition } = owned
    const hold = this.polls?.begin(() => ({ topic, partition, offset: String(owned.resolved) })) ?? null
    let failure: { error: Error } | null = null
    try {
      const work = { taken, messages: messagesOf(taken), owned, version, hold }
      // Of the last of these records, also while the first are committed: a leader that knows this epoch has all that came before it.
      owned.leaderEpoch = taken.leaderEpoch
      const outcome = await this.#handle(work)
      if (outcome === 'left' && this.#isRunning && owned.isCurrent(version)) this.#fetcher.seek(owned, owned.resolved)
    } catch (error) {
      failure = { error: asError(error) }
    }
    this.#active--
    owned.leave()
    if (hold !== null) this.polls?.end(hold)
    this.#wake.wake()
    if (failure === null) this.committer.soon()
    else if (await this.#recovery.handlerFailed(owned, version, failure.error)) this.#fetcher.seek(owned, owned.resolved)
    this.#fetcher.done(taken)
  }

  async #handle(work: Work): Promise<Outcome> {
    const { handling } = this.#settings
    const observed = this.events.has('consumer.start_batch_process') || this.events.has('consumer.end_batch_process')
    const ended = observed ? this.#observe(work) : () => {}
    let outcome: Outcome = 'done'
    if (this.#lanes !== null) {
      this.#lanes.feed(work, ended)
      return outcome
    }
    if (work.messages.length === 0 || handling.each === 'nothing') work.owned.resolve(work.taken.nextOffset)
    else if (handling.each === 'message') outcome = await handleMessages(handling.handler, work, this)
    else outcome = await handleBatch(handling, work, this)
    ended()
    return outcome
  }

  /** Tells that a batch begins to be handled; what it returns tells that it has been. */
  #observe(work: Work): () => void {
    const facts = new TakenBatch(work.taken, work.messages).facts()
    const start = this.clock.monotonic()
    this.events.emit('consumer.start_batch_process', facts)
    return () => this.events.emit('consumer.end_batch_process', { ...facts, duration: this.clock.monotonic() - start })
  }

  async #commitResolved(): Promise<void> {
    if (this.#settings.autoCommit) await this.committer.flush().catch((failed: unknown) => this.#commitFailed(failed))
  }

  #commitFailed(error: unknown): void {
    if (!this.#isRunning) return
    if (isRebalancing(error)) {
      this.logger.debug('Could not commit in this generation; the group goes on in the next', { error: asError(error).message })
      return
    }
    this.crash(asError(error))
  }

  async #sendCommit(offsets: readonly OffsetToCommit[]): Promise<void> {
    await this.membership.commit(offsets)
    if (!this.events.has('consumer.commit_offsets')) return
    const { groupId, memberId, generationId } = this.membership.groupMetadata()
    this.events.emit('consumer.commit_offsets', { groupId, memberId, groupGenerationId: generationId, topics: topicOffsets(offsets) })
  }

  async assigned(partitions: readonly TopicPartition[], facts: JoinFacts): Promise<void> {
    if (!this.#isRunning) return
    await this.assignment.add(partitions)
    const { groupId, memberId, leaderId, isLeader, groupProtocol, duration } = facts
    const memberAssignment = this.assignment.owned.byTopic()
    const payload = { groupId, memberId, leaderId, isLeader, memberAssignment, groupProtocol, duration }
    this.events.emit('consumer.group_join', payload)
    // Also what could not be committed while the group was between two rounds.
    this.committer.soon()
    this.logger.info('Consumer has joined the group', payload)
  }

  revoked(partitions: readonly TopicPartition[]): Promise<void> {
    return this.assignment.revoke(partitions)
  }

  lost(partitions: readonly TopicPartition[]): Promise<void> {
    return this.assignment.lose(partitions)
  }

  failed(error: Error): void {
    this.crash(error)
  }

  async heartbeat(): Promise<void> {
    try {
      await this.membership.heartbeat()
    } catch (error) {
      if (isRebalancing(error) && this.#settings.autoCommit) await this.#quietly(this.committer.flush(), 'Could not commit')
      throw error
    }
  }

  pause(owned: OwnedPartition): () => void {
    const selection = [{ topic: owned.topic, partitions: [owned.partition] }]
    this.assignment.pause(selection)
    return () => this.assignment.resume(selection)
  }

  commit(): Promise<void> {
    return this.committer.flush()
  }

  commitIfDue(): Promise<void> | undefined {
    return this.#settings.autoCommit && this.committer.due ? this.committer.flush() : undefined
  }

  async commitIfNecessary(offsets?: Offsets): Promise<void> {
    if (offsets !== undefined) return this.commitOffsets(offsetsFrom(offsets))
    if (this.committer.due) await this.committer.flush()
  }

  /** Commits exactly these. */
  commitOffsets(offsets: readonly OffsetToCommit[]): Promise<void> {
    return this.committer.commit(offsets, ({ topic, partition }) => this.assignment.owned.get(topic, partition))
  }

  uncommitted(): Offsets {
    const open = [...this.assignment.owned].filter(owned => owned.resolved !== owned.committed)
    return { topics: topicOffsets(open.map(({ topic, partition, resolved: offset }) => ({ topic, partition, offset }))) }
  }
}
