import type { Group } from '@ottla/coordinator'
import { BatchBuilder } from '@ottla/protocol'
import { expect, it } from 'vitest'
import { GroupLag, type GroupLagParts, type LagReport, type LedGroups } from './group-lag.ts'
import type { LagLog } from './lag-time.ts'

const now = 1_000_000
const counts = { committed: 0, expired: 0, deleted: 0 }
const refuse = (): never => {
  throw new Error('nobody asks for this')
}
const groupOf = (groupId: string): Group => ({
  kind: 'classic',
  groupId,
  state: 'Empty',
  protocolType: '',
  memberCount: 0,
  mayExpire: true,
  ensureMayCommit: refuse,
  committedBy: refuse,
  ensureMayFetch: refuse,
  ensureMayBeDeleted: refuse,
  ensureOffsetsMayBeDeleted: refuse,
  isSubscribedTo: refuse,
  tombstones: refuse,
  unusedSinceMs: refuse,
})

/** Offsets by group, topic and partition. */
type Offsets = Record<string, Record<string, Record<number, number>>>
function led(offsets: Offsets): LedGroups {
  const groups = new Map(Object.keys(offsets).map(groupId => [groupId, groupOf(groupId)]))
  const committed = (groupId: string) =>
    new Map(
      Object.entries(offsets[groupId] ?? {}).map(([topic, partitions]) => [
        topic,
        new Map(Object.entries(partitions).map(([partition, offset]) => [Number(partition), { offset, commitTimestampMs: 1 }])),
      ]),
    )
  return { groups, offsets: { size: 0, counts, committed } }
}

/** A log of records each of which is a second younger than the one before. */
class FakeLog implements LagLog {
  highWatermark = 100
  logStartOffset = 0
  readonly reads: number[] = []

  read({ offset }: { readonly offset: number }) {
    this.reads.push(offset)
    const builder = new BatchBuilder({ baseOffset: offset })
    builder.append({ timestamp: now - 1000 * (100 - offset), value: 'v' })
    const chunks = [builder.build().bytes]
    return { chunks, size: chunks[0]?.length ?? 0, baseOffset: offset, nextOffset: offset + 1, release: () => undefined }
  }
}

function lagOf(offsets: Offsets, logs: Record<string, LagLog>, options: Partial<GroupLagParts> = {}) {
  const clock = { now: () => now }
  const pauses = { count: 0 }
  const later = (run: () => void) => {
    pauses.count += 1
    setImmediate(run)
  }
  const log = (topic: string, partition: number) => logs[`${topic}-${partition}`]
  return { lag: new GroupLag({ led: () => [led(offsets)], log, clock, later, ...options }), pauses }
}
const plain = ({ groups }: LagReport) =>
  groups.map(({ group, topics }) => [
    group.groupId,
    ...topics.map(({ topic, lagSum, currentOffsetSum, partitions }) => [
      topic,
      currentOffsetSum,
      lagSum,
      partitions?.map(({ partition, lag, lagSeconds }) => [partition, lag, lagSeconds]) ?? null,
    ]),
  ])

it('a report says how far groups are behind', async () => {
  const logs = { 't-0': new FakeLog(), 't-1': new FakeLog() }
  logs['t-1'].logStartOffset = 90
  const { lag } = lagOf({ g: { t: { 0: 60, 1: 50, 2: 7 }, u: { 0: 5 } }, h: { t: { 0: 100, 1: -1 } }, i: { t: { 0: 120 } }, j: {} }, logs)
  expect(plain(await lag.report())).toEqual([
    // What retention took is lag in records, but has no age.
    [
      'g',
      [
        't',
        117,
        90,
        [
          [0, 40, 40],
          [1, 50, 10],
          [2, null, null],
        ],
      ],
      ['u', 5, null, [[0, null, null]]],
    ],
    [
      'h',
      [
        't',
        100,
        0,
        [
          [0, 0, 0],
          [1, null, null],
        ],
      ],
    ],
    ['i', ['t', 120, 0, [[0, 0, 0]]]],
    ['j'],
  ])
})

it('the time of an offset is read once, for all groups', async () => {
  const log = new FakeLog()
  const offsets = { g: { t: { 0: 60 } }, h: { t: { 0: 60 } } }
  const { lag } = lagOf(offsets, { 't-0': log })
  const [first, same] = [lag.report(), lag.report()]
  expect(same).toBe(first)
  await first
  await lag.report()
  expect(log.reads).toEqual([60])
  offsets.g.t[0] = 61
  expect(plain(await lag.report())[0]).toEqual(['g', ['t', 61, 39, [[0, 39, 39]]]])
  expect(log.reads).toEqual([60, 61])
})

it('reads are bounded, and each offset has its turn', async () => {
  const logs = Object.fromEntries([0, 1, 2, 3, 4].map(partition => [`t-${partition}`, new FakeLog()]))
  const offsets = { g: { t: Object.fromEntries([0, 1, 2, 3, 4].map(partition => [partition, 10])) } }
  const { lag } = lagOf(offsets, logs, { maxReads: 2 })
  const known = async () =>
    (await lag.report()).groups[0]?.topics[0]?.partitions?.flatMap(({ partition, lagSeconds }) => (lagSeconds === null ? [] : [partition]))
  expect(await known()).toEqual([0, 1])
  expect(await known()).toHaveLength(4)
  expect(await known()).toEqual([0, 1, 2, 3, 4])
  // Where all offsets move all the time, others have their turn each time.
  const seen = new Set<number>()
  for (let round = 1; round <= 3; round++) {
    for (const partition of [0, 1, 2, 3, 4]) offsets.g.t[partition] = 10 + round
    for (const partition of (await known()) ?? []) seen.add(partition)
  }
  expect([...seen].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4])
})

it('a report that would be too long has sums, then says what it leaves out', async () => {
  const { lag } = lagOf(
    { a: { t: { 0: 1 } }, b: { t: { 0: 1, 1: 1, 2: 1 } }, c: { t: { 0: 1 }, u: { 0: 1 } } },
    { 't-0': new FakeLog() },
    { maxLines: 7 },
  )
  const report = await lag.report()
  expect(plain(report)).toEqual([
    ['a', ['t', 1, 99, [[0, 99, 99]]]],
    ['b', ['t', 3, 99, null]],
  ])
  expect(report.omitted).toBe(2)
})

it('others have their turn while a long report is made', async () => {
  const partitions = Object.fromEntries(Array.from({ length: 1_000 }, (_, partition) => [partition, 1]))
  const groups = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`g${index}`, { t: partitions }]))
  const { lag, pauses } = lagOf(groups, {}, { maxLines: 20_000 })
  expect((await lag.report()).groups).toHaveLength(10)
  expect(pauses.count).toBeGreaterThanOrEqual(4)
})
