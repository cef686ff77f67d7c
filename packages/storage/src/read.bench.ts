// Reading a megabyte from a log beside plain reads of the same bytes from the page cache. The ratio is what matters.
import { closeSync, existsSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, bench, describe } from 'vitest'
import { ManualClock, seededRandom } from '@ottla/protocol'
import { defaultLogConfig, type LogConfig } from './config.ts'
import { LogManager } from './log-manager.ts'
import { batchOf, KeptLogger } from './log-testing.ts'

// In memory where that can be had: what a device does with the bytes later is not measured.
const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'read-bench-'))
const totalBytes = 128 * 1024 * 1024
const config: LogConfig = { ...defaultLogConfig, flushMode: 'os' }
const manager = await LogManager.open({
  directories: [join(folder, 'logs')],
  clock: new ManualClock(),
  random: seededRandom(1),
  logger: new KeptLogger(),
  schedule: run => run(),
})

afterAll(async () => {
  await manager.close()
  rmSync(folder, { recursive: true })
})

const options = { time: 1500, warmupTime: 300 }
const MEBIBYTE = 1024 * 1024

for (const size of [1024, 16 * 1024, 256 * 1024]) {
  const log = manager.getOrCreate({ topic: `bench-${size}`, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0, config })
  while (log.size < totalBytes) log.appendAsLeader(batchOf({ values: ['x'.repeat(size - 80)] }), { leaderEpoch: 1 })

  describe(`1 MiB in batches of ${size} bytes`, () => {
    const file = openSync(log.active.logPath(log.path), 'r')
    let position = 0
    const next = (): number => {
      position = position + 2 * MEBIBYTE > log.size ? 0 : position + MEBIBYTE
      return position
    }
    for (const piece of [128 * 1024, MEBIBYTE]) {
      const buffers = Array.from({ length: MEBIBYTE / piece }, () => Buffer.allocUnsafeSlow(piece))
      bench(
        `plain reads of ${piece} bytes into buffers that are kept`,
        () => {
          const at = next()
          for (const [index, buffer] of buffers.entries()) readSync(file, buffer, 0, piece, at + index * piece)
        },
        options,
      )
    }

    let offset = 0
    const read = async (): Promise<void> => {
      const data = await log.read({ offset, maxBytes: MEBIBYTE, endOffset: log.logEndOffset, minOneBatch: true })
      offset = data.nextOffset + 2 > log.logEndOffset ? 0 : data.nextOffset
      data.release()
    }
    bench('Log.read from the page cache', read, options)

    const tail = log.tail?.chunks.at(-1)?.baseOffset
    if (tail !== undefined) {
      bench(
        'Log.read from the tail cache',
        async () => {
          const data = await log.read({ offset: tail, maxBytes: MEBIBYTE, endOffset: log.logEndOffset, minOneBatch: true })
          data.release()
        },
        options,
      )
    }
    afterAll(() => closeSync(file))
  })
}
