// Appending to a log beside the least that could be done: the same bytes in plain vectored writes. The ratio is what matters.
// One turn is what 16 connections bring: 16 batches of 1 KiB or 16 KiB, or 4 of 64 KiB, and of 1 MiB.
import { closeSync, existsSync, ftruncateSync, mkdtempSync, openSync, rmSync, writevSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock, RecordBatch, seededRandom } from '@ottla/protocol'
import { afterAll, bench, describe } from 'vitest'
import { defaultLogConfig, type LogConfig } from './config.ts'
import { LogManager } from './log-manager.ts'
import { batchOf, KeptLogger } from './log-testing.ts'

// In memory where that can be had: what a device does with the bytes later is not measured.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'append-bench-'))
// Small enough to be gone before the device is asked to take it.
const limitBytes = 64 * 1024 * 1024
const config: LogConfig = { ...defaultLogConfig, flushMode: 'os' }
const pending: (() => void)[] = []
const clock = new ManualClock()
const manager = await LogManager.open({
  directories: [join(folder, 'logs')],
  clock,
  random: seededRandom(1),
  logger: new KeptLogger(),
  schedule: run => pending.push(run),
})

afterAll(async () => {
  await manager.close()
  rmSync(folder, { recursive: true })
})

const options = { time: 1500, warmupTime: 300 }

for (const [size, count] of [
  [1024, 16],
  [16 * 1024, 16],
  [64 * 1024, 4],
  [1024 * 1024, 4],
] as const) {
  describe(`${count} batches of ${size} bytes in one turn`, () => {
    const batch = batchOf({ values: ['x'.repeat(size - 80)] })
    const slab = Buffer.alloc(count * (batch.sizeInBytes + 100))
    const batches = Array.from({ length: count }, (_, index) => {
      const at = index * (batch.sizeInBytes + 100) + 90
      batch.bytes.copy(slab, at)
      return new RecordBatch(slab, at)
    })

    const path = join(folder, `plain-${size}`)
    const file = openSync(path, 'w+')
    const chunks = batches.map(each => each.bytes)
    const bytes = count * batch.sizeInBytes
    let position = 0
    bench(
      'plain writev of the same bytes',
      () => {
        writevSync(file, chunks, position)
        position += bytes
        if (position > limitBytes) {
          ftruncateSync(file, 0)
          position = 0
        }
      },
      options,
    )

    const log = manager.getOrCreate({ topic: `bench-${size}`, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0, config })
    let appended = 0
    bench(
      'Log.appendAsLeader and the write at the end of the turn',
      async () => {
        for (const each of batches) log.appendAsLeader(each, { leaderEpoch: 1 })
        for (const run of pending.splice(0)) run()
        appended += bytes
        if (appended > limitBytes) {
          await log.truncateFullyAndStartAt(log.logEndOffset)
          clock.advance(config.fileDeleteDelayMs)
          appended = 0
        }
      },
      options,
    )
    afterAll(() => closeSync(file))
  })
}
