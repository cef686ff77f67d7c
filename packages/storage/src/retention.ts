// Which segments retention gives up. Pure rules (UnifiedLog.deletableSegments and the conditions it is called with), and a guard that
// keeps a wall clock gone wrong from deleting everything.

import type { Clock } from '@ottla/protocol'
import type { LogConfig } from './config.ts'

/** A segment as retention sees it. */
export interface RetainedSegment {
  /** The offset after its last: the base offset of the next segment, or the log's end. */
  readonly endOffset: number
  readonly size: number
  /** Greatest timestamp of its records, or the time of its last change where they have none. */
  readonly largestTimestamp: () => number
}

export interface RetentionFacts {
  /** Ascending; the last one takes appends. */
  readonly segments: readonly RetainedSegment[]
  readonly config: LogConfig
  readonly logStartOffset: number
  /** Nothing that reaches beyond is deleted. */
  readonly highWatermark: number
  /** Wall-clock milliseconds; undefined when time is not to be trusted. */
  readonly now: number | undefined
}

/** How many segments from the start on are to be deleted. */
export const deletableSegments = (facts: RetentionFacts): number => {
  const { config, highWatermark, logStartOffset, now, segments } = facts
  let sizeLeft = segments.reduce((sum, segment) => sum + segment.size, 0)
  const last = segments.length - 1
  const isExpired = (segment: RetainedSegment): boolean => {
    if (!config.cleanupPolicy.delete) return false
    if (config.retentionBytes >= 0 && sizeLeft - segment.size >= config.retentionBytes) return true
    return config.retentionMs >= 0 && now !== undefined && now - segment.largestTimestamp() > config.retentionMs
  }
  let count = 0
  for (const segment of segments) {
    if (segment.endOffset > highWatermark) break
    if (count === last && segment.size === 0) break
    const isBelowStart = count < last && segment.endOffset <= logStartOffset
    if (!isBelowStart && !isExpired(segment)) break
    sizeLeft -= segment.size
    count++
  }
  return count
}

/** Wall and monotonic clock may drift apart by this much between two looks. */
const TOLERANCE_MS = 5 * 60 * 1000
/** After a jump nothing is deleted by time for so long: somebody may notice. */
const HOLD_MS = 24 * 60 * 60 * 1000

/** Notices jumps of the wall clock by comparing it with the monotonic one. */
export class ClockGuard {
  readonly #clock: Clock
  #difference: number
  #heldUntil = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
    this.#difference = clock.now() - clock.monotonic()
  }

  /**
   * The wall-clock time, or undefined for a day after it jumped by more than five minutes: then nothing is to be deleted by time. A clock
   * that jumps back to where it belongs is trusted again at once.
   */
  trustedNow(): number | undefined {
    const now = this.#clock.now()
    const monotonic = this.#clock.monotonic()
    const moved = Math.abs(now - monotonic - this.#difference)
    if (moved <= TOLERANCE_MS) {
      this.#difference = now - monotonic
      this.#heldUntil = Number.NEGATIVE_INFINITY
      return now
    }
    if (this.#heldUntil === Number.NEGATIVE_INFINITY) this.#heldUntil = monotonic + HOLD_MS
    if (monotonic < this.#heldUntil) return undefined
    this.#difference = now - monotonic
    this.#heldUntil = Number.NEGATIVE_INFINITY
    return now
  }
}
