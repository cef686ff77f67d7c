// Offsets beside a model of a few lines, through any order of commits, transactions, deletions and time; and the log of it replayed into new
// state, whole and compacted.

import { groupMetadataRecord, ZERO_UUID } from '@ottla/protocol'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Decision } from '../../decision.ts'
import type { CoordinatorRecord } from '../../record.ts'
import { GroupAdministration } from '../administration.ts'
import { isOffsetRecord, offsetRecord } from './committed-offset.ts'
import { allOffsets, caller, commitOf, type OffsetsUnderTest, offsetsUnderTest } from './testing.ts'

const minute = 60_000
const retentionMs = 10 * minute
const groupIds = ['g', 'h', 'i']
const topics = ['t', 'u']

type Step =
  | { readonly do: 'commit'; readonly at: Place; readonly offset: number; readonly retentionMs: number }
  | { readonly do: 'write'; readonly at: Place; readonly offset: number; readonly producer: number }
  | { readonly do: 'end'; readonly producer: number; readonly commit: boolean }
  | { readonly do: 'deleteOffset'; readonly at: Place }
  | { readonly do: 'deleteGroup'; readonly groupId: string }
  | { readonly do: 'deleteTopic'; readonly topic: string }
  | { readonly do: 'wait'; readonly minutes: number }
interface Place {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
}

const place = fc.record({
  groupId: fc.constantFrom(...groupIds),
  topic: fc.constantFrom(...topics),
  partition: fc.integer({ min: 0, max: 3 }),
})
const offset = fc.integer({ min: 0, max: 2 ** 40 })
const producer = fc.integer({ min: 1, max: 3 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('commit' as const), at: place, offset, retentionMs: fc.constantFrom(-1, -1, 3 * minute) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), at: place, offset, producer }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('end' as const), producer, commit: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('deleteOffset' as const), at: place }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deleteGroup' as const), groupId: fc.constantFrom(...groupIds) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deleteTopic' as const), topic: fc.constantFrom(...topics) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 8 }) }) },
)

/** What lies in the log: records, and the ends of transactions. */
type Entry = { readonly record: CoordinatorRecord; readonly producer: number | null } | { readonly end: number; readonly commit: boolean }

/** What the model knows of an offset. */
interface Known {
  readonly at: Place
  readonly offset: number
  readonly committedAt: number
  readonly expiresAt: number
  readonly order: number
}
const nothing = (): undefined => undefined
const keyOf = ({ groupId, topic, partition }: Place): string => `${groupId} ${topic} ${partition}`

class Model {
  readonly committed = new Map<string, Known>()
  readonly pending = new Map<number, Map<string, Known>>()
  readonly groups = new Set<string>()

  isPending(matches: (at: Place) => boolean): boolean {
    return [...this.pending.values()].some(offsets => [...offsets.values()].some(({ at }) => matches(at)))
  }

  forget(matches: (at: Place) => boolean): void {
    for (const offsets of [this.committed, ...this.pending.values()])
      for (const [key, { at }] of offsets) if (matches(at)) offsets.delete(key)
  }

  end(producerId: number, commit: boolean): void {
    for (const [key, known] of this.pending.get(producerId) ?? [])
      if (commit && (this.committed.get(key)?.order ?? -1) < known.order) this.committed.set(key, known)
    this.pending.delete(producerId)
  }

  expire(now: number): void {
    for (const [key, { expiresAt, at }] of this.committed)
      if (now >= expiresAt && !this.isPending(other => keyOf(other) === key)) this.committed.delete(keyOf(at))
    for (const groupId of this.groups)
      if (![...this.committed.values()].some(({ at }) => at.groupId === groupId) && !this.isPending(at => at.groupId === groupId))
        this.groups.delete(groupId)
  }

  offsets(groupId: string): Record<string, Record<number, number>> {
    const found: Record<string, Record<number, number>> = {}
    for (const { at, offset: committed } of this.committed.values())
      if (at.groupId === groupId) (found[at.topic] ??= {})[at.partition] = committed
    return found
  }
}

class Walk {
  readonly test = offsetsUnderTest({ offsetsRetentionMinutes: retentionMs / minute, offsetsRetentionCheckIntervalMs: minute })
  readonly model = new Model()
  readonly entries: Entry[] = []
  readonly #administration: GroupAdministration

  constructor() {
    const { world, groups, offsets, log } = this.test
    this.#administration = new GroupAdministration(world, { groups, offsets, describeClassic: nothing, describeConsumer: nothing })
    const { replay } = log
    log.replay = (record, at) => {
      this.entries.push({ record, producer: null })
      replay(record, at)
    }
    offsets.loaded()
  }

