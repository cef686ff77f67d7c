// Trying again, as KafkaJS does: delays grow by `multiplier` with a random part of `factor`, bounded by `maxRetryTime`.
import type { Clock, Random } from '@ottla/protocol'
import { KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded } from './errors/index.ts'
import { asError } from './network/as-error.ts'

/** How often and at what distance something is tried again (KafkaJS's RetryOptions). */
export interface RetryOptions {
  /** Longest delay in ms, 30,000. */
  readonly maxRetryTime?: number
  /** First delay in ms, 300. */
  readonly initialRetryTime?: number
  /** Random part of a delay, 0.2: up to so much more or less. */
  readonly factor?: number
  /** How much longer each delay is than the one before, 2. */
  readonly multiplier?: number
  /** Tries after the first, 5. */
  readonly retries?: number
  /** Whether a consumer that failed with a retriable error begins anew. */
  readonly restartOnFailure?: (error: Error) => Promise<boolean>
}

/** RetryOptions with every number there. */
export type RetrySettings = Required<Omit<RetryOptions, 'restartOnFailure'>> & Pick<RetryOptions, 'restartOnFailure'>

/** KafkaJS's defaults. */
export const retryDefaults: RetrySettings = { maxRetryTime: 30_000, initialRetryTime: 300, factor: 0.2, multiplier: 2, retries: 5 }

/** Options with every default filled in. */
export function retrySettings(options: RetryOptions = {}): RetrySettings {
  const { maxRetryTime, initialRetryTime, factor, multiplier, retries, restartOnFailure } = options
  return {
    maxRetryTime: maxRetryTime ?? retryDefaults.maxRetryTime,
    initialRetryTime: initialRetryTime ?? retryDefaults.initialRetryTime,
    factor: factor ?? retryDefaults.factor,
    multiplier: multiplier ?? retryDefaults.multiplier,
    retries: retries ?? retryDefaults.retries,
    ...(restartOnFailure === undefined ? {} : { restartOnFailure }),
  }
}

/** What `retrying` needs; a `Cluster` is one. */
export interface RetryWorld {
  readonly clock: Clock
  readonly random: Random
  readonly retry: RetrySettings
}

/** What a try is told. */
export interface Try {
  /** 0 for the first. */
  readonly retryCount: number
  /** The delay before the next try, in ms. */
  readonly retryTime: number
}

/**
 * Runs `attempt` until it succeeds. An error with `retriable: true` is tried again, any other ends it as it is. After `retries` more tries, KafkaJSNumberOfRetriesExceeded is thrown with it as its `cause`. `signal` ends a delay with its reason.
 */
export async function retrying<T>(world: RetryWorld, attempt: (about: Try) => Promise<T>, signal?: AbortSignal): Promise<T> {
  const settings = world.retry
  let retryTime = varied(settings.initialRetryTime, settings.factor, world.random)
  for (let retryCount = 0; ; retryCount++) {
    signal?.throwIfAborted()
    try {
      return await attempt({ retryCount, retryTime })
    } catch (error) {
      if (error instanceof KafkaJSNumberOfRetriesExceeded || error instanceof KafkaJSNonRetriableError || !isRetriable(error)) throw error
      if (retryCount >= settings.retries) {
        throw new KafkaJSNumberOfRetriesExceeded(asError(error), { retryCount, retryTime })
      }
    }
    await delay(world.clock, retryTime, signal)
    retryTime = Math.min(varied(retryTime, settings.factor, world.random) * settings.multiplier, settings.maxRetryTime)
  }
}

/** Waits; rejects with the signal's reason when that ends it. Keeps the process alive meanwhile where the clock's timers do. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(asError(signal.reason))
    const aborted = (): void => {
      timer.cancel()
      reject(asError(signal?.reason))
    }
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', aborted)
      resolve()
    })
    signal?.addEventListener('abort', aborted, { once: true })
  })
}

/** Of errors that do not say whether they may be tried again, none is: they are mistakes of programs. */
export const isRetriable = (error: unknown): boolean => error instanceof Error && 'retriable' in error && error.retriable === true

const varied = (value: number, factor: number, random: Random): number => Math.ceil(value * (1 - factor + random.next() * 2 * factor))
