import { describe, expect, it } from 'vitest'
import { ManualClock } from '@ottla/protocol'
import { KafkaJSConnectionError, KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded } from './errors/index.ts'
import type { RetryWorld } from './retry.ts'
import { delay, retrying, retrySettings } from './retry.ts'

/** A world in which every delay passes at once and is noted. */
function world(options: Parameters<typeof retrySettings>[0] = {}, random = 0.5): RetryWorld & { readonly delays: number[] } {
  const delays: number[] = []
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    after(delayMs: number, run: () => void) {
      delays.push(delayMs)
      queueMicrotask(run)
      return { cancel: () => undefined }
    },
  }
  return { clock, delays, random: { next: () => random, bytes: size => Buffer.alloc(size) }, retry: retrySettings(options) }
}

const failing = () => Promise.reject(new KafkaJSConnectionError('Connection error: no luck'))

describe('retrying', () => {
  it('tries again with growing delays, and ends with an error that says what the last one was', async () => {
    const there = world({ retries: 4, initialRetryTime: 100, maxRetryTime: 500 })
    const tries: number[] = []
    const work = retrying(there, ({ retryCount }) => {
      tries.push(retryCount)
      return failing()
    })
    await expect(work).rejects.toBeInstanceOf(KafkaJSNumberOfRetriesExceeded)
    await expect(work).rejects.toMatchObject({ retriable: false, retryCount: 4, cause: { name: 'KafkaJSConnectionError' } })
    await expect(work).rejects.toThrow('no luck')
    expect(tries).toEqual([0, 1, 2, 3, 4])
    expect(there.delays).toEqual([100, 200, 400, 500])
  })

  it('varies delays by chance, within the factor', async () => {
    for (const [random, first] of [
      [0, 80],
      [0.999, 120],
    ] as const) {
      const there = world({ retries: 1, initialRetryTime: 100, factor: 0.2 }, random)
      await expect(retrying(there, failing)).rejects.toThrow()
      expect(there.delays).toEqual([first])
    }
  })

  it('does not try again what would fail again, nor what does not say', async () => {
    for (const error of [
      new KafkaJSNonRetriableError('no'),
      new TypeError('a mistake'),
      new KafkaJSNumberOfRetriesExceeded(new Error('tried'), { retryCount: 1, retryTime: 1 }),
    ]) {
      const there = world()
      await expect(retrying(there, () => Promise.reject(error))).rejects.toBe(error)
      expect(there.delays).toEqual([])
    }
  })

  it('resolves with what a later try gives', async () => {
    expect(await retrying(world(), ({ retryCount }) => (retryCount < 2 ? failing() : Promise.resolve('there')))).toBe('there')
  })

  it('ends with the reason of a signal, before a try and within a delay', async () => {
    const reason = new Error('enough')
    await expect(retrying(world(), failing, AbortSignal.abort(reason))).rejects.toBe(reason)
    const clock = new ManualClock()
    const controller = new AbortController()
    const waiting = delay(clock, 1000, controller.signal)
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    expect(clock.pending).toBe(0)
  })
})
