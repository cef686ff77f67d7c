// Many messages at once (`concurrency` with order `key` or `none`). Messages wait in one queue; up to `concurrency` handlers run. With
// order `key` the messages of a key of a partition share a lane, of which one is handled at a time; what follows waits in the lane.
// Of each partition that much is resolved as is finished without a gap, and what is finished beyond is told with the commit, so that
// after a rebalance or a crash what was not finished is handed out again, and nothing else. A message whose handler fails keeps its lane while it waits to be tried again; the others go on.
import type { KafkaMessage } from '../fetch/message.ts'
import { messageContext } from './each-message.ts'
import { Fifo } from '../../fifo.ts'
import type { GapEntry } from './gaps.ts'
import { Gaps } from './gaps.ts'
import type { MessageHandler } from './handler.ts'
import type { OwnedPartition } from './owned.ts'
import type { Work, WorkWorld } from './work.ts'

/** What lanes need beside the run. */
export interface LanesSettings {
  readonly handler: MessageHandler
  readonly concurrency: number
  readonly byKey: boolean
  /**
   * A handler failed for the `count`-th time in a row at this message: resolves when it is to be tried again, rejects when it is not
   * (the run has been told).
   */
  readonly failed: (owned: OwnedPartition, about: { error: unknown; count: number; offset: string }) => Promise<void>
  /** Told when more can be taken again. */
  readonly hasRoom: () => void
  /** Told after a message was finished. */
  readonly finished: (owned: OwnedPartition) => void
}

interface Job {
  readonly work: Work
  readonly message: KafkaMessage
  readonly entry: GapEntry
  readonly state: PartitionState
  readonly lane: Lane | null
  readonly batch: FedBatch
  failures: number
}

/** How many jobs of what was fed together are not over yet. */
interface FedBatch {
  left: number
  readonly ended: () => void
}

/** The jobs of one key that wait for the one that runs. */
interface Lane {
  readonly key: string
  readonly waiting: Fifo<Job>
}

interface PartitionState {
  readonly lanes: Map<string, Lane>
  gaps: Gaps
  version: number
  /** Jobs that wait until the partition is resumed. */
  parked: Job[]
}

/** The most messages that wait or run, on top of one fetch; more are taken only when some have finished. */
const outstandingPerHandler = 16
const leastOutstanding = 1_000

/** The handlers of one run. */
export class Lanes {
  readonly #settings: LanesSettings
  readonly #world: WorkWorld
  readonly #ready = new Fifo<Job>()
  readonly #states = new WeakMap<OwnedPartition, PartitionState>()
  readonly #mostOutstanding: number
  #running = 0
  #outstanding = 0

  constructor(settings: LanesSettings, world: WorkWorld) {
    this.#settings = settings
    this.#world = world
    this.#mostOutstanding = Math.max(leastOutstanding, settings.concurrency * outstandingPerHandler)
  }

  /** Whether enough messages wait: no more should be taken until `hasRoom` is told. */
  get isFull(): boolean {
    return this.#outstanding >= this.#mostOutstanding
  }

  /** Takes messages in; they are handled when their turn comes. `ended` is told when all of them have been, or are no longer wanted. */
  feed(work: Work, ended: () => void): void {
    const state = this.#state(work)
    const { messages, taken, owned } = work
    if (messages.length === 0) {
      this.#finish(owned, state, state.gaps.add(taken.nextOffset))
      return ended()
    }
    const batch = { left: messages.length, ended }
    const last = messages.length - 1
    this.#outstanding += messages.length
    for (const [at, message] of messages.entries()) {
      const offset = Number(message.offset)
      const entry = state.gaps.add(at === last ? taken.nextOffset : offset + 1, offset)
      if (owned.finishedBefore.has(offset)) {
        this.#finish(owned, state, entry)
        this.#outstanding--
        batch.left--
        continue
      }
      const key = this.#settings.byKey && message.key !== null ? message.key.toString('latin1') : null
      const lane = key === null ? null : state.lanes.get(key)
      if (lane !== null && lane !== undefined) {
        lane.waiting.push({ work, message, entry, state, lane, batch, failures: 0 })
        continue
      }
      const opened = key === null ? null : { key, waiting: new Fifo<Job>() }
      if (opened !== null) state.lanes.set(opened.key, opened)
      this.#ready.push({ work, message, entry, state, lane: opened, batch, failures: 0 })
    }
    if (batch.left === 0) ended()
    this.#pump()
  }

