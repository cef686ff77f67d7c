// Compaction of 16 MiB of log, where nothing can be dropped: every pass reads all of it twice, enters every key, and writes it again, so
// that one pass costs what the next does. Operations per second times 16 MiB is the rate of input. Beside it, as lower bounds: looking for
// damage in two readings, and plain copying of the same bytes. The longest time that the event loop was held is printed at the end, by
// passes on the loop and by those in the thread.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchBuilder, type CompressionName, seededRandom } from '@ottla/protocol'
import { afterAll, bench, describe } from 'vitest'
import { CleanPace } from './clean-pace.ts'
import { BatchReader } from './clean-reader.ts'
import { CleanThread } from './clean-thread.ts'
import { defaultLogConfig, type LogConfig } from './config.ts'
import type { Log } from './log.ts'
import { LogManager } from './log-manager.ts'
import { KeptLogger } from './log-testing.ts'
import { nodeFiles } from './node-files.ts'

const LOG_BYTES = 16 * 1024 * 1024
// In memory where that can be had: what a device does is not measured.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'compaction-bench-'))
const config: LogConfig = {
  ...defaultLogConfig,
  flushMode: 'os',
  cleanupPolicy: { compact: true, delete: false },
  segmentBytes: 8 * 1024 * 1024,
  fileDeleteDelayMs: 0,
}
const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs: number, run: () => void) => {
    const timer = setTimeout(run, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}
const manager = await LogManager.open({
  directories: [join(folder, 'logs')],
  clock,
  random: seededRandom(1),
  logger: new KeptLogger(),
})
const thread = CleanThread.find({ clock })
/** How long the loop was held at most. */
const heldMs = { loop: 0, thread: 0 }
let place: keyof typeof heldMs = 'loop'
/** 0 while no pass goes on. */
let turnBegan = 0
const beat = setInterval(() => {
  if (turnBegan > 0) heldMs[place] = Math.max(heldMs[place], performance.now() - turnBegan - 1)
  if (turnBegan > 0) turnBegan = performance.now()
}, 1)

const pass = async (log: Log, where: keyof typeof heldMs): Promise<void> => {
  log.cleanedOffset = undefined
  place = where
  turnBegan = performance.now()
  await log.compact({ pace: new CleanPace({ clock }), ...(where === 'thread' && thread !== undefined ? { thread } : {}) })
  turnBegan = 0
}

const copy = async (log: Log): Promise<void> => {
  const target = nodeFiles.openSync(join(folder, 'copy'), 'create')
  const buffer = Buffer.allocUnsafe(256 * 1024)
  for (const segment of log.segments) {
    const file = nodeFiles.openSync(segment.logPath(log.path), 'read')
    for (let position = 0; position < segment.size; ) {
      const length = await file.read(buffer, { at: 0, length: Math.min(buffer.length, segment.size - position), position })
      target.writeSync([buffer.subarray(0, length)], position)
      position += length
    }
    file.closeSync()
  }
  target.closeSync()
  await nodeFiles.unlink(join(folder, 'copy'))
}

afterAll(async () => {
  clearInterval(beat)
  process.stdout.write(`the loop was held for ${heldMs.loop.toFixed(1)} ms at most, with the thread ${heldMs.thread.toFixed(1)} ms\n`)
  await thread?.close()
  await manager.close()
  rmSync(folder, { recursive: true })
})

const cases: readonly [number, number, CompressionName][] = [
  [100, 100, 'none'],
  [100, 1, 'none'],
  [1000, 16, 'none'],
  [100, 100, 'lz4'],
  [100, 100, 'zstd'],
]

for (const [valueBytes, count, compression] of cases) {
  describe(`batches of ${count} records with ${valueBytes} bytes, ${compression}`, () => {
    const log = manager.getOrCreate({
      topic: `${compression}-${valueBytes}-${count}`,
      topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
      partition: 0,
      config,
    })
    const random = seededRandom(2)
    for (let key = 0; log.size < LOG_BYTES; key += count) {
      const builder = new BatchBuilder({ compression })
      for (let index = 0; index < count; index++) {
        const value = random.bytes(valueBytes / 2).toString('hex')
        builder.append({ timestamp: 1, key: `some-key-of-a-user-${key + index}`, value })
      }
      log.appendAsLeader(builder.build(), { leaderEpoch: 0 })
    }
    log.roll()
    log.writeStaged()
    log.highWatermark = log.writtenOffset

    bench('a pass', () => pass(log, 'loop'), { time: 1500, warmupTime: 300 })
    bench('a pass in the thread', () => pass(log, 'thread'), { time: 1500, warmupTime: 300 })
    bench('copying the same bytes', () => copy(log), { time: 500, warmupTime: 100 })

    bench(
      'reading it twice with checksums',
      async () => {
        for (const segment of [...log.segments, ...log.segments]) {
          const file = nodeFiles.openSync(segment.logPath(log.path), 'read')
          const reader = new BatchReader(file, { from: 0, until: segment.size, minOffset: 0, bufferBytes: 256 * 1024 })
          while ((await reader.fill()) > 0) while (reader.next() !== undefined);
          file.closeSync()
        }
      },
      { time: 500, warmupTime: 100 },
    )
  })
}
