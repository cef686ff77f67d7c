// Damaged compressed bodies: a value no larger than allowed, or a KafkaError of a code that says what is wrong; and the memory of the process
// stays bounded over thousands of them, however the native and WebAssembly code takes them.

import { setImmediate } from 'node:timers/promises'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ErrorCode, KafkaError } from '../../errors.ts'
import { anySeed, type Below, damaged, randomFrom } from '../../fuzz-testing.ts'
import { compress, decompress } from './index.ts'
import { callWasm } from './wasm.ts'

const MAX_OUTPUT = 300_000
/** Instances of WebAssembly that were thrown away are collected later, so the bound is not tight; a leak goes past it in seconds. */
const MAX_GROWTH_BYTES = 400 * 1024 * 1024

/** The event loop turns every so often, as it does between requests: node:zlib lets go of the memory of a failed call only then. */
const fuzz = async (once: (random: Below) => void): Promise<void> => {
  let rounds = 0
  const round = async (seed: number): Promise<void> => {
    once(randomFrom(seed))
    if (++rounds % 256 === 0) await setImmediate()
  }
  await fc.assert(fc.asyncProperty(anySeed, round))
}

const plain = [
  Buffer.from('short'),
  Buffer.alloc(100_000, 'again and again '),
  Buffer.concat(Array.from({ length: 700 }, (_, index) => Buffer.from(`{"id":${index * 7919},"name":"n${(index * 31) % 97}"}`))),
  Buffer.alloc(250_000),
]

describe.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('%s', codec => {
  const bodies = plain.map(bytes => compress(codec, bytes))

  it('takes damaged bodies', async () => {
    const before = process.memoryUsage().rss
    const outcomes = { read: 0, malformed: 0, tooLarge: 0 }
    await fuzz(random => {
      const body = damaged(bodies[random(bodies.length)]!, random)
      try {
        const output = decompress(codec, body, { maxOutputLength: MAX_OUTPUT })
        expect(output.length).toBeLessThanOrEqual(MAX_OUTPUT)
        outcomes.read++
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        if (error.code === ErrorCode.MESSAGE_TOO_LARGE) outcomes.tooLarge++
        else if (error.code === ErrorCode.INVALID_RECORD) outcomes.malformed++
        else throw error
      }
    })
    expect(outcomes.malformed).toBeGreaterThan(0)
    expect(process.memoryUsage().rss - before).toBeLessThan(MAX_GROWTH_BYTES)
    for (const [index, body] of bodies.entries()) {
      expect(decompress(codec, body, { maxOutputLength: MAX_OUTPUT }).equals(plain[index]!)).toBe(true)
    }
  })
})

/** Nothing where the WebAssembly gives up: on some damaged blocks whose sequences are sound all the same, and behind a block of nothing. */
const viaWasm = (bytes: Buffer): Buffer | undefined => {
  try {
    return callWasm('lz4_decompress', bytes, output => Buffer.from(output))
  } catch (error) {
    if (error instanceof KafkaError) return undefined
    throw error
  }
}

describe('small lz4 frames', () => {
  it('are read here as the WebAssembly reads them', async () => {
    let read = 0
    await fuzz(random => {
      const text = Array.from({ length: 1 + random(300) }, () => 'abcdefgh'.slice(random(8))).join(' '.repeat(random(3)))
      const body = compress('lz4', Buffer.from(text))
      const bytes = random(4) === 0 ? body : damaged(body, random, 7)
      let output: Buffer
      try {
        output = decompress('lz4', bytes, { maxOutputLength: 4096 })
      } catch (error) {
        if (error instanceof KafkaError) return
        throw error
      }
      const other = viaWasm(bytes)
      if (other === undefined || other.length < output.length) return
      read++
      expect(other.equals(output)).toBe(true)
    })
    expect(read).toBeGreaterThan(0)
  })
})
