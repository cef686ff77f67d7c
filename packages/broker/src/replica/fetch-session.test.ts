import type { FetchRequest } from '@ottla/protocol'
import { ErrorCode, fetchApi, ManualClock, Reader, requestCodec, seededRandom, Writer } from '@ottla/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FetchTarget } from './fetch-read.ts'
import { PartitionRead, ReadLoans } from './fetch-read.ts'
import { FetchSessions } from './fetch-session.ts'

const requestOf = (
  session: { id: number; epoch: number },
  wanted: readonly [number, number][],
  forgotten: readonly number[] = [],
): FetchRequest => {
  const writer = new Writer()
  requestCodec(fetchApi, 12).write(writer, {
    maxWaitMs: 0,
    minBytes: 1,
    sessionId: session.id,
    sessionEpoch: session.epoch,
    topics: wanted.map(([partition, fetchOffset]) => ({ topic: 't', partitions: [{ partition, fetchOffset, partitionMaxBytes: 9 }] })),
    forgottenTopicsData: forgotten.map(partition => ({ topic: 't', partitions: [partition] })),
  })
  return requestCodec(fetchApi, 12).read(new Reader(writer.bytes()))
}

/** Reads of partitions whose high watermarks are these; records where the watermark is above the offset. */
const readsOf = (targets: readonly FetchTarget[], highWatermarks: ReadonlyMap<number, number>): PartitionRead[] =>
  targets.map(target => {
    const read = new PartitionRead(target, new ReadLoans(0))
    const highWatermark = highWatermarks.get(target.partition)
    if (highWatermark === undefined) read.errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    else {
      read.highWatermark = highWatermark
      read.logStartOffset = 0
      read.size = Math.max(0, highWatermark - target.fetchOffset)
    }
    return read
  })

const begin = (sessions: FetchSessions, partitions: number): number => {
  const wanted = Array.from({ length: partitions }, (_, partition): [number, number] => [partition, 0])
  const context = sessions.open(requestOf({ id: 0, epoch: 0 }, wanted), 12)
  return sessions.answer(context, readsOf(context.targets, new Map()), 0).sessionId
}

describe('fetch sessions', () => {
  it('tell a client as much as a request for everything each time would', () => {
    const step = fc.record({
      append: fc.array(fc.nat(4), { maxLength: 3 }),
      want: fc.array(fc.nat(5), { maxLength: 2 }),
      forget: fc.array(fc.nat(5), { maxLength: 1 }),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), steps => {
        const sessions = new FetchSessions({ clock: new ManualClock(), random: seededRandom(1), slots: 5 })
        const highWatermarks = new Map([0, 1, 2, 3, 4].map(partition => [partition, 0]))
        // What the client knows: its offsets, and the high watermarks that it was told.
        const offsets = new Map<number, number>([[0, 0]])
        const told = new Map<number, number>()
        let session = { id: 0, epoch: 0 }
        let changed = new Set([0])
        for (const { append, forget, want } of steps) {
          for (const partition of append) highWatermarks.set(partition, (highWatermarks.get(partition) ?? 0) + 1)
          for (const partition of want) {
            if (!offsets.has(partition)) offsets.set(partition, 0)
            changed.add(partition)
          }
          const gone = session.epoch === 0 ? [] : forget.filter(partition => offsets.has(partition) && !want.includes(partition))
          for (const partition of gone) {
            offsets.delete(partition)
            told.delete(partition)
            changed.delete(partition)
          }
          const wanted = [...changed].map((partition): [number, number] => [partition, offsets.get(partition) ?? 0])
          const context = sessions.open(requestOf(session, wanted, gone), 12)
          expect(context.errorCode).toBe(ErrorCode.NONE)
          const asked = context.targets.map(({ fetchOffset, partition }) => [partition, fetchOffset])
          if (offsets.size > 0) expect(new Map(asked.map(([p = -1, o = -1]) => [p, o]))).toEqual(offsets)
          const answer = sessions.answer(context, readsOf(context.targets, highWatermarks), session.epoch)
          expect(answer.errorCode).toBe(ErrorCode.NONE)
          changed = new Set()
          for (const { highWatermark, partitionIndex, size } of answer.reads) {
            if (highWatermark >= 0) told.set(partitionIndex, highWatermark)
            if (size === 0) continue
            offsets.set(partitionIndex, highWatermark)
            changed.add(partitionIndex)
          }
          for (const partition of offsets.keys()) {
            const highWatermark = highWatermarks.get(partition)
            if (highWatermark === undefined) expect(answer.reads.some(read => read.partitionIndex === partition)).toBe(true)
            else expect(told.get(partition)).toBe(highWatermark)
          }
          session = answer.sessionId === 0 ? { id: 0, epoch: 0 } : { id: answer.sessionId, epoch: session.epoch + 1 }
          if (answer.sessionId === 0) changed = new Set(offsets.keys())
        }
      }),
    )
  })

  it('are no more than there is room for: larger ones replace old smaller ones, and any a stale one', () => {
    const clock = new ManualClock()
    const sessions = new FetchSessions({ clock, random: seededRandom(1), slots: 2 })
    const small = begin(sessions, 1)
    const large = begin(sessions, 3)
    expect(small).toBeGreaterThan(0)
    expect(begin(sessions, 5)).toBe(0)
    clock.advance(120_000)
    for (const id of [large, small]) expect(sessions.open(requestOf({ id, epoch: 1 }, []), 12).errorCode).toBe(ErrorCode.NONE)
    clock.advance(1)
    expect(begin(sessions, 1)).toBe(0)
    expect(begin(sessions, 2)).toBeGreaterThan(0)
    expect(sessions.open(requestOf({ id: small, epoch: 2 }, []), 12).errorCode).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    clock.advance(120_000)
    expect(begin(sessions, 1)).toBeGreaterThan(0)
    expect(sessions.open(requestOf({ id: large, epoch: 2 }, []), 12).errorCode).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    expect(sessions.size).toBe(2)
    expect(sessions.evictions).toBe(2)
  })

  it('hold no more partitions together than there is room for, but always take small ones', () => {
    const sessions = new FetchSessions({ clock: new ManualClock(), random: seededRandom(1), slots: 10, partitions: 5000 })
    const first = begin(sessions, 2500)
    expect(begin(sessions, 2500)).toBeGreaterThan(0)
    expect(begin(sessions, 1001)).toBe(0)
    expect(begin(sessions, 1000)).toBeGreaterThan(0)
    expect(sessions.open(requestOf({ id: first, epoch: 1 }, [[3000, 0]]), 12)).toMatchObject({ errorCode: 0, session: null })
    expect(sessions.partitions).toBe(3500)
  })

  it('answer a request that overtook another one with an error', () => {
    const sessions = new FetchSessions({ clock: new ManualClock(), random: seededRandom(1), slots: 2 })
    const id = begin(sessions, 1)
    const first = sessions.open(requestOf({ id, epoch: 1 }, []), 12)
    sessions.open(requestOf({ id, epoch: 2 }, []), 12)
    expect(sessions.answer(first, [], 1).errorCode).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
  })

  it('end when nothing is left in them', () => {
    const sessions = new FetchSessions({ clock: new ManualClock(), random: seededRandom(1), slots: 2 })
    const id = begin(sessions, 1)
    expect(sessions.open(requestOf({ id, epoch: 1 }, [], [0]), 12)).toMatchObject({ errorCode: 0, targets: [], session: null })
    expect(sessions.size).toBe(0)
  })
})
