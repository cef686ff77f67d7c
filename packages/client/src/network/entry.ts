// One request on its way: who waits for it, until when, and what instrumentation events tell of it.
import type { AnyApi, Clock } from '@ottla/protocol'

/** A request of a pipeline. `settle` may be called more than once; only the first counts. */
export class Entry {
  readonly api: AnyApi
  readonly version: number
  /** The pieces of the request. Throws what codecs throw. */
  readonly encode: (correlationId: number) => Buffer[]
  /** False for a request that has no answer. */
  readonly isAnswered: boolean
  readonly createdMs: number
  readonly deadlineMs: number
  correlationId = -1
  /** Monotonic milliseconds; 0 while it waits. */
  sentMs = 0
  /** Nobody waits for it any more. */
  isOver = false
  readonly #read: EntryFacts['read']
  readonly #reject: (error: unknown) => void
  readonly #signal: AbortSignal | undefined
  readonly #aborted = (): void => this.reject(this.#signal?.reason)

  constructor(facts: EntryFacts) {
    this.api = facts.api
    this.version = facts.version
    this.encode = facts.encode
    this.isAnswered = facts.isAnswered
    this.createdMs = facts.createdMs
    this.deadlineMs = facts.createdMs + facts.timeoutMs
    this.#read = facts.read
    this.#reject = facts.reject
    this.#signal = facts.signal
    if (facts.signal?.aborted === true) this.#aborted()
    else facts.signal?.addEventListener('abort', this.#aborted, { once: true })
  }

  /** Resolves with what is in the frame and returns that. Throws what codecs throw. */
  resolve(frame: Buffer): object {
    const { body, resolve } = this.#read(frame)
    if (this.#end()) resolve()
    return body
  }

  reject(error: unknown): void {
    if (this.#end()) this.#reject(error)
  }

  #end(): boolean {
    if (this.isOver) return false
    this.isOver = true
    this.#signal?.removeEventListener('abort', this.#aborted)
    return true
  }
}

/** What an entry is made of. */
export interface EntryFacts {
  readonly api: AnyApi
  readonly version: number
  readonly encode: (correlationId: number) => Buffer[]
  readonly isAnswered: boolean
  /** Monotonic milliseconds. */
  readonly createdMs: number
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  readonly read: (frame: Buffer) => { readonly body: object; readonly resolve: () => void }
  readonly reject: (error: unknown) => void
}

/** When a request was made and sent, in wall-clock ms, as KafkaJS's errors and events tell it. */
export function timesOf(entry: Entry, clock: Clock): { createdAt: number; sentAt: number; pendingDuration: number } {
  const offset = clock.now() - clock.monotonic()
  const sentMs = entry.sentMs === 0 ? entry.createdMs : entry.sentMs
  return {
    createdAt: Math.round(offset + entry.createdMs),
    sentAt: Math.round(offset + sentMs),
    pendingDuration: Math.round(sentMs - entry.createdMs),
  }
}

/** Which request it is, for messages. */
export const nameOf = (entry: Entry): string => `${entry.api.name}(key: ${entry.api.key}, version: ${entry.version})`
