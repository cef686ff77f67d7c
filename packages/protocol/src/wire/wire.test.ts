import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolError } from './protocol-error.ts'
import { Reader } from './reader.ts'
import { isUuid, METADATA_TOPIC_UUID, randomUuid, ZERO_UUID } from './uuid.ts'
import { Writer } from './writer.ts'

function bytesOf(write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  write(writer)
  expect(writer.length).toBe(writer.chunks().reduce((sum, chunk) => sum + chunk.length, 0))
  const again = new Writer()
  write(again)
  return again.bytes()
}

describe('a writer that has to grow', () => {
  const writes: [string, (writer: Writer) => void][] = [
    ['bool', writer => writer.bool(true)],
    ['int8', writer => writer.int8(0x11)],
    ['int16', writer => writer.int16(0x1122)],
    ['uint16', writer => writer.uint16(0x1122)],
    ['int32', writer => writer.int32(0x11223344)],
    ['uint32', writer => writer.uint32(0x11223344)],
    ['int64', writer => writer.int64(0x11223344)],
    ['bigInt64', writer => writer.bigInt64(0x1122334455667788n)],
    ['float64', writer => writer.float64(0.1)],
    ['uuid', writer => writer.uuid(METADATA_TOPIC_UUID)],
    ['uvarint', writer => writer.uvarint(0x11223344)],
    ['string', writer => writer.string('text')],
    ['a long string', writer => writer.string('ä'.repeat(200))],
    ['compactString', writer => writer.compactString('text')],
    ['bytesField', writer => writer.bytesField(Buffer.from('bytes'))],
    ['records', writer => writer.records(Buffer.from('few'))],
    ['count', writer => writer.count(3)],
  ]
  for (const [name, write] of writes) {
    it(`writes ${name} as when there is room`, () => {
      const alone = bytesOf(write)
      // Wherever the slab of the moment ends, one of these writers reaches its end with this value.
      for (let before = 0; before < alone.length + 4; before++) {
        const writer = new Writer()
        writer.raw(Buffer.alloc(before, 7))
        for (let count = 0; count * alone.length < 70_000; count++) write(writer)
        const bytes = writer.bytes().subarray(before)
        for (let at = 0; at < bytes.length; at += alone.length) {
          if (Buffer.compare(bytes.subarray(at, at + alone.length), alone) !== 0) expect.fail(`other bytes at ${before} + ${at}`)
        }
      }
    })
  }
})

describe('numbers', () => {
  const kinds = [
    ['int8', fc.integer({ min: -128, max: 127 })],
    ['int16', fc.integer({ min: -32768, max: 32767 })],
    ['uint16', fc.integer({ min: 0, max: 65535 })],
    ['int32', fc.integer()],
    ['uint32', fc.integer({ min: 0, max: 0xffff_ffff })],
    ['int64', fc.maxSafeInteger()],
    ['float64', fc.double()],
    ['uvarint', fc.integer({ min: 0, max: 0xffff_ffff })],
    ['varint', fc.integer()],
  ] as const
  for (const [kind, values] of kinds) {
    it(`${kind} is read as it was written, and not out of a part of its bytes`, () => {
      fc.assert(
        fc.property(values, (value: number) => {
          const bytes = bytesOf(writer => writer[kind](value))
          expect(new Reader(bytes)[kind]()).toBe(value)
          expect(() => new Reader(bytes, 0, bytes.length - 1)[kind]()).toThrow(ProtocolError)
        }),
      )
    })
  }

  it('int64 agrees with bigint', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), value => {
        const bytes = bytesOf(writer => writer.bigInt64(value))
        expect(new Reader(bytes).bigInt64()).toBe(value)
        const limit = BigInt(Number.MAX_SAFE_INTEGER)
        const clamped = value > limit ? limit : value < -limit ? -limit : value
        expect(new Reader(bytes).int64()).toBe(Number(clamped))
        if (clamped === value) expect(bytesOf(writer => writer.int64(Number(value)))).toEqual(bytes)
      }),
    )
  })

  it('varints of more than 32 bits are refused', () => {
    expect(() => new Reader(Buffer.from('ffffffff1f', 'hex')).uvarint()).toThrow('more than 32 bits')
    expect(() => new Reader(Buffer.from('8080808080', 'hex')).uvarint()).toThrow(ProtocolError)
  })
})

