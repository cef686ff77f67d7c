// A compaction is cut off at one operation of the disk after the other, by a kill and by losses of power: at every fourth, or at every single
// one with SIMULATION_TIMES=4.
import { describe, expect, it } from 'vitest'
import { CompactionModel } from './compaction-model.ts'

const STRIDE = Math.max(1, Math.floor(4 / Number(process.env.SIMULATION_TIMES)))

/** The same log each time: values, tombstones whose time is over, transactions, several groups of segments. All of it is on the device. */
const prepared = async (seed: number): Promise<CompactionModel> => {
  const model = await CompactionModel.open(seed)
  const { test } = model
  test.config = { ...test.config, segmentBytes: 700, deleteRetentionMs: 100, minCompactionLagMs: 0 }
  test.log.config = test.config
  for (let round = 0; round < 3; round++) {
    for (let index = 0; index < 12; index++) {
      model.append()
      if (index % 3 === 2) model.end()
    }
    test.roll()
    if (round < 2) await model.compact()
    test.clock.advance(200)
  }
  await model.flush()
  return model
}

describe('a compaction on a device that fails', () => {
  it.each(['EIO', 'ENOSPC'])(
    'leaves a disk from which everything comes back (%s)',
    async code => {
      const failures: string[] = []
      const raised = { count: 0 }
      for (const operation of ['renameSync', 'writeSync', 'datasync', 'syncDirectory', 'openSync', 'unlink'] as const) {
        for (let after = 0; failures.length < 5; after += STRIDE) {
          const model = await prepared(3)
          const { test } = model
          raised.count = 0
          test.disk.fail({
            operation,
            code,
            after,
            times: 1,
            path: path => {
              const isOfLog = path.includes('/c-0')
              if (isOfLog) raised.count++
              return isOfLog
            },
          })
          await model.compact().catch(() => undefined)
          // It would be met by a compaction that is to succeed. Old files are unlinked only later.
          if (raised.count <= after && operation !== 'unlink') break
          const wasOnline = test.log.usable
          try {
            if (wasOnline) {
              await model.check()
              await model.compact()
              await model.check()
            }
            await model.rebirth(test.disk.crash())
            await model.check()
            await model.compact()
            await model.check()
          } catch (error) {
            failures.push(`${operation} ${after}: ${error instanceof Error ? error.stack : String(error)}`)
          }
          if (raised.count <= after || after > 60) break
        }
      }
      expect(failures.join('\n')).toBe('')
    },
    120_000,
  )
})

describe('a compaction that is cut off', () => {
  it.each([
    ['crash', 1],
    ['power loss', 1],
    ['power loss', 2],
    ['power loss', 4],
  ] as const)(
    'loses and revives nothing (%s, seed %i)',
    async (how, seed) => {
      const failures: string[] = []
      for (let after = 0; failures.length < 5; after += STRIDE) {
        const model = await prepared(seed)
        // Another chance each time.
        for (let skipped = 0; skipped < after % 7; skipped++) model.test.random.next()
        const { logEndOffset, logStartOffset } = model.log
        const isCutOff = await model.failDuringCompaction(after, how)
        try {
          expect([model.log.logStartOffset, model.log.logEndOffset]).toEqual([logStartOffset, logEndOffset])
          await model.check()
          model.append()
          model.test.roll()
          await model.compact()
          await model.check()
        } catch (error) {
          failures.push(`after ${after}: ${error instanceof Error ? error.stack : String(error)}`)
        }
        if (!isCutOff) break
      }
      expect(failures.join('\n')).toBe('')
    },
    120_000,
  )
})
