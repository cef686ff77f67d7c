// The runtime over a log in memory: when replies are given, and what becomes of them when appends are refused, taken back, or led by others.
import { BatchBuilder, batchesIn, endTransactionMarker, ErrorCode, KafkaError, ManualClock, recordsOf } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { answered, type Decision } from './decision.ts'
import { type CoordinatorRecord, encodeRecord } from './record.ts'
import { CoordinatorRuntime } from './runtime.ts'
import { groupRecord, MemoryLog, NotingState, silentLogger } from './runtime-testing.ts'
import type { Timers } from './timers.ts'

const { COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, KAFKA_STORAGE_ERROR, NOT_COORDINATOR, UNKNOWN_SERVER_ERROR } = ErrorCode

/** One partition led by a runtime. */
class Bench {
  readonly clock = new ManualClock()
  readonly log = new MemoryLog()
  readonly states: NotingState[] = []
  readonly timers: Timers[] = []
  readonly runtime = new CoordinatorRuntime<NotingState>({
    topic: '__consumer_offsets',
    clock: this.clock,
    logger: silentLogger,
    create: (_partition, timers) => {
      const state = new NotingState()
      this.states.push(state)
      this.timers.push(timers)
      return state
    },
  })

  static async open(fill: (log: MemoryLog) => void = () => undefined): Promise<Bench> {
    const bench = new Bench()
    fill(bench.log)
    bench.runtime.lead(3, 1, bench.log)
    await bench.runtime.loaded(3)
    return bench
  }

  get state(): NotingState {
    const state = this.states.at(-1)
    if (state === undefined) throw new Error('there is no state')
    return state
  }

  write<R>(records: readonly CoordinatorRecord[], reply: R | Promise<R>, rest: Partial<Decision<R>> = {}): R | Promise<R> {
    return this.runtime.run(3, () => ({ records, reply, ...rest }))
  }

  ask(): string | undefined | Promise<string | undefined> {
    return this.runtime.run(3, state => answered(state.groups.get('g')))
  }
}

const aMistake = (): Decision<void> => {
  throw new Error('a mistake')
}

const codeOf = async (run: () => unknown): Promise<number> => {
  try {
    await run()
  } catch (error) {
    if (error instanceof KafkaError) return error.code
    throw error
  }
  return 0
}

const isSettled = async (promise: unknown): Promise<boolean> => {
  const pending = Symbol('pending')
  await new Promise(resolve => setImmediate(resolve))
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending
}

describe('replies', () => {
  it('wait for what they are based on, and no longer', async () => {
    const bench = await Bench.open()
    expect(bench.ask()).toBeUndefined()
    const first = bench.write([groupRecord('g', 'a')], 'first')
    const question = bench.ask()
    const second = bench.write([groupRecord('g', 'b'), groupRecord('h', 'b')], Promise.resolve('second'))
    expect(bench.state.groups.get('g')).toBe('b')
    expect(await isSettled(first)).toBe(false)
    bench.log.commit(1)
    expect([await first, await question]).toEqual(['first', 'a'])
    expect(await isSettled(second)).toBe(false)
    bench.log.commit()
    expect(await second).toBe('second')
    expect(bench.ask()).toBe('b')
    expect(bench.log.batches).toHaveLength(2)
  })

  it('are told to who asks for it, also for what replays nothing', async () => {
    const bench = await Bench.open()
    const heard: (number | null)[] = []
    const settled = (error: KafkaError | null): number => heard.push(error?.code ?? null)
    const written = bench.write([groupRecord('g', 'a')], 1, { replays: false, settled })
    expect(bench.state.groups.size).toBe(0)
    expect(heard).toEqual([])
    bench.log.commit()
    await written
    await bench.write([], 1, { settled })
    bench.log.refusal = new KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS)
    expect(await codeOf(() => bench.write([groupRecord('g', 'a')], 1, { settled }))).toBe(COORDINATOR_NOT_AVAILABLE)
    expect(heard).toEqual([null, null, COORDINATOR_NOT_AVAILABLE])
  })

  it('may fail before their time', async () => {
    const bench = await Bench.open()
    const reply = bench.write([groupRecord('g', 'a')], Promise.reject(new KafkaError(ErrorCode.REBALANCE_IN_PROGRESS)))
    await new Promise(resolve => setImmediate(resolve))
    bench.log.commit()
    expect(await codeOf(() => reply)).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
  })
})

