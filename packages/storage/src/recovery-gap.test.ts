// A log that was compacted has gaps between its segments, and keeps them when its topic is not compacted any more.
import { describe, expect, it } from 'vitest'
import { CompactedLog } from './compaction-testing.ts'

/** Two segments, the first without its last record, and one behind them; the first was flushed. */
const withGap = async (isCheckpointed: boolean): Promise<CompactedLog> => {
  const test = await CompactedLog.open({ config: { segmentBytes: 4000 } })
  for (let key = 0; key < 5; key++) test.append([[`k${key}`, 'v'.repeat(500)]])
  test.roll()
  await test.log.flush()
  if (isCheckpointed) await test.manager.checkpoint()
  for (let key = 4; key < 9; key++) test.append([[`k${key}`, 'w'.repeat(500)]])
  test.roll()
  await test.compact()
  expect(test.log.segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 5, 10])
  expect((await test.records()).map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9])
  return test
}

const restarted = async (test: CompactedLog, isCompact: boolean): Promise<void> => {
  test.disk = test.disk.crash()
  test.config = { ...test.config, cleanupPolicy: { compact: isCompact, delete: true } }
  await test.start()
  test.settle()
}

describe('a start after an unclean stop', () => {
  it.each([
    ['below the recovery point', true, false],
    ['above the recovery point of a compacted log', false, true],
  ])('keeps a gap %s', async (_, isCheckpointed, isCompact) => {
    const test = await withGap(isCheckpointed)
    await restarted(test, isCompact)
    expect((await test.records()).map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9])
    expect(test.append([['k', 'v']])).toBe(10)
  })

  it('takes a gap above the recovery point for a loss where nothing is compacted', async () => {
    const test = await withGap(false)
    await restarted(test, false)
    expect((await test.records()).map(({ offset }) => offset)).toEqual([0, 1, 2, 3])
    expect(test.append([['k', 'v']])).toBe(4)
  })
})
