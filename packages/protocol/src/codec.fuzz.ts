// Broken bytes for every API in every version: a message or a ProtocolError, nothing else, with memory bounded by the input.
// What can be read can be written, and reads again as the same. FUZZ_SECONDS and FUZZ_SEED as in CONTRIBUTING.
import { describe, expect, it } from 'vitest'
import type { ExactCodec, ExactMessage } from './codec.ts'
import { ProtocolError } from './errors.ts'
import { readRequestHeader } from './frame.ts'
import { goldenVectors, namedMessages } from './golden-vectors.ts'
import { Reader } from './wire/reader.ts'
import { Writer } from './wire/writer.ts'

const seconds = Number(process.env.FUZZ_SECONDS ?? 2)
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 0x7fff_ffff)

/** mulberry32: small, seeded, good enough to choose bytes. */
function randomNumbers(start: number): (below: number) => number {
  let state = start
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below)
  }
}

const messages = namedMessages()
const vectors = goldenVectors().filter(({ message }) => messages.has(message))
const lengths = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1_000_001]

function mutate(bytes: Buffer, random: (below: number) => number): Buffer {
  let result = Buffer.from(bytes)
  for (let times = 1 + random(3); times > 0; times--) {
    const at = random(result.length + 1)
    switch (random(6)) {
      case 0:
        if (at < result.length) result[at] = random(256)
        break
      case 1:
        if (at < result.length) result[at] = (result[at] ?? 0) ^ (1 << random(8))
        break
      case 2:
        result = result.subarray(0, at)
        break
      case 3:
        if (at + 4 <= result.length) result.writeUInt32BE(lengths[random(lengths.length)] ?? 0, at)
        break
      case 4:
        result = Buffer.concat([result.subarray(0, at), Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]), result.subarray(at)])
        break
      default:
        result = Buffer.concat([result.subarray(0, at), result.subarray(random(at + 1), at), result.subarray(at)])
    }
  }
  return result
}

/** Objects, array elements and bytes that a message holds. */
function weightOf(value: unknown): number {
  if (Buffer.isBuffer(value)) return 1 + value.length
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + weightOf(item), 1)
  if (typeof value === 'string') return 1 + value.length
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((sum, item) => sum + weightOf(item), 1)
}

function readOrRefuse(codec: ExactCodec, bytes: Buffer): ExactMessage | undefined {
  try {
    return codec.read(new Reader(bytes))
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

function bytesOf(codec: ExactCodec, value: ExactMessage): Buffer {
  const writer = new Writer()
  codec.write(writer, value)
  return writer.bytes()
}

describe(`codecs with broken bytes, FUZZ_SEED=${seed}`, () => {
  it('read a message or refuse, and write again what they read', () => {
    const random = randomNumbers(seed)
    const until = Date.now() + seconds * 1000
    let read = 0
    let refused = 0
    while (Date.now() < until) {
      const vector = vectors[random(vectors.length)]
      const named = vector === undefined ? undefined : messages.get(vector.message)
      if (vector === undefined || named === undefined) continue
      const original = Buffer.from(vector.hex, 'hex')
      const bytes = random(10) === 0 ? Buffer.from(Array.from({ length: random(200) }, () => random(256))) : mutate(original, random)
      const label = `${vector.message} version ${vector.version}: ${bytes.toString('hex')}`
      const codec = named.exact(vector.version)
      const message = readOrRefuse(codec, bytes)
      if (message === undefined) {
        refused++
        continue
      }
      read++
      // A byte gives at most one element; the widest struct and its defaults have under a hundred fields.
      expect(weightOf(message), label).toBeLessThan(200 * (bytes.length + 2))
      const written = bytesOf(codec, message)
      expect(codec.read(new Reader(written)), label).toEqual(message)
      const plain = named.plain(vector.version)
      bytesOf(plain, plain.read(new Reader(written)))
    }
    expect(read).toBeGreaterThan(0)
    expect(refused).toBeGreaterThan(0)
  })

  it('read or refuse request headers', () => {
    const random = randomNumbers(seed)
    for (let round = 0; round < 20_000; round++) {
      const bytes = Buffer.from(Array.from({ length: random(30) }, () => random(256)))
      if (random(2) === 0 && bytes.length > 2) bytes.writeUInt16BE(random(95), 0)
      try {
        expect(readRequestHeader(bytes).bodyAt).toBeLessThanOrEqual(bytes.length)
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError)
      }
    }
  })
})
