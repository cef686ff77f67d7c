import { describe, expect, it } from 'vitest'
import { apis, createTopicsApi, describeTopicPartitionsApi, fetchApi, metadataApi, produceApi } from './apis/index.ts'
import type { Codec } from './codec.ts'
import { requestCodec, responseCodec, storedCodec } from './codec.ts'
import { leastStructSize, membersOf, unknownTags } from './codec-plan.ts'
import { ProtocolError } from './errors.ts'
import type { Shape, Spec } from './schema.ts'
import { array, bounds, int32, int64, message, string, struct, within } from './schema.ts'
import { consumerGroupMemberMetadataValue } from './stored/index.ts'
import { Reader } from './wire/reader.ts'
import { ZERO_UUID } from './wire/uuid.ts'
import { Writer } from './wire/writer.ts'

function written<W>(codec: Codec<unknown, W>, value: W): Buffer {
  const writer = new Writer()
  codec.write(writer, value)
  return writer.bytes()
}
const read = <R>(codec: Codec<R, never>, hex: string | Buffer): R =>
  codec.read(new Reader(typeof hex === 'string' ? Buffer.from(hex, 'hex') : hex))

/** Bytes by their parts. */
const hex = (...parts: string[]): string => parts.join('')

const sample = message({
  name: 'Sample',
  versions: '0-3',
  flexible: '2+',
  fields: {
    id: int32,
    name: string.nullable('1+').default(null).in('1+').ignorable(),
    limit: int64.default(-1).in('1+'),
    extra: struct({ a: int32.default(7), b: array(string) })
      .in('2+')
      .tag(3, '2+'),
    late: string.in('3+').tag(1, '3+'),
  },
})

describe('fields that a version does not have', () => {
  it('read as their default', () => {
    expect(read(storedCodec(sample, 0), '00000005')).toEqual({ id: 5, name: null, limit: -1, extra: { a: 7, b: [] }, late: '' })
    expect(read(requestCodec(metadataApi, 0), '00000000')).toEqual({
      topics: [],
      allowAutoTopicCreation: true,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    })
  })

  it('are refused when they are set, unless they may be ignored', () => {
    const codec = storedCodec(sample, 0)
    expect(written(codec, { id: 5, name: 'x' }).toString('hex')).toBe('00000005')
    expect(() => written(codec, { id: 5, limit: 3 })).toThrow(new ProtocolError('version', 'limit cannot be sent in this version'))
    expect(() => written(codec, { id: 5, extra: { b: ['x'] } })).toThrow('extra cannot be sent')
    expect(() => written(codec, { id: 5, extra: { a: 8, b: [] } })).toThrow('extra cannot be sent')
    expect(written(codec, { id: 5, limit: -1, extra: { a: 7, b: [] }, late: '' }).toString('hex')).toBe('00000005')
  })

  it('are told apart from versions that do not exist', () => {
    expect(() => storedCodec(sample, 4)).toThrow('Sample has no version 4')
    expect(() => requestCodec(produceApi, 2)).toThrow(ProtocolError)
  })
})

describe('fresh values', () => {
  it('are given for defaults, so that changing one message leaves others alone', () => {
    const codec = storedCodec(sample, 0)
    const first = read(codec, '00000001')
    first.extra.b.push('changed')
    expect(read(codec, '00000001').extra.b).toEqual([])
  })

  it('of bytes are copies, of records are not', () => {
    const slab = written(requestCodec(produceApi, 11), {
      acks: 1,
      timeoutMs: 1,
      topicData: [{ name: 'a', partitionData: [{ index: 0, records: Buffer.from('abcdef') }] }],
    })
    const records = read(requestCodec(produceApi, 11), slab).topicData[0]?.partitionData[0]?.records
    slab.fill(0)
    expect(records).toEqual(Buffer.alloc(6))
  })
})