describe('failures', () => {
  it('of appends to be committed in time are told, and what came of them later', async () => {
    const bench = await Bench.open()
    const heard: (number | null)[] = []
    const late = bench.write([groupRecord('g', 'a')], 1, { settled: error => heard.push(error?.code ?? null) })
    bench.clock.advance(3000)
    const question = bench.ask()
    bench.clock.advance(2020)
    expect(await codeOf(() => late)).toBe(COORDINATOR_NOT_AVAILABLE)
    expect(heard).toEqual([])
    bench.log.commit()
    expect([await question, heard]).toEqual(['a', [null]])
    bench.clock.advance(10_000)
    expect(bench.runtime.timerCount).toBe(0)
  })

  it('of an append change nothing', async () => {
    const bench = await Bench.open()
    bench.log.refusal = new KafkaError(KAFKA_STORAGE_ERROR)
    expect(await codeOf(() => bench.write([groupRecord('g', 'a')], 1))).toBe(NOT_COORDINATOR)
    expect(await codeOf(() => bench.write([groupRecord('g', 'a'.repeat(2000))], 1))).toBe(ErrorCode.MESSAGE_TOO_LARGE)
    // What is known to be too large is not even encoded: the record could not be.
    const unencoded = { records: [{ ...groupRecord('g', 'a'), valueVersion: -1 }], leastBytes: 2 ** 40, reply: 1 }
    expect(await codeOf(() => bench.runtime.run(3, () => unencoded))).toBe(ErrorCode.MESSAGE_TOO_LARGE)
    expect(bench.ask()).toBeUndefined()
    expect(bench.state.notes).toEqual(['loaded'])
  })

  it('of appends that were staged take the state back to what is in the log', async () => {
    const bench = await Bench.open()
    const kept = bench.write([groupRecord('g', 'kept')], 1)
    bench.log.commit()
    await kept
    const heard: (number | undefined)[] = []
    const lost = bench.write([groupRecord('g', 'lost')], 1, { settled: error => heard.push(error?.code) })
    const question = bench.ask()
    const [before] = bench.states
    bench.timers[0]?.set('t', 10, () => answered(undefined))
    bench.log.fail(new KafkaError(KAFKA_STORAGE_ERROR))
    expect([await codeOf(() => lost), await codeOf(() => question)]).toEqual([NOT_COORDINATOR, NOT_COORDINATOR])
    expect(heard).toEqual([NOT_COORDINATOR])
    expect(before?.notes.at(-1)).toBe(`unloaded ${NOT_COORDINATOR}`)
    expect(await codeOf(() => bench.ask())).toBe(COORDINATOR_LOAD_IN_PROGRESS)
    await bench.runtime.loaded(3)
    expect(bench.ask()).toBe('kept')
    expect(bench.runtime.timerCount).toBe(0)
  })

  it('of ours do not leave the partition in doubt', async () => {
    const bench = await Bench.open()
    expect(await codeOf(() => bench.runtime.run(3, () => aMistake()))).toBe(UNKNOWN_SERVER_ERROR)
    expect(await codeOf(() => bench.write([groupRecord('unreplayable', 'a')], 1))).toBe(UNKNOWN_SERVER_ERROR)
    await bench.runtime.loaded(3)
    expect(bench.runtime.status(3)).toBe('failed')
    expect(await codeOf(() => bench.ask())).toBe(NOT_COORDINATOR)
  })

  it('of leadership are told to everybody', async () => {
    const bench = await Bench.open()
    const written = bench.write([groupRecord('g', 'a')], 1)
    bench.runtime.resign(3)
    expect(await codeOf(() => written)).toBe(NOT_COORDINATOR)
    expect(await codeOf(() => bench.ask())).toBe(NOT_COORDINATOR)
    expect(bench.state.notes.at(-1)).toBe(`unloaded ${NOT_COORDINATOR}`)
    bench.runtime.lead(3, 2, bench.log)
    expect(await codeOf(() => bench.ask())).toBe(COORDINATOR_LOAD_IN_PROGRESS)
    await bench.runtime.loaded(3)
    const question = bench.ask()
    expect(await isSettled(question)).toBe(false)
    bench.log.commit()
    expect(await question).toBe('a')
  })
})