  /** Goes on with what waited while the partition was paused. */
  resumed(owned: OwnedPartition): void {
    const state = this.#states.get(owned)
    if (state === undefined || state.parked.length === 0) return
    const { parked } = state
    state.parked = []
    for (const job of parked) this.#ready.push(job)
    this.#pump()
  }

  /** Drops what waits because this partition was paused; for a partition that is moved or given up. */
  unpark(owned: OwnedPartition): void {
    const state = this.#states.get(owned)
    if (state === undefined) return
    const { parked } = state
    state.parked = []
    for (const job of parked) this.#release(job)
    this.#pump()
  }

  #state(work: Work): PartitionState {
    const known = this.#states.get(work.owned)
    if (known?.version === work.version) return known
    if (known !== undefined) {
      known.gaps = new Gaps()
      known.version = work.version
      work.owned.gaps = known.gaps
      return known
    }
    const state = { lanes: new Map<string, Lane>(), gaps: new Gaps(), version: work.version, parked: [] }
    this.#states.set(work.owned, state)
    work.owned.gaps = state.gaps
    return state
  }

  #isWanted(job: Job): boolean {
    return this.#world.isRunning() && job.work.owned.isCurrent(job.work.version)
  }

  #pump(): void {
    while (this.#running < this.#settings.concurrency) {
      const job = this.#ready.shift()
      if (job === undefined) return
      if (!this.#isWanted(job)) this.#release(job)
      else if (job.work.owned.paused) job.state.parked.push(job)
      else void this.#run(job)
    }
  }

  /** Never rejects. */
  async #run(job: Job): Promise<void> {
    const { work } = job
    const { owned } = work
    this.#running++
    owned.enter()
    const { polls } = this.#world
    const hold = polls?.begin(() => ({ topic: owned.topic, partition: owned.partition, offset: job.message.offset })) ?? null
    let failure: { error: unknown } | null = null
    try {
      await this.#settings.handler(messageContext(work, job.message, { world: this.#world, attempt: job.failures, hold }))
      if (owned.version === work.version) {
        this.#finish(owned, job.state, job.entry)
      }
    } catch (error) {
      failure = { error }
    }
    this.#running--
    if (hold !== null) polls?.end(hold)
    owned.leave()
    if (failure === null || !this.#isWanted(job)) {
      this.#release(job)
      if (failure === null) this.#settings.finished(owned)
    } else void this.#again(job, failure.error)
    this.#pump()
  }

  /** Waits, then puts it back in the queue. Never rejects. */
  async #again(job: Job, error: unknown): Promise<void> {
    job.failures++
    try {
      await this.#settings.failed(job.work.owned, { error, count: job.failures, offset: job.message.offset })
      this.#ready.push(job)
    } catch {
      this.#release(job)
    }
    this.#pump()
  }

  #finish(owned: OwnedPartition, state: PartitionState, entry: GapEntry): void {
    const next = state.gaps.finish(entry)
    if (next !== -1) owned.resolve(next)
  }

  /** A job is over, or not wanted: the next of its lane may run. */
  #release(job: Job): void {
    this.#outstanding--
    const { lane, batch } = job
    if (--batch.left === 0) batch.ended()
    if (lane !== null) {
      const next = lane.waiting.shift()
      if (next !== undefined) this.#ready.push(next)
      else if (job.state.lanes.get(lane.key) === lane) job.state.lanes.delete(lane.key)
    }
    if (this.#outstanding === this.#mostOutstanding - 1) this.#settings.hasRoom()
  }
}
