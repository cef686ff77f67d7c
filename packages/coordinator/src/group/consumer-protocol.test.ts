import { readFileSync } from 'node:fs'
import { KafkaError } from '@ottla/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TopicPartitions } from './consumer-protocol.ts'
import {
  encodeAssignment,
  encodeSubscription,
  parseAssignment,
  parseConsumerProtocolVersion,
  parseSubscribedTopics,
  parseSubscription,
} from './consumer-protocol.ts'

type TopicPartition = [topic: string, partition: number]

/** What Kafka 4.3.1's consumers write. */
interface Golden {
  readonly subscriptions: readonly {
    readonly version: number
    readonly topics: string[]
    readonly userDataHex: string | null
    readonly owned: TopicPartition[]
    readonly generation: number
    readonly rack: string | null
    readonly hex: string
  }[]
  readonly assignments: readonly {
    readonly version: number
    readonly partitions: TopicPartition[]
    readonly userDataHex: string | null
    readonly hex: string
  }[]
}
const golden: Golden = JSON.parse(readFileSync(new URL('../../fixtures/consumer-protocol.json', import.meta.url), 'utf8'))

const bytesOf = (hex: string | null): Buffer | null => (hex === null ? null : Buffer.from(hex, 'hex'))

/** By topic, in the order of first appearance. */
function grouped(pairs: readonly TopicPartition[]): TopicPartitions[] {
  const topics = new Map<string, number[]>()
  for (const [topic, partition] of pairs) topics.set(topic, [...(topics.get(topic) ?? []), partition])
  return Array.from(topics, ([topic, partitions]) => ({ topic, partitions }))
}

const sorted = (topics: readonly TopicPartitions[]): TopicPartitions[] =>
  topics
    .map(({ topic, partitions }) => ({ topic, partitions: partitions.toSorted((one, other) => one - other) }))
    .toSorted((one, other) => (one.topic < other.topic ? -1 : 1))

/** Reads, or refuses with a KafkaError. */
function readOrRefuse<Read>(read: (bytes: Buffer) => Read, bytes: Buffer): Read | undefined {
  try {
    return read(bytes)
  } catch (error) {
    if (error instanceof KafkaError) return undefined
    throw error
  }
}

describe('subscriptions', () => {
  it.each(golden.subscriptions)('$version $hex', ({ version, topics, userDataHex, owned, generation, rack, hex }) => {
    const bytes = Buffer.from(hex, 'hex')
    const userData = bytesOf(userDataHex)
    const init = { topics, userData, ownedPartitions: grouped(owned), generationId: generation, rackId: rack }
    expect(encodeSubscription(version, init).toString('hex')).toBe(hex)
    expect(parseSubscription(bytes)).toEqual({
      version,
      topics: topics.toSorted(),
      userData,
      ownedPartitions: version >= 1 ? sorted(grouped(owned)) : [],
      generationId: version >= 2 ? generation : -1,
      rackId: version >= 3 ? rack : null,
    })
    expect(parseSubscribedTopics(bytes)).toEqual(topics.toSorted())
    expect(parseConsumerProtocolVersion(bytes)).toBe(version)
  })

  it('need no more than topics', () => {
    const bytes = encodeSubscription(3, { topics: ['a'] })
    expect(parseSubscription(bytes)).toMatchObject({ topics: ['a'], userData: null, ownedPartitions: [], generationId: -1, rackId: null })
  })

  it('have no rack when it is empty', () => {
    expect(parseSubscription(encodeSubscription(3, { topics: [], rackId: '' })).rackId).toBeNull()
  })

  it('tell their topics although the rest is broken', () => {
    const bytes = encodeSubscription(1, { topics: ['a', 'b'] })
    bytes.writeInt32BE(7, bytes.length - 4)
    expect(parseSubscribedTopics(bytes)).toEqual(['a', 'b'])
    expect(() => parseSubscription(bytes)).toThrow(KafkaError)
  })

  it('do not keep the bytes that they were read from', () => {
    const bytes = encodeSubscription(0, { topics: ['a'], userData: Buffer.from('xyz') })
    const { userData } = parseSubscription(bytes)
    bytes.fill(0)
    expect(userData?.toString()).toBe('xyz')
  })
})

