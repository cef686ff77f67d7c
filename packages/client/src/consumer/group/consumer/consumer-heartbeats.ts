// Heartbeats of KIP-848 as a stream of requests, one at a time: at the distance that the broker says, at once when there is something to tell, and a
// little later after a failure.
import {
  type ConsumerGroupHeartbeatRequestInit,
  type ConsumerGroupHeartbeatResponse,
  consumerGroupHeartbeatApi,
  ErrorCode,
  errorOf,
  type Timer,
} from '@ottla/protocol'
import { askCoordinator, coordinatorError, type GroupCaller } from '../coordinator-calls.ts'

/** Distance until the broker has said one. */
const firstIntervalMs = 5_000

/** What the stream needs. */
export interface ConsumerHeartbeatWorld extends GroupCaller {
  body(version: number): ConsumerGroupHeartbeatRequestInit
  /** Told of each answer that is about the member; it may stop the stream. */
  answered(answer: ConsumerGroupHeartbeatResponse): void
  /** Told when there was none, or one that says to try again. */
  failed(error: Error): void
}

/** Runs from `start` to `stop`. */
export class ConsumerHeartbeats {
  readonly #world: ConsumerHeartbeatWorld
  #timer: Timer | undefined
  #running: AbortController | undefined
  #sending = false
  #again = false
  #intervalMs = firstIntervalMs
  #failures = 0

  constructor(world: ConsumerHeartbeatWorld) {
    this.#world = world
  }

  /** Sends the first one at once. */
  start(): void {
    if (this.#running !== undefined) return
    this.#running = new AbortController()
    this.#failures = 0
    this.#again = false
    void this.#send(this.#running)
  }

  /** Ends; an answer that is still to come is not told. */
  stop(): void {
    this.#timer?.cancel()
    this.#running?.abort(new Error('The member no longer sends heartbeats'))
    this.#running = undefined
    this.#sending = false
  }

  /** There is something to tell: sends one now, or right after the one that is under way. */
  now(): void {
    if (this.#running === undefined) return
    if (this.#sending) this.#again = true
    else if (this.#failures === 0) void this.#send(this.#running)
  }

  async #send(running: AbortController): Promise<void> {
    this.#timer?.cancel()
    this.#sending = true
    const outcome = await this.#ask(running.signal)
    if (running !== this.#running) return
    this.#sending = false
    if (outcome instanceof Error) {
      this.#failures++
      this.#world.failed(outcome)
    } else {
      this.#failures = 0
      this.#intervalMs = outcome.heartbeatIntervalMs > 0 ? outcome.heartbeatIntervalMs : this.#intervalMs
      this.#world.answered(outcome)
    }
    if (running !== this.#running || this.#sending) return
    const again = this.#again && this.#failures === 0
    this.#again = false
    this.#schedule(running, again ? 0 : this.#distance())
  }

  #schedule(running: AbortController, delayMs: number): void {
    if (delayMs === 0) void this.#send(running)
    else this.#timer = this.#world.cluster.clock.after(delayMs, () => void this.#send(running))
  }

  /** After failures as `retry` says, but never rarer than without. */
  #distance(): number {
    if (this.#failures === 0) return this.#intervalMs
    const { initialRetryTime, multiplier } = this.#world.cluster.retry
    return Math.min(this.#intervalMs, initialRetryTime * multiplier ** Math.min(this.#failures - 1, 20))
  }

  async #ask(signal: AbortSignal): Promise<ConsumerGroupHeartbeatResponse | Error> {
    try {
      const body = (version: number): ConsumerGroupHeartbeatRequestInit => this.#world.body(version)
      const answer = await askCoordinator(this.#world, { api: consumerGroupHeartbeatApi, body }, { signal })
      const { errorCode } = answer.body
      // The others are about the member, even those that a new request might not meet.
      const passes = errorCode !== ErrorCode.NONE && errorOf(errorCode).retriable
      return passes ? coordinatorError(this.#world, errorCode) : answer.body
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }
}