describe('tagged fields', () => {
  it('are written in order, only when set, and read back', () => {
    const codec = storedCodec(sample, 3)
    expect(written(codec, { id: 1 }).toString('hex')).toBe('0000000100ffffffffffffffff00')
    const value = { id: 1, name: 'n', limit: 2, extra: { a: 9, b: ['x'] }, late: 'late' }
    const bytes = written(codec, value)
    expect(bytes.toString('hex')).toBe(hex('00000001026e000000000000000202', '0105056c617465', '0308', '0000000902027800'))
    expect(read(codec, bytes)).toEqual(value)
  })

  it('that nobody knows survive a round trip between known ones', () => {
    const codec = storedCodec(sample, 3)
    const bytes = hex('0000000100ffffffffffffffff04', '0001aa', '0105056c617465', '020155', '9001026162')
    const value = read(codec, bytes)
    expect(Object.keys(value)).toEqual(['id', 'name', 'limit', 'extra', 'late'])
    expect(written(codec, value).toString('hex')).toBe(bytes)
    expect(() => written(storedCodec(sample, 1), { ...value, late: '' })).toThrow('a tagged field cannot be sent')
  })

  it('in any order and twice are taken; the last counts', () => {
    const value = read(storedCodec(sample, 3), hex('0000000100ffffffffffffffff05', '0901bb', '01020261', '0901cc', '01020262', '080100'))
    expect(value.late).toBe('b')
    expect(Reflect.get(value, unknownTags)).toEqual([
      { tag: 8, bytes: Buffer.from([0]) },
      { tag: 9, bytes: Buffer.from([0xcc]) },
    ])
  })

  it('must have the size they say', () => {
    expect(() => read(storedCodec(sample, 3), hex('0000000100ffffffffffffffff01', '0103020161'))).toThrow(ProtocolError)
    expect(() => read(storedCodec(sample, 3), hex('0000000100ffffffffffffffff01', '0101020161'))).toThrow(ProtocolError)
    expect(() => read(storedCodec(sample, 3), hex('0000000100ffffffffffffffff01', '097f61'))).toThrow('tagged field of 127 bytes')
  })

  it('may be a struct that is null', () => {
    const codec = storedCodec(consumerGroupMemberMetadataValue, 0)
    expect(() => read(codec, '0000')).toThrow(ProtocolError)
    const value = {
      instanceId: null,
      rackId: null,
      clientId: '',
      clientHost: '',
      subscribedTopicNames: [],
      subscribedTopicRegex: null,
      rebalanceTimeoutMs: -1,
      serverAssignor: null,
    }
    for (const classicMemberMetadata of [
      null,
      { sessionTimeoutMs: 1, supportedProtocols: [{ name: 'range', metadata: Buffer.from('x') }] },
    ]) {
      expect(read(codec, written(codec, { ...value, classicMemberMetadata })).classicMemberMetadata).toEqual(classicMemberMetadata)
    }
  })
})

describe('null', () => {
  it('is read and written only where it is allowed', () => {
    expect(read(requestCodec(metadataApi, 1), 'ffffffff').topics).toBe(null)
    expect(() => read(requestCodec(metadataApi, 0), 'ffffffff')).toThrow(new ProtocolError('null', 'null where an array must be'))
    expect(written(requestCodec(metadataApi, 1), { topics: null }).toString('hex')).toBe('ffffffff')
    expect(() => written(requestCodec(metadataApi, 0), { topics: null })).toThrow('topics must have a value')
    expect(written(requestCodec(describeTopicPartitionsApi, 0), { topics: [], cursor: null }).toString('hex')).toBe('01000007d0ff00')
  })
})

describe('values that do not fit', () => {
  const codec = storedCodec(sample, 1)
  it('are refused with the name of the field', () => {
    expect(() => written(codec, { id: 2 ** 31 })).toThrow(new ProtocolError('value', 'id cannot be 2147483648'))
    expect(() => written(codec, { id: 1.5 })).toThrow('id cannot be 1.5')
    expect(() => written(codec, { id: 1, limit: Number.NaN })).toThrow('limit cannot be NaN')
    expect(() => written(codec, { id: 1, limit: 2 ** 53 })).toThrow('limit cannot be')
    expect(() => written(codec, { id: 1, name: 'x'.repeat(40_000) })).toThrow('text of 40000 bytes')
    expect(() => written(requestCodec(createTopicsApi, 7), JSON.parse('{"timeoutMs":1}'))).toThrow('topics must have a value')
    expect(() => written(storedCodec(sample, 0), JSON.parse('{}'))).toThrow('id cannot be undefined')
  })

  it('are clamped when an int64 is read as a number, and exact as a bigint', () => {
    const bytes = hex('00000001', 'ffff', '7fffffffffffffff')
    expect(read(codec, bytes).limit).toBe(Number.MAX_SAFE_INTEGER)
    expect(read(codec, bytes.replace(/7f.*/, '8000000000000000')).limit).toBe(-Number.MAX_SAFE_INTEGER)
    expect(read(storedCodec(sample, 1, { int64: 'bigint' }), bytes).limit).toBe(0x7fff_ffff_ffff_ffffn)
  })
})