describe('assignments', () => {
  it.each(golden.assignments)('$version $hex', ({ version, partitions, userDataHex, hex }) => {
    const assignment = { assignedPartitions: grouped(partitions), userData: bytesOf(userDataHex) }
    expect(encodeAssignment(version, assignment).toString('hex')).toBe(hex)
    expect(parseAssignment(Buffer.from(hex, 'hex'))).toEqual({ version, ...assignment })
  })
})

describe('versions', () => {
  it('that nobody knows are read as the newest known one', () => {
    const subscription = encodeSubscription(3, { topics: ['a'], generationId: 5, rackId: 'r' })
    const newer = Buffer.concat([subscription, Buffer.from('more')])
    newer.writeInt16BE(4)
    expect(parseSubscription(newer)).toEqual(parseSubscription(subscription))
    newer.writeInt16BE(0x7fff)
    expect(parseSubscription(newer).version).toBe(3)
    const assignment = { assignedPartitions: [{ topic: 'a', partitions: [1] }] }
    expect(encodeAssignment(9, assignment)).toEqual(encodeAssignment(3, assignment))
  })

  it('below 0 and missing ones are refused', () => {
    for (const hex of ['', '00', 'ffff', '800000000000']) {
      const bytes = Buffer.from(hex, 'hex')
      for (const read of [parseSubscription, parseSubscribedTopics, parseAssignment, parseConsumerProtocolVersion]) {
        expect(() => read(bytes), hex).toThrow(KafkaError)
      }
    }
    expect(() => encodeAssignment(-1, { assignedPartitions: [] })).toThrow(KafkaError)
    expect(() => encodeSubscription(0, { topics: ['a'.repeat(40_000)] })).toThrow(KafkaError)
  })
})

describe('broken bytes', () => {
  const lengths = fc.constantFrom(0, 1, 0x7f, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1_000_001)
  const whole = fc.constantFrom(...golden.subscriptions, ...golden.assignments).map(({ hex }) => Buffer.from(hex, 'hex'))
  const damaged = fc.tuple(whole, fc.nat(60), lengths).map(([bytes, at, value]) => {
    const copy = Buffer.concat([bytes, Buffer.alloc(4)])
    copy.writeUInt32BE(value, at % (copy.length - 3))
    return copy
  })
  const cut = fc.tuple(whole, fc.nat(60)).map(([bytes, at]) => bytes.subarray(0, at % (bytes.length + 1)))
  const noise = fc.uint8Array({ maxLength: 100 }).map(bytes => Buffer.from(bytes))

  it('are read or refused, and what was read is no larger than they are', () => {
    fc.assert(
      fc.property(fc.oneof(damaged, cut, noise), bytes => {
        const subscription = readOrRefuse(parseSubscription, bytes)
        if (subscription !== undefined) {
          expect(subscription.topics.length + subscription.ownedPartitions.length).toBeLessThanOrEqual(bytes.length / 2)
          const { version, ...rest } = subscription
          expect(readOrRefuse(parseSubscription, encodeSubscription(version, rest))).toBeDefined()
        }
        const assignment = readOrRefuse(parseAssignment, bytes)
        if (assignment !== undefined) expect(parseAssignment(encodeAssignment(assignment.version, assignment))).toEqual(assignment)
        readOrRefuse(parseSubscribedTopics, bytes)
      }),
      { numRuns: 5000 },
    )
  })

  it('that promise a million elements are refused without making room for them', () => {
    const bytes = Buffer.from('0003000f4240ffffffff', 'hex')
    expect(() => parseSubscription(bytes)).toThrow(/Malformed/)
    expect(() => parseAssignment(bytes)).toThrow(/Malformed/)
  })
})
