// Randomness that can be repeated, for simulations and tests.
import type { Random } from './world.ts'

/** A source that gives whole numbers as well. */
export interface SeededRandom extends Random {
  /** A whole number from 0 on, below the limit. */
  below(limit: number): number
}

/** The same seed gives the same numbers (the generator is mulberry32, of 32 bits of state). */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return { next, below, bytes: size => Buffer.from(Array.from({ length: size }, () => below(256))) }
}
