import type { Random } from '@ottla/protocol'

/** Randomness for tests that can be repeated: the same seed gives the same numbers (the generator is mulberry32, of 32 bits of state). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { next, bytes: size => Buffer.from(Array.from({ length: size }, () => Math.floor(next() * 256))) }
}
