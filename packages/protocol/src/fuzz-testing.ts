// Test support: numbers by chance, and damage to bytes.
import * as fc from 'fast-check'
import { seededRandom } from './seeded-random.ts'

/** A number below the one given. */
export type Below = (below: number) => number

/** Good enough to choose bytes, and much quicker than an arbitrary for each number. */
export const randomFrom = (seed: number): Below => {
  const random = seededRandom(seed)
  return below => random.below(below)
}

/** What `randomFrom` takes. A smaller seed is no simpler case, so nothing is shrunk. */
export const anySeed = fc.noShrink(fc.noBias(fc.nat()))

const extremes = [0, 1, -1, 0x7f, 0x80, 0xffff, 1_000_001, 0x7fff_ffff, -0x8000_0000, 0x0fff_ffff]

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
