// Heartbeats of a classic member, sent by a timer of their own: whatever handlers do, the coordinator hears of a member that lives.
import { ErrorCode, errorOf, heartbeatApi, type HeartbeatRequestInit, type HeartbeatResponse, type Timer } from '@ottla/protocol'
import { KafkaJSNonRetriableError, protocolError } from '../../../errors/index.ts'
import { askCoordinator, coordinatorError, type GroupCaller } from '../coordinator-calls.ts'
import type { MembershipSettings } from '../options.ts'
import type { Generation } from './generation.ts'

/** What heartbeats need. */
export interface HeartbeatWorld extends GroupCaller {
  readonly settings: MembershipSettings
  generation(): Generation
  /** Told of answers that a member has to act upon. */
  learned(error: Error, code: number, sent: Generation): void
}

/** Kept going from `start` to `stop`. */
export class Heartbeats {
  readonly #world: HeartbeatWorld
  #timer: Timer | undefined
  #sending: Promise<void> | undefined
  #ending = new AbortController()
  #lastSent = 0
  #lastHeard = 0
  #running = false

  constructor(world: HeartbeatWorld) {
    this.#world = world
  }

  /** Begins, or goes on as if one had just been answered. */
  start(): void {
    const now = this.#world.cluster.clock.monotonic()
    this.#lastSent = now
    this.#lastHeard = now
    if (this.#running) return
    this.#running = true
    this.#ending = new AbortController()
    this.#schedule(this.#world.settings.heartbeatIntervalMs)
  }

  /** Ends; one that is under way is given up. */
  stop(): void {
    if (!this.#running) return
    this.#running = false
    this.#timer?.cancel()
    this.#sending = undefined
    this.#ending.abort(new Error('The member no longer sends heartbeats'))
  }

  /** Sends one if it is due, and resolves when it was answered or given up. Rejects with what the answer says, or with what kept it from coming. */
  async send(): Promise<void> {
    if (!this.#running) return
    if (this.#sending !== undefined) return this.#sending
    if (this.#world.cluster.clock.monotonic() - this.#lastSent < this.#world.settings.heartbeatIntervalMs) return
    return this.#sendNow()
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#world.cluster.clock.after(delayMs, () => void this.#tick())
  }

  async #tick(): Promise<void> {
    if (!this.#running) return
    const { settings, cluster } = this.#world
    const due = this.#lastSent + settings.heartbeatIntervalMs - cluster.clock.monotonic()
    if (due > 0) return this.#schedule(due)
    let next = settings.heartbeatIntervalMs
    try {
      await (this.#sending ?? this.#sendNow())
    } catch (error) {
      if (!this.#running) return
      cluster.logger.debug('Heartbeat failed', { groupId: settings.groupId, error: String(error) })
      next = Math.min(next, cluster.retry.initialRetryTime)
      const silentMs = cluster.clock.monotonic() - this.#lastHeard
      if (silentMs >= settings.sessionTimeoutMs) cluster.forgetCoordinator({ group: settings.groupId })
    }
    if (this.#running) this.#schedule(next)
  }

  #sendNow(): Promise<void> {
    const sending = this.#request().finally(() => {
      if (this.#sending === sending) this.#sending = undefined
    })
    this.#sending = sending
    return sending
  }

  async #request(): Promise<void> {
    const { settings, cluster } = this.#world
    const sent = this.#world.generation()
    this.#lastSent = cluster.clock.monotonic()
    const { signal } = this.#ending
    const body = await this.#ask(sent, signal)
    if (body === undefined || signal.aborted) return
    if (body.errorCode === ErrorCode.NONE) {
      this.#lastHeard = cluster.clock.monotonic()
      const { memberId, generationId } = sent
      cluster.events.emit('consumer.heartbeat', { groupId: settings.groupId, memberId, groupGenerationId: generationId })
      return
    }
    // Such answers say nothing about the member.
    if (errorOf(body.errorCode).retriable) throw coordinatorError(this.#world, body.errorCode)
    this.#lastHeard = cluster.clock.monotonic()
    const error = protocolError(body.errorCode)
    this.#world.learned(error, body.errorCode, sent)
    if (body.errorCode !== ErrorCode.REBALANCE_IN_PROGRESS || this.#world.generation() === sent) throw error
  }

  /** Undefined where it was given up. */
  async #ask(sent: Generation, signal: AbortSignal): Promise<HeartbeatResponse | undefined> {
    const { settings, cluster } = this.#world
    const { generationId, memberId } = sent
    const { groupId, groupInstanceId } = settings
    const body = (version: number): HeartbeatRequestInit => ({
      groupId,
      generationId,
      memberId,
      groupInstanceId: version >= 3 ? groupInstanceId : null,
    })
    const timeoutMs = Math.min(cluster.requestTimeoutMs, settings.sessionTimeoutMs)
    try {
      return (await askCoordinator(this.#world, { api: heartbeatApi, body }, { timeoutMs, signal })).body
    } catch (error) {
      if (signal.aborted) return undefined
      // Such as credentials that are not accepted any more: it would be the same each time.
      if (error instanceof KafkaJSNonRetriableError) this.#world.learned(error, ErrorCode.UNKNOWN_SERVER_ERROR, sent)
      throw error
    }
  }
}
