// Test support: seeded damage to bytes. FUZZ_SECONDS and FUZZ_SEED as in CONTRIBUTING.

/** How long a fuzzer runs, and from which seed on. */
export const fuzzSeconds = Number(process.env.FUZZ_SECONDS ?? 2)
export const fuzzSeed = Number(process.env.FUZZ_SEED ?? Date.now() % 0x7fff_ffff)

/** A number below the one given. */
export type Below = (below: number) => number

/** mulberry32. */
export const randomFrom = (seed: number): Below => {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below)
  }
}

const extremes = [0, 1, -1, 0x7f, 0x80, 0xffff, 0x7fff_ffff, -0x8000_0000, 0x0fff_ffff]

/** A copy with one to three damages, none of them before `from`. */
export const damaged = (bytes: Buffer, random: Below, from = 0): Buffer => {
  let result = Buffer.from(bytes)
  for (let times = 1 + random(3); times > 0; times--) {
    const at = from + random(Math.max(1, result.length - from))
    const kind = random(7)
    if (at >= result.length) continue
    if (kind === 0) result[at] = random(256)
    else if (kind === 1) result[at] = result[at]! ^ (1 << random(8))
    else if (kind === 2) result = result.subarray(0, at)
    else if (kind === 3 && at + 4 <= result.length) result.writeInt32BE(extremes[random(extremes.length)]!, at)
    else if (kind === 4 && at + 4 <= result.length) result.writeInt32LE(extremes[random(extremes.length)]!, at)
    else if (kind === 5) result = Buffer.concat([result.subarray(0, at), Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]), result.subarray(at)])
    else result = Buffer.concat([result.subarray(0, at), result.subarray(from + random(at - from + 1), at), result.subarray(at)])
  }
  return result
}

/**
 * Calls `once` until the time is over; how often that was. Every so often the event loop turns, as it does between requests: node:zlib lets
 * go of the memory of a failed call only then.
 */
export const fuzz = async (name: string, once: (random: Below, round: number) => void): Promise<number> => {
  const until = performance.now() + fuzzSeconds * 1000
  let rounds = 0
  for (; performance.now() < until; rounds++) {
    try {
      once(randomFrom(fuzzSeed + rounds), rounds)
    } catch (error) {
      throw new Error(`${name} failed in round ${rounds} of FUZZ_SEED=${fuzzSeed}; FUZZ_SEED=${fuzzSeed + rounds} begins with it`, {
        cause: error,
      })
    }
    if (rounds % 256 === 255) await new Promise(resolve => setImmediate(resolve))
  }
  console.info(`${name}: ${rounds} rounds from FUZZ_SEED=${fuzzSeed}`)
  return rounds
}
