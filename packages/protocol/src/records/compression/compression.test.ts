import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ErrorCode, KafkaError } from '../../errors.ts'
import { type CompressionName, compress, decompress } from './index.ts'

interface Sample {
  readonly name: string
  readonly codec: CompressionName
  readonly base64: string
  readonly length: number
  readonly sha256: string
}

/** What the programs lz4, zstd and gzip wrote with all sorts of options. */
const samples: readonly Sample[] = JSON.parse(
  gunzipSync(readFileSync(new URL('../../../fixtures/records/compression.json.gz', import.meta.url))).toString(),
)

const codecs = ['gzip', 'snappy', 'lz4', 'zstd'] as const

const codeOf = (work: () => unknown): number => {
  try {
    work()
  } catch (error) {
    if (error instanceof KafkaError) return error.code
    throw error
  }
  return ErrorCode.NONE
}

describe('bodies that other programs wrote', () => {
  it.each(samples)('$codec $name', ({ codec, base64, length, sha256 }) => {
    const bytes = Buffer.from(base64, 'base64')
    const output = decompress(codec, bytes, { maxOutputLength: length })
    expect(output.length).toBe(length)
    expect(createHash('sha256').update(output).digest('hex')).toBe(sha256)
    if (length > 0) expect(codeOf(() => decompress(codec, bytes, { maxOutputLength: length - 1 }))).toBe(ErrorCode.MESSAGE_TOO_LARGE)
  })
})

describe.each(codecs)('%s', codec => {
  it('gives back what it was given', () => {
    const plain = fc.oneof(
      fc.uint8Array({ maxLength: 2000 }),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(200_000))
        .map(([pattern, length]) => new Uint8Array(Buffer.alloc(length, pattern))),
    )
    fc.assert(
      fc.property(plain, bytes => {
        const body = compress(codec, Buffer.from(bytes))
        expect(decompress(codec, body, { maxOutputLength: bytes.length }).equals(bytes)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('bounds what comes out', () => {
    const bomb = compress(codec, Buffer.alloc(8 * 1024 * 1024))
    expect(codeOf(() => decompress(codec, bomb, { maxOutputLength: 8 * 1024 * 1024 - 1 }))).toBe(ErrorCode.MESSAGE_TOO_LARGE)
    expect(codeOf(() => decompress(codec, bomb, { maxOutputLength: 1000 }))).toBe(ErrorCode.MESSAGE_TOO_LARGE)
  })

  it('refuses every truncated body', () => {
    const body = compress(codec, Buffer.from('What is cut off in the middle cannot be read, in the middle, in the middle of the middle.'))
    // Framed snappy may end after its header: that is a body of no bytes.
    for (let end = 1; end < body.length; end++) {
      if (codec === 'snappy' && end === 16) continue
      expect(codeOf(() => decompress(codec, body.subarray(0, end), { maxOutputLength: 1000 }))).toBe(ErrorCode.INVALID_RECORD)
    }
  })
})

describe('framing', () => {
  it('writes snappy as snappy-java does', () => {
    const body = compress('snappy', Buffer.alloc(40_000, 'x'))
    expect(body.subarray(0, 16).toString('hex')).toBe('82534e41505059000000000100000001')
    const first = body.readInt32BE(16)
    expect(body.readInt32BE(20 + first)).toBe(body.length - 24 - first)
  })

  it('writes lz4 in independent blocks of 64 KiB', () => {
    const body = compress('lz4', Buffer.alloc(200_000, 'x'))
    expect(body.subarray(0, 7).toString('hex')).toBe('04224d18604082')
    let blocks = 0
    let at = 7
    for (let size = body.readUInt32LE(at); size > 0; size = body.readUInt32LE(at)) {
      at += 4 + (size & 0x7fffffff)
      blocks++
    }
    expect({ blocks, at }).toEqual({ blocks: 4, at: body.length - 4 })
  })

  it('reads the wrong header checksum of old lz4 clients where it is told to', () => {
    const body = compress('lz4', Buffer.from('hello hello hello hello'))
    body[6] = 0x11
    expect(codeOf(() => decompress('lz4', body, { maxOutputLength: 100 }))).toBe(ErrorCode.INVALID_RECORD)
    expect(decompress('lz4', body, { maxOutputLength: 100, ignoreHeaderChecksum: true }).toString()).toBe('hello hello hello hello')
  })

  it('notices a wrong content checksum', () => {
    const sample = samples.find(({ name }) => name === 'small-linked-B4')
    const bytes = Buffer.from(sample?.base64 ?? '', 'base64')
    bytes[bytes.length - 1] = bytes[bytes.length - 1]! ^ 1
    expect(codeOf(() => decompress('lz4', bytes, { maxOutputLength: 100 }))).toBe(ErrorCode.INVALID_RECORD)
  })
})