describe('text', () => {
  it('is read as it was written, with short and with long lengths, again and again', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme-ascii', maxLength: 200 }),
      fc.constantFrom('é', 'ÿ', '日本語', 'a'),
    )
    fc.assert(
      fc.property(texts, text => {
        const expected = Buffer.from(text).toString()
        for (const kind of ['string', 'compactString', 'nullableString', 'compactNullableString'] as const) {
          const bytes = bytesOf(writer => writer[kind](text))
          for (let round = 0; round < 2; round++) expect(new Reader(bytes)[kind]()).toBe(expected)
        }
      }),
    )
  })

  it('of malformed bytes is not taken for text of the same look', () => {
    const latin = Buffer.concat([Buffer.from([0, 1]), Buffer.from([0xe9])])
    expect(new Reader(Buffer.from([0, 2, 0xc3, 0xa9])).string()).toBe('é')
    expect(new Reader(latin).string()).toBe('\ufffd')
  })

  it('may be null where it says so', () => {
    expect(new Reader(bytesOf(writer => writer.nullableString(null))).nullableString()).toBe(null)
    expect(new Reader(bytesOf(writer => writer.compactNullableString(null))).compactNullableString()).toBe(null)
    expect(() => new Reader(Buffer.from('ffff', 'hex')).string()).toThrow('null where text must be')
    expect(() => new Reader(Buffer.from('fffe', 'hex')).nullableString()).toThrow('text of -2 bytes')
  })
})

describe('uuids', () => {
  it('are the URL-safe base64 of 16 bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), raw => {
        const text = Buffer.from(raw).toString('base64url')
        expect(isUuid(text)).toBe(true)
        expect(bytesOf(writer => writer.uuid(text))).toEqual(Buffer.from(raw))
        expect(new Reader(Buffer.from(raw)).uuid()).toBe(text)
      }),
    )
    expect(bytesOf(writer => writer.uuid(ZERO_UUID))).toEqual(Buffer.alloc(16))
    expect(bytesOf(writer => writer.uuid(METADATA_TOPIC_UUID)).readBigInt64BE(8)).toBe(1n)
  })

  it('that are none are refused', () => {
    for (const text of ['', 'AAAAAAAAAAAAAAAAAAAAAB', 'AAAAAAAAAAAAAAAAAAAA+A', 'AAAAAAAAAAAAAAAAAAAAéA', `${ZERO_UUID}A`]) {
      expect(isUuid(text)).toBe(false)
      expect(() => bytesOf(writer => writer.uuid(text))).toThrow('not a uuid')
    }
  })

  it('are made of version 4, never with a leading dash', () => {
    for (let index = 0; index < 500; index++) {
      const text = randomUuid()
      expect(isUuid(text)).toBe(true)
      expect(text.startsWith('-')).toBe(false)
      expect((Buffer.from(text, 'base64url')[6] ?? 0) >> 4).toBe(4)
    }
  })
})

describe('bytes and records', () => {
  it('are read as they were written, in whatever pieces', () => {
    const parts = fc.array(fc.nat({ max: 3000 }), { maxLength: 6 })
    fc.assert(
      fc.property(parts, fc.nat({ max: 100_000 }), (sizes, before) => {
        const buffers = sizes.map((size, index) => Buffer.alloc(size, index + 1))
        const bytes = bytesOf(writer => {
          writer.compactBytesField(Buffer.alloc(before, 9))
          writer.compactNullableRecords(buffers)
          writer.nullableRecords(buffers)
          writer.nullableBytesField(null)
          writer.string('end')
        })
        const reader = new Reader(bytes)
        expect(reader.compactBytes().length).toBe(before)
        expect(reader.compactNullableRecords()?.equals(Buffer.concat(buffers))).toBe(true)
        expect(reader.records().equals(Buffer.concat(buffers))).toBe(true)
        expect(reader.nullableBytes()).toBe(null)
        expect(reader.string()).toBe('end')
        expect(reader.left).toBe(0)
      }),
    )
  })

  it('are bounded by the reader, not by the buffer behind it', () => {
    const reader = new Reader(Buffer.from('0000000401020304', 'hex'), 0, 6)
    expect(() => reader.records()).toThrow(new ProtocolError('truncated', '4 bytes wanted, 2 left'))
    expect(() => new Reader(Buffer.alloc(3), 2, 5)).toThrow(ProtocolError)
  })
})
