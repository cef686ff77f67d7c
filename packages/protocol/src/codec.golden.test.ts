// Every message in every version as Kafka's own classes wrote it: read to the same values, written to the same bytes.
import { describe, expect, it } from 'vitest'
import type { Int64Mode } from './codec-plan.ts'
import { unknownTags } from './codec-plan.ts'
import type { Vector } from './golden-vectors.ts'
import { fromJson, goldenVectors, namedMessages } from './golden-vectors.ts'
import { Reader } from './wire/reader.ts'
import { Writer } from './wire/writer.ts'

const messages = namedMessages()
const byMessage = new Map<string, Vector[]>()
for (const vector of goldenVectors()) {
  const list = byMessage.get(vector.message)
  if (list === undefined) byMessage.set(vector.message, [vector])
  else list.push(vector)
}

function roundTrip(vector: Vector, mode: Int64Mode): { read: unknown; expected: unknown; hex: string; written: string } {
  const { shape, exact, plain } = messages.get(vector.message) ?? expect.fail(`no schema for ${vector.message}`)
  const codec = (mode === 'bigint' ? exact : plain)(vector.version)
  const reader = new Reader(Buffer.from(vector.hex, 'hex'))
  const read = codec.read(reader)
  expect(reader.left).toBe(0)
  const expected: Record<string | symbol, unknown> = fromJson(shape, vector.json, { version: vector.version, mode })
  if (vector.unknownTags !== undefined) {
    expected[unknownTags] = vector.unknownTags.map(({ tag, hex }) => ({ tag, bytes: Buffer.from(hex, 'hex') }))
  }
  const writer = new Writer()
  codec.write(writer, expected)
  return { read, expected, hex: vector.hex, written: writer.bytes().toString('hex') }
}

/** Whether a vector has an int64 that a number cannot hold. */
const isBeyondNumbers = (vector: Vector): boolean => /"-?\d{16,}"/.test(JSON.stringify(vector.json))

describe('messages written by Kafka', () => {
  for (const [name, vectors] of byMessage) {
    if (name === 'RequestHeader' || name === 'ResponseHeader') continue
    it(`${name}: exactly`, () => {
      for (const vector of vectors) {
        const { read, expected, hex, written } = roundTrip(vector, 'bigint')
        const label = `version ${vector.version}, ${vector.kind}`
        expect(read, label).toEqual(expected)
        expect(written, label).toBe(hex)
      }
    })
    it(`${name}: with numbers`, () => {
      for (const vector of vectors) {
        if (isBeyondNumbers(vector)) continue
        const { read, expected, hex, written } = roundTrip(vector, 'number')
        const label = `version ${vector.version}, ${vector.kind}`
        expect(read, label).toEqual(expected)
        expect(written, label).toBe(hex)
      }
    })
  }
})
