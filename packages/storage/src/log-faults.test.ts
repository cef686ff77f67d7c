// A full disk, a failing one, and damaged bytes.
import { batchesIn, ErrorCode, KafkaError, ManualClock, seededRandom } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { defaultLogConfig, type LogConfig } from './config.ts'
import type { Log, Progress } from './log.ts'
import { LogManager } from './log-manager.ts'
import { batchOf, bytesOf, KeptLogger, ManualSchedule } from './log-testing.ts'
import { turn } from './log-simulation.ts'
import { MemoryDisk } from './memory-disk.ts'

const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'

class Bench {
  readonly clock = new ManualClock()
  readonly logger = new KeptLogger()
  readonly schedule = new ManualSchedule()
  disk = new MemoryDisk()
  manager: LogManager | undefined
  readonly progress: Progress[] = []

  async open(changes: Partial<LogConfig> = {}): Promise<Log> {
    const config: LogConfig = { ...defaultLogConfig, flushMode: 'os', indexIntervalBytes: 100, ...changes }
    this.manager = await LogManager.open({
      directories: ['/logs'],
      files: this.disk,
      clock: this.clock,
      logger: this.logger,
      random: seededRandom(3),
      schedule: this.schedule.schedule,
      configOf: () => config,
      tailCacheBytes: 0,
      readBufferBytes: 300_000,
    })
    const log = this.manager.getOrCreate({ topic: 'faults', topicId, partition: 0, config })
    log.onProgress = progress => this.progress.push(progress)
    return log
  }
}

const append = (log: Log, value: string, sequence = -1): number => {
  const id = sequence < 0 ? {} : { producerId: 1, producerEpoch: 0, baseSequence: sequence }
  return log.appendAsLeader(batchOf({ values: [value], ...id }), { leaderEpoch: 1 }).baseOffset
}

const codeOf = async (work: () => unknown): Promise<number> => {
  try {
    await work()
  } catch (error) {
    if (error instanceof KafkaError) return error.code
    throw error
  }
  return 0
}

const offsetsFrom = async (log: Log, offset: number): Promise<number[]> => {
  const data = await log.read({ offset, maxBytes: 100_000, endOffset: log.logEndOffset, minOneBatch: true })
  return [...batchesIn(bytesOf(data))].map(batch => batch.baseOffset)
}

describe('a full disk', () => {
  it('takes the staged appends back, keeps reads going, and lets the next append succeed once there is room', async () => {
    const bench = new Bench()
    const log = await bench.open()
    append(log, 'a', 0)
    append(log, 'b', 1)
    bench.schedule.run()
    const { size } = log
    const heal = bench.disk.fail({ operation: 'writeSync', path: '.log', code: 'ENOSPC', partialBytes: 40 })
    expect([append(log, 'c', 2), append(log, 'd', 3)]).toEqual([2, 3])
    bench.schedule.run()
    expect(bench.progress.at(-1)).toMatchObject({ writtenOffset: 2, error: { code: ErrorCode.KAFKA_STORAGE_ERROR } })
    expect([log.logEndOffset, log.size, bench.disk.statSync(log.active.logPath(log.path))?.size]).toEqual([2, size, size])
    expect(await offsetsFrom(log, 0)).toEqual([0, 1])
    heal()
    // The producer sends the same sequences again, as it does after a retriable error.
    expect([append(log, 'c', 2), append(log, 'd', 3)]).toEqual([2, 3])
    bench.schedule.run()
    expect(bench.progress.at(-1)).toEqual({ writtenOffset: 4, flushedOffset: 0 })
    expect(await offsetsFrom(log, 0)).toEqual([0, 1, 2, 3])
  })

  it('refuses a large batch at once', async () => {
    const bench = new Bench()
    const log = await bench.open()
    append(log, 'small')
    const heal = bench.disk.fail({ operation: 'writeSync', path: '.log', code: 'ENOSPC', partialBytes: 40 })
    expect(await codeOf(() => append(log, 'x'.repeat(70_000)))).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(log.logEndOffset).toBe(0)
    bench.schedule.run()
    expect(bench.progress).toHaveLength(1)
    heal()
    expect(append(log, 'x'.repeat(70_000))).toBe(0)
    expect(await offsetsFrom(log, 0)).toEqual([0])
  })

  it('refuses a roll, and rolls once there is room', async () => {
    const bench = new Bench()
    const log = await bench.open({ segmentBytes: 200 })
    append(log, 'a')
    append(log, 'b')
    bench.schedule.run()
    const heal = bench.disk.fail({ operation: 'openSync', path: '.log', code: 'ENOSPC' })
    expect(await codeOf(() => append(log, 'x'.repeat(100)))).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect([log.segments.length, log.logEndOffset]).toEqual([1, 2])
    heal()
    expect(append(log, 'x'.repeat(100))).toBe(2)
    bench.schedule.run()
    expect(await offsetsFrom(log, 2)).toEqual([2])
  })
})

describe('too many open files', () => {
  it('refuses appends until one can be opened again, without taking the directory offline', async () => {
    const bench = new Bench()
    const log = await bench.open()
    append(log, 'a')
    bench.schedule.run()
    bench.manager?.world.openFiles.closeAll()
    const heal = bench.disk.fail({ operation: 'openSync', path: '.log', code: 'EMFILE' })
    append(log, 'b')
    bench.schedule.run()
    expect(bench.progress.at(-1)).toMatchObject({ writtenOffset: 1, error: { code: ErrorCode.KAFKA_STORAGE_ERROR } })
    heal()
    expect(append(log, 'b')).toBe(1)
    bench.schedule.run()
    expect(await offsetsFrom(log, 0)).toEqual([0, 1])
  })
})

