// Broken bytes for every API in every version: a message or a ProtocolError, nothing else, with memory bounded by the input.
// What can be read can be written, and reads again as the same.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ExactCodec, ExactMessage } from './codec.ts'
import { ProtocolError } from './errors.ts'
import { readRequestHeader } from './frame.ts'
import { anySeed, type Below, damaged, randomFrom } from './fuzz-testing.ts'
import { goldenVectors, namedMessages } from './golden-vectors.ts'
import { Reader } from './wire/reader.ts'
import { Writer } from './wire/writer.ts'

const messages = namedMessages()
const vectors = goldenVectors().filter(({ message }) => messages.has(message))

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

const noise = (length: number, random: Below): Buffer => Buffer.from(Array.from({ length: random(length) }, () => random(256)))

const readHeader = (seed: number): void => {
  const random = randomFrom(seed)
  const bytes = noise(30, random)
  if (random(2) === 0 && bytes.length > 2) bytes.writeUInt16BE(random(95), 0)
  try {
    expect(readRequestHeader(bytes).bodyAt).toBeLessThanOrEqual(bytes.length)
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError)
  }
}

describe('codecs with broken bytes', () => {
  it('read a message or refuse, and write again what they read', () => {
    let read = 0
    let refused = 0
    const round = (seed: number): void => {
      const random = randomFrom(seed)
      const vector = vectors[random(vectors.length)]!
      const named = messages.get(vector.message)!
      const bytes = random(10) === 0 ? noise(200, random) : damaged(Buffer.from(vector.hex, 'hex'), random)
      const label = `${vector.message} version ${vector.version}: ${bytes.toString('hex')}`
      const codec = named.exact(vector.version)
      const message = readOrRefuse(codec, bytes)
      if (message === undefined) {
        refused++
        return
      }
      read++
      // A byte gives at most one element; the widest struct and its defaults have under a hundred fields.
      expect(weightOf(message), label).toBeLessThan(200 * (bytes.length + 2))
      const written = bytesOf(codec, message)
      expect(codec.read(new Reader(written)), label).toEqual(message)
      const plain = named.plain(vector.version)
      bytesOf(plain, plain.read(new Reader(written)))
    }
    fc.assert(fc.property(anySeed, round))
    expect(read).toBeGreaterThan(0)
    expect(refused).toBeGreaterThan(0)
  })

  it('read or refuse request headers', () => {
    fc.assert(fc.property(anySeed, readHeader))
  })
})