  take(taken: Step): void {
    const { model, test } = this
    switch (taken.do) {
      case 'commit': {
        const { at, offset: committed, retentionMs: retentionTimeMs } = taken
        this.#decide(
          test.offsets.commit(commitOf(at.groupId, { [at.topic]: { [at.partition]: committed } }, { retentionTimeMs }), caller(4)),
        )
        const lifetime = retentionTimeMs === -1 ? retentionMs : retentionTimeMs
        model.committed.set(keyOf(at), this.#known(at, committed, lifetime))
        model.groups.add(at.groupId)
        return
      }
      case 'write': {
        const known = this.#known(taken.at, taken.offset, retentionMs)
        const commitTimestampMs = known.committedAt
        const value = { offset: taken.offset, leaderEpoch: -1, metadata: '', commitTimestampMs, expireTimestampMs: -1, topicId: ZERO_UUID }
        const record = offsetRecord(taken.at, value)
        test.write(taken.producer, [record])
        this.entries.push({ record, producer: taken.producer })
        const offsets = model.pending.get(taken.producer) ?? new Map<string, Known>()
        model.pending.set(taken.producer, offsets.set(keyOf(taken.at), known))
        model.groups.add(taken.at.groupId)
        return
      }
      case 'end':
        return this.#end(taken.producer, taken.commit)
      case 'deleteOffset': {
        const { groupId, topic, partition } = taken.at
        if (!model.groups.has(groupId)) return
        const request = { groupId, topics: [{ name: topic, partitions: [{ partitionIndex: partition }] }] }
        this.#decide(test.offsets.deleteOffsets(request))
        return model.forget(at => keyOf(at) === keyOf(taken.at))
      }
      case 'deleteGroup':
        this.#decide(this.#administration.delete([taken.groupId]))
        model.groups.delete(taken.groupId)
        return model.forget(({ groupId }) => groupId === taken.groupId)
      case 'deleteTopic':
        this.#decide(test.offsets.topicsDeleted([{ name: taken.topic, id: 'AAAAAQAAAAAAAAAAAAAAAA' }]))
        test.clock.advance(0)
        return model.forget(({ topic }) => topic === taken.topic)
      case 'wait':
        for (let minutes = 0; minutes < taken.minutes; minutes++) {
          test.clock.advance(minute)
          model.expire(test.clock.now())
        }
    }
  }

  endAll(): void {
    for (const producerId of [1, 2, 3]) this.#end(producerId, producerId !== 2)
  }

  #known(at: Place, committed: number, lifetimeMs: number): Known {
    const committedAt = this.test.clock.now()
    return { at, offset: committed, committedAt, expiresAt: committedAt + lifetimeMs, order: this.test.log.records.length }
  }

  #decide(decision: Decision<unknown>): void {
    this.test.decide(decision).catch(() => {})
  }

  #end(producerId: number, commit: boolean): void {
    this.test.offsets.endTransaction({ id: producerId, epoch: 0 }, commit)
    this.entries.push({ end: producerId, commit })
    this.model.end(producerId, commit)
  }
}

/** A new state made from a log; entries that are null are compacted away. */
function replayed(entries: readonly (Entry | null)[]): OffsetsUnderTest {
  const test = offsetsUnderTest()
  let at = -1
  for (const entry of entries) {
    if (entry === null || !('end' in entry)) at += 1
    if (entry === null) continue
    if ('end' in entry) test.offsets.endTransaction({ id: entry.end, epoch: 0 }, entry.commit)
    else if (entry.producer === null) test.log.replay(entry.record, at)
    else test.offsets.replay(entry.record, at, { id: entry.producer, epoch: 0 })
  }
  return test
}

/** The log without what aborted transactions wrote, and of each key only the last record. */
function compacted(entries: readonly Entry[]): (Entry | null)[] {
  const kept: (Entry | null)[] = []
  const open = new Map<number, number[]>()
  for (const [at, entry] of entries.entries()) {
    kept.push(entry)
    if ('end' in entry) {
      if (!entry.commit) for (const written of open.get(entry.end) ?? []) kept[written] = null
      open.delete(entry.end)
    } else if (entry.producer !== null) open.set(entry.producer, [...(open.get(entry.producer) ?? []), at])
  }
  const last = new Map<string, number>()
  for (const [at, entry] of kept.entries()) {
    if (entry === null || 'end' in entry) continue
    const key = `${entry.record.type.type} ${JSON.stringify(entry.record.key)}`
    const before = last.get(key)
    if (before !== undefined) kept[before] = null
    last.set(key, at)
  }
  return kept
}

/** All that can be asked. */
const answers = ({ offsets, groups }: OffsetsUnderTest) => ({
  groups: [...groups.keys()].toSorted(),
  offsets: groupIds.map(groupId => ({ seen: allOffsets(offsets, groupId), stable: allOffsets(offsets, groupId, true) })),
  details: groupIds.map(groupId => [...(offsets.committed(groupId) ?? [])].map(([topic, partitions]) => [topic, new Map(partitions)])),
  tombstones: groupIds.map(groupId => new Set(offsets.tombstonesOf(groupId).map(({ key }) => JSON.stringify(key)))),
  size: offsets.size,
})

it('offsets are what a model says, and what a replay of the log says', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const walk = new Walk()
      for (const taken of steps) {
        walk.take(taken)
        const { model, test } = walk
        expect([...test.groups.keys()].toSorted()).toEqual([...model.groups].toSorted())
        for (const groupId of groupIds) expect(allOffsets(test.offsets, groupId)).toEqual(model.offsets(groupId))
        expect(test.offsets.size).toBe(model.committed.size)
        expect(answers(replayed(walk.entries))).toEqual(answers(test))
      }
      walk.endAll()
      const rest = replayed(compacted(walk.entries))
      for (const groupId of groupIds) expect(allOffsets(rest.offsets, groupId)).toEqual(allOffsets(walk.test.offsets, groupId))
      expect(walk.test.log.records.every(record => isOffsetRecord(record) || record.type === groupMetadataRecord)).toBe(true)
    }),
    { numRuns: 150 },
  )
})