describe('lengths', () => {
  const codec = responseCodec(fetchApi, 11)
  it('are not believed before the bytes are there', () => {
    expect(() => read(codec, hex('00000000000000000000', '7fffffff'))).toThrow('array of 2147483647 elements in 0 bytes')
    expect(() => read(requestCodec(metadataApi, 9), 'ffffffff0f')).toThrow(ProtocolError)
    expect(() => read(requestCodec(metadataApi, 9), 'ffffffffff0f')).toThrow('more than 32 bits')
  })

  it('of arrays are limited to a million elements in a message', () => {
    const many = Buffer.alloc(4 + 4 * 1_000_001)
    many.writeInt32BE(1_000_001)
    const list = message({ name: 'List', versions: '0', flexible: 'none', fields: { a: array(int32) } })
    expect(() => read(storedCodec(list, 0), many)).toThrow('array of 1000001 elements, 1000000 are accepted')
    const pairs = message({ name: 'Pairs', versions: '0', flexible: 'none', fields: { a: array(int32), b: array(int32) } })
    const half = Buffer.alloc(4 + 4 * 500_001)
    half.writeInt32BE(500_001)
    expect(() => read(storedCodec(pairs, 0), Buffer.concat([half, half]))).toThrow('array of 500001 elements, 499999 are accepted')
  })

  it('of texts are limited where the reader is told to', () => {
    const requests = requestCodec(metadataApi, 13)
    const topics = written(requests, { topics: [{ name: 'a'.repeat(60) }, { name: 'b' }] })
    const reader = new Reader(topics)
    reader.textLeft = 61
    expect(requests.read(reader).topics).toHaveLength(2)
    const other = new Reader(topics)
    other.textLeft = 60
    expect(() => requests.read(other)).toThrow('more text than is accepted')
  })

  it('of tagged fields are limited to ten thousand in a message', () => {
    const tags = Buffer.concat([Buffer.from('914e', 'hex'), Buffer.alloc(30_000)])
    expect(() => read(storedCodec(sample, 3), Buffer.concat([Buffer.from('0000000100ffffffffffffffff', 'hex'), tags]))).toThrow(
      '10000 tagged',
    )
  })

  it('of tagged fields out of order cannot make sorting them long', () => {
    const ascending = Array.from({ length: 120 }, (_, index) => index + 1)
    const bytes = Buffer.from([120, ...ascending.toReversed().flatMap(tag => [tag, 0])])
    expect(new Reader(bytes).unknownTags()?.map(({ tag }) => tag)).toEqual(ascending)
    const long = new Reader(bytes)
    long.tagsLeft = 7000
    expect(() => long.unknownTags()).toThrow('too many tagged fields out of order')
  })
})

describe('schemas', () => {
  it('have no array whose elements could be empty, so that bytes bound every count', () => {
    const check = (spec: Spec, version: number, flexible: boolean): void => {
      if (spec.kind === 'array' && spec.of?.kind === 'struct') {
        expect(leastStructSize(spec.of.shape ?? {}, version, flexible)).toBeGreaterThan(0)
      }
      const inner = spec.kind === 'array' ? spec.of?.shape : spec.shape
      for (const member of membersOf(inner ?? {}, version)) if (member.role !== 'absent') check(member.spec, version, flexible)
    }
    for (const api of apis) {
      const [low, high] = bounds(api.versions)
      for (let version = low; version <= high; version++) {
        for (const shape of [api.request, api.response] satisfies Shape[]) {
          check({ kind: 'struct', shape }, version, within(api.flexible, version))
        }
      }
    }
  })

  it('take defaults where a writer says nothing', () => {
    const topics = [{ name: 'a', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
    expect(read(requestCodec(createTopicsApi, 7), written(requestCodec(createTopicsApi, 7), { topics }))).toEqual({
      topics,
      timeoutMs: 60_000,
      validateOnly: false,
    })
    const topic = written(requestCodec(metadataApi, 13), { topics: [{ name: 'a' }] })
    expect(read(requestCodec(metadataApi, 13), topic).topics?.[0]?.topicId).toBe(ZERO_UUID)
  })
})