describe('a failing disk', () => {
  it.each(['writeSync', 'truncateSync'] as const)('goes offline when %s gives EIO', async operation => {
    const bench = new Bench()
    const log = await bench.open()
    append(log, 'a')
    bench.schedule.run()
    if (operation === 'truncateSync') bench.disk.fail({ operation: 'writeSync', path: '.log', code: 'ENOSPC', partialBytes: 5 })
    bench.disk.fail({ operation, path: '.log', code: 'EIO' })
    append(log, 'b')
    bench.schedule.run()
    expect(bench.progress.at(-1)).toMatchObject({ writtenOffset: 1, error: { code: ErrorCode.KAFKA_STORAGE_ERROR } })
    expect(bench.manager?.directories[0]?.online).toBe(false)
    expect(await codeOf(() => append(log, 'c'))).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(await codeOf(() => offsetsFrom(log, 0))).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
  })

  it('never flushes again after a failed fdatasync, and tells every partition of the directory', async () => {
    const bench = new Bench()
    const log = await bench.open({ flushMode: 'ack' })
    const other = bench.manager?.getOrCreate({ topic: 'other', topicId, partition: 0, config: log.config })
    const seen: Progress[] = []
    if (other !== undefined) other.onProgress = progress => seen.push(progress)
    let syncs = 0
    bench.disk.beforeOperation = operation => {
      if (operation === 'datasync') syncs++
    }
    bench.disk.fail({ operation: 'datasync', path: '.log', code: 'EIO', times: 1 })
    append(log, 'a')
    bench.schedule.run()
    await turn()
    bench.schedule.run()
    const after = syncs
    expect(bench.manager?.directories[0]?.online).toBe(false)
    expect(seen.at(-1)).toMatchObject({ error: { code: ErrorCode.KAFKA_STORAGE_ERROR } })
    expect(await codeOf(() => log.flush())).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    await turn()
    expect([syncs, log.flushedOffset]).toEqual([after, 0])
    await bench.manager?.close()
    expect(bench.disk.statSync('/logs/.kafka_cleanshutdown')).toBeUndefined()
  })

  it('answers a failed read with a retriable error and goes on', async () => {
    const bench = new Bench()
    const log = await bench.open()
    append(log, 'a')
    bench.schedule.run()
    for (const operation of ['readSync', 'read'] as const) bench.disk.fail({ operation, path: '.log', code: 'EIO', times: 1 })
    // Nothing in the tail cache, so that the file is asked.
    log.tail = null
    log.active.warm = true
    expect(await codeOf(() => offsetsFrom(log, 0))).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    log.active.warm = false
    log.active.writtenAt = Number.NaN
    expect(await codeOf(() => offsetsFrom(log, 0))).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(await offsetsFrom(log, 0)).toEqual([0])
  })

  it('answers an append that must read, and cannot, with a retriable error, and takes it the next time', async () => {
    const bench = new Bench()
    append(await bench.open(), 'a')
    bench.schedule.run()
    await bench.manager?.close()
    const log = await bench.open()
    // The time of the segment's first batch is not known after a start.
    bench.disk.fail({ operation: 'readSync', path: '.log', code: 'EIO', times: 1 })
    expect(await codeOf(() => append(log, 'b'))).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(log.logEndOffset).toBe(1)
    append(log, 'b')
    bench.schedule.run()
    expect(await offsetsFrom(log, 0)).toEqual([0, 1])
  })
})

/** Twenty batches in two segments, cleanly stopped or killed, then one byte changed. */
const damaged = async (options: { clean: boolean; batch: number; byte: number }): Promise<{ bench: Bench; log: Log }> => {
  const bench = new Bench()
  const log = await bench.open({ segmentBytes: 1000 })
  for (let index = 0; index < 20; index++) append(log, `value ${index}`)
  await log.flush()
  await bench.manager?.checkpoint()
  if (options.clean) await bench.manager?.close()
  const path = `/logs/faults-0/${String(log.segmentAt(0).baseOffset).padStart(20, '0')}.log`
  bench.disk = bench.disk.crash()
  const file = bench.disk.openSync(path, 'update')
  const content = bench.disk.readFileSync(path)
  const batch = [...batchesIn(content)][options.batch]
  if (batch === undefined) throw new Error('no such batch')
  const at = batch.at + options.byte
  file.writeSync([Buffer.from([(content[at] ?? 0) ^ 0x55])], at)
  file.closeSync()
  return { bench, log: await bench.open({ segmentBytes: 1000 }) }
}

describe('damaged bytes below the recovery point', () => {
  const cases = [true, false].flatMap(clean =>
    [0, 4].flatMap(batch => [3, 8, 10, 16, 18, 24, 60, 65].map(byte => ({ clean, batch, byte }))),
  )

  it.each(cases)('are never cut, and cost only their own offsets: %o', async options => {
    const { bench, log } = await damaged(options)
    expect([log.logStartOffset, log.logEndOffset]).toEqual([0, 20])
    for (let offset = 0; offset < 20; offset++) {
      if (offset === options.batch) expect(await codeOf(() => offsetsFrom(log, offset))).toBe(ErrorCode.CORRUPT_MESSAGE)
      else expect((await offsetsFrom(log, offset))[0]).toBe(offset)
    }
    expect(bench.logger.lines.some(line => line.level === 'error' && 'position' in line.fields)).toBe(true)
    expect(append(log, 'next')).toBe(20)
    bench.schedule.run()
    expect(await offsetsFrom(log, 20)).toEqual([20])
  })
})
