// A consumer group of Apache Kafka 4.3.1, as its log of __consumer_offsets tells: the same requests in the same order make the same records,
// batch by batch. Members of one batch may lie in another order, as Java's hash maps have them.

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { TestGroups } from './testing.ts'

interface GoldenRecord {
  readonly decoded: { readonly type: number; readonly key: { readonly groupId?: string }; readonly value: unknown }
}

const file = new URL('../../../../storage/fixtures/log/data-json/__consumer_offsets-21.json', import.meta.url)
const content: Record<string, readonly { readonly records: readonly GoldenRecord[] }[]> = JSON.parse(readFileSync(file, 'utf8'))
const records = Object.entries(content)
  .filter(([name]) => name.endsWith('.log'))
  .flatMap(([, batches]) => batches.flatMap(batch => batch.records))
  .map(({ decoded }) => decoded)
  .filter(({ key }) => key.groupId === 'golden-modern')

const regexMember = '_H967WQFRNiaBe1YPjmwHA'
const namesMember = 'w20loPMyTuW82EeO0LXJCA'

const byText = (one: unknown, other: unknown): number => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)

/** Names of the topics by their ids of then; what is not the same twice is left out. */
const inGeneral = (value: unknown, names: ReadonlyMap<string, string>): unknown => {
  if (typeof value === 'string') return names.get(value) ?? value
  if (Array.isArray(value)) return value.map(one => inGeneral(one, names)).toSorted(byText)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).filter(([name]) => !['metadataHash', 'assignmentTimestamp', 'timestamp', 'version'].includes(name))
  return Object.fromEntries(fields.map(([name, field]) => [name, inGeneral(field, names)]))
}

/** Target assignments by themselves, as their order means nothing. */
const inOrder = (all: readonly unknown[]): unknown[] => [
  all.filter(one => !isTarget(one)),
  all.filter(isTarget).toSorted(byText),
  all.findIndex(isTarget),
]
const isTarget = (one: unknown): boolean => typeof one === 'object' && one !== null && 'type' in one && one.type === 7

const goldenNames = new Map([
  ['jh1gQm1HQT-ZbVfjSChcCA', 'golden-groups'],
  ['0kHQLllNR-G6vVpJrpJJUw', 'golden-plain'],
])

describe('a group of Kafka', () => {
  it('is written as Kafka wrote it', async () => {
    const groups = new TestGroups({ settings: { consumerAssignmentIntervalMs: () => 1_000 } })
    const plain = groups.test.topics.add('golden-plain', 1).id
    const three = groups.test.topics.add('golden-groups', 3).id
    const names = new Map([
      [three, 'golden-groups'],
      [plain, 'golden-plain'],
    ])
    const groupId = 'golden-modern'
    let at = 0
    let from = 0
    const expectRecords = (count: number): void => {
      const ours = groups.written(from).map(({ type, key, value }) => inGeneral({ type: type.type, key, value }, names))
      const theirs = records.slice(at, at + count).map(({ type, key, value }) => inGeneral({ type, key, value }, goldenNames))
      expect(inOrder(ours)).toEqual(inOrder(theirs))
      from = groups.test.log.records.length
      at += count
    }
    const joining = { groupId, memberEpoch: 0, rebalanceTimeoutMs: 300_000, topicPartitions: [] }
    const one = { groupId, memberId: regexMember, instanceId: 'static-2' }
    const two = { groupId, memberId: namesMember }

    const pattern = { subscribedTopicRegex: 'golden-(groups|plain)' }
    await groups.heartbeat({ ...joining, ...one, ...pattern }, { clientId: 'consumer-golden-modern-static-2' })
    expectRecords(2)
    await groups.heartbeat(
      { ...joining, ...two, subscribedTopicNames: ['golden-groups'], subscribedTopicRegex: null, serverAssignor: 'uniform' },
      { clientId: 'consumer-golden-modern-2' },
    )
    expectRecords(6)
    groups.test.clock.advance(0)
    expectRecords(2)
    const clientOne = { clientId: 'consumer-golden-modern-static-2' }
    const clientTwo = { clientId: 'consumer-golden-modern-2' }
    await groups.heartbeat({ ...one, memberEpoch: 1 }, clientOne)
    expectRecords(1)
    groups.test.clock.advance(5_000)
    await groups.heartbeat({ ...one, memberEpoch: 2 }, clientOne)
    expectRecords(4)
    await groups.heartbeat({ ...one, memberEpoch: 3, topicPartitions: [{ topicId: plain, partitions: [0] }] }, clientOne)
    expectRecords(1)
    await groups.heartbeat({ ...two, memberEpoch: 2 }, clientTwo)
    expectRecords(1)
    await groups.heartbeat({ ...two, memberEpoch: 2, topicPartitions: [{ topicId: three, partitions: [0, 1] }] }, clientTwo)
    expectRecords(1)
    await groups.heartbeat({ ...one, memberEpoch: -2 }, clientOne)
    expectRecords(1)
    await groups.heartbeat({ ...two, memberEpoch: -1 }, clientTwo)
    expectRecords(4)
    expect(at).toBe(records.length)
  })
})