describe('timers', () => {
  it('decide like anybody else, and are tried again when that cannot be written', async () => {
    const bench = await Bench.open()
    bench.timers[0]?.set('t', 100, () => ({ records: [groupRecord('g', 'timer')], reply: undefined }))
    bench.log.refusal = new KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS)
    bench.clock.advance(150)
    expect(bench.state.groups.size).toBe(0)
    bench.clock.advance(520)
    expect(bench.state.groups.get('g')).toBe('timer')
    bench.clock.advance(10_000)
    expect(bench.log.batches).toHaveLength(1)
  })
})

describe('loading', () => {
  it('replays transactions as they lie, and skips what it does not know', async () => {
    const bench = await Bench.open(log => {
      const producer = { producerId: 9, producerEpoch: 1 }
      const part = new BatchBuilder({ ...producer, isTransactional: true }).append(encodeRecord(groupRecord('g', 'a')))
      log.append(part.build())
      log.append(endTransactionMarker({ isCommit: true, coordinatorEpoch: 1 }, { ...producer, timestamp: 1 }))
      log.append(new BatchBuilder().append({ key: Buffer.from([0x7f, 0, 1]), value: Buffer.from([0, 0]) }).build())
    })
    expect(bench.state.notes).toEqual(['0 {"group":"g"} of 9', 'commit of 9', 'loaded'])
  })

  it.each([
    ['a record that means nothing', new BatchBuilder().append({ key: Buffer.from([0, 2, 0]), value: null }).build().bytes],
    ['a record without a key', new BatchBuilder().append({ value: 'x' }).build().bytes],
    ['damage', Buffer.from(new BatchBuilder().append(encodeRecord(groupRecord('g', 'a'))).build().bytes).fill(7, 70, 71)],
  ])('fails for %s', async (_what, bytes) => {
    const bench = await Bench.open(log => {
      log.batches.push(bytes)
      log.endOffset = 1
    })
    expect(bench.runtime.status(3)).toBe('failed')
    expect(await codeOf(() => bench.ask())).toBe(NOT_COORDINATOR)
  })

  it.each([KAFKA_STORAGE_ERROR, ErrorCode.OFFSET_OUT_OF_RANGE])('is tried again where the log could not be read: %i', async code => {
    const bench = await Bench.open(log => {
      log.append(new BatchBuilder().append(encodeRecord(groupRecord('g', 'a'))).build())
      log.commit()
      log.readError = new KafkaError(code)
    })
    expect(bench.runtime.status(3)).toBe('failed')
    bench.clock.advance(1500)
    await bench.runtime.loaded(3)
    expect(bench.runtime.status(3)).toBe('failed')
    bench.log.readError = null
    bench.clock.advance(1500)
    await bench.runtime.loaded(3)
    expect(bench.ask()).toBe('a')
    expect(bench.runtime.timerCount).toBe(0)
  })

  it('ends where nobody wants it any more', async () => {
    const bench = new Bench()
    bench.log.append(new BatchBuilder().append(encodeRecord(groupRecord('g', 'a'))).build())
    const slice = await bench.log.read(0, 100)
    bench.log.read = async () => {
      for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
      return slice
    }
    bench.runtime.lead(3, 1, bench.log)
    const loading = bench.runtime.loaded(3)
    await new Promise(resolve => setImmediate(resolve))
    bench.runtime.close()
    await loading
    expect(bench.states[0]?.notes).toEqual([])
    expect([...bench.runtime.partitions]).toEqual([])
  })
})

it('writes transactions for who asks for it', async () => {
  const bench = await Bench.open()
  const producer = { id: 4, epoch: 2 }
  bench.log.maxBatchBytes = 10_000
  void bench.runtime.run(3, () => ({ records: [groupRecord('g', 'a')], reply: 1 }), { producer })
  const ended = bench.runtime.endTransaction(3, producer, { committed: false, coordinatorEpoch: 5 })
  bench.log.commit()
  await ended
  expect(bench.state.notes).toEqual(['loaded', '0 {"group":"g"} of 4', 'abort of 4'])
  const batches = bench.log.batches.flatMap(bytes => [...batchesIn(bytes)])
  expect(batches.map(batch => [batch.isTransactional, batch.isControl, batch.producerId])).toEqual([
    [true, false, 4],
    [true, true, 4],
  ])
  expect(batches.flatMap(batch => [...recordsOf(batch)])).toHaveLength(2)
})
