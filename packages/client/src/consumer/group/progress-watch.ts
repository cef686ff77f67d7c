// Whether handlers make progress (Kafka's max.poll.interval.ms): a member that lives but does nothing keeps its partitions from others.
import type { Timer } from '@ottla/protocol'
import type { Cluster } from '../../cluster/cluster.ts'
import type { MembershipSettings } from './options.ts'
import { WakeUp } from './wake-up.ts'

/** Watches from `start` to `stop`; does nothing with an interval of 0. */
export class ProgressWatch {
  readonly #cluster: Cluster
  readonly #groupId: string
  readonly #intervalMs: number
  readonly #stuck: () => void
  readonly #progress = new WakeUp()
  #timer: Timer | undefined
  #lastAt = 0

  /** `stuck` is called when no sign came for the interval, which is logged; the watch begins anew with the next sign. */
  constructor(cluster: Cluster, { groupId, maxPollIntervalMs }: MembershipSettings, stuck: () => void) {
    this.#cluster = cluster
    this.#groupId = groupId
    this.#intervalMs = maxPollIntervalMs
    this.#stuck = stuck
  }

  start(): void {
    this.#lastAt = this.#cluster.clock.monotonic()
    if (this.#intervalMs > 0 && this.#timer === undefined) this.#schedule(this.#intervalMs)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** A sign. */
  progressed(): void {
    this.#lastAt = this.#cluster.clock.monotonic()
    this.#progress.call()
  }

  /** Waits for the next sign; rejects with the signal's reason. */
  next(signal: AbortSignal): Promise<void> {
    return this.#progress.wait(signal)
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#cluster.clock.after(delayMs, () => {
      const leftMs = this.#lastAt + this.#intervalMs - this.#cluster.clock.monotonic()
      if (leftMs > 0) return this.#schedule(leftMs)
      this.#timer = undefined
      this.#progress.clear()
      const facts = { groupId: this.#groupId, maxPollIntervalMs: this.#intervalMs }
      const text = 'The handlers made no progress for longer than maxPollInterval; the consumer leaves its group until they do'
      this.#cluster.logger.warn(text, facts)
      this.#stuck()
    })
  }
}
