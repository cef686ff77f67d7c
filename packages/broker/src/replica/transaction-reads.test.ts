// Readers of committed records, of a log that Apache Kafka 4.3.1 wrote with transactions of two producers, the last of them still open.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { silentLogger } from '@ottla/metadata'
import { batchesIn, ControlType, controlTypeOf, ManualClock, type RecordBatch, recordsOf, seededRandom } from '@ottla/protocol'
import { defaultLogConfig, LogManager, MemoryDisk } from '@ottla/storage'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lastStableOffsetOf, readCommitted } from './transaction-reads.ts'

const fixtures = fileURLToPath(new URL('../../../storage/fixtures/log/data/', import.meta.url))
const NAME = 'golden-txn-0'

let logs: LogManager
beforeEach(async () => {
  const disk = new MemoryDisk()
  const put = (path: string, content: Buffer): void => {
    const file = disk.openSync(path, 'create')
    file.writeSync([content], 0)
    file.closeSync()
  }
  disk.makeDirectorySync('/logs')
  disk.makeDirectorySync(`/logs/${NAME}`)
  for (const name of ['meta.properties', 'replication-offset-checkpoint', 'recovery-point-offset-checkpoint'])
    put(`/logs/${name}`, readFileSync(`${fixtures}${name}`))
  for (const name of readdirSync(`${fixtures}${NAME}`)) put(`/logs/${NAME}/${name}`, readFileSync(`${fixtures}${NAME}/${name}`))
  logs = await LogManager.open({
    directories: ['/logs'],
    files: disk,
    clock: new ManualClock(),
    random: seededRandom(1),
    logger: silentLogger,
    configOf: () => ({ ...defaultLogConfig, flushMode: 'os' }),
    producerIdExpirationMs: () => 1e15,
  })
})
afterEach(() => logs.close())

const golden = () => {
  const log = logs.get('golden-txn', 0)
  if (log === undefined) throw new Error('the log is not there')
  return log
}

const everything = (): RecordBatch[] =>
  readdirSync(`${fixtures}${NAME}`)
    .filter(name => name.endsWith('.log'))
    .toSorted()
    .flatMap(name => [...batchesIn(readFileSync(`${fixtures}${NAME}/${name}`))])

const controlOf = (batch: RecordBatch): number | undefined => {
  for (const record of recordsOf(batch)) return controlTypeOf(record)
  return undefined
}

/** Offsets of records that count, as the markers say. */
const committedOffsets = (batches: readonly RecordBatch[]): number[] => {
  const open = new Map<number, number[]>()
  const committed: number[] = []
  for (const batch of batches) {
    if (batch.isControl) {
      const offsets = open.get(batch.producerId) ?? []
      open.delete(batch.producerId)
      if (controlOf(batch) === ControlType.COMMIT) committed.push(...offsets)
      continue
    }
    const offsets = Array.from(recordsOf(batch), record => record.offset)
    if (batch.isTransactional) open.set(batch.producerId, [...(open.get(batch.producerId) ?? []), ...offsets])
    else committed.push(...offsets)
  }
  return committed.toSorted((a, b) => a - b)
}

/** What a consumer makes of what it fetched. */
const visibleOffsets = (
  batches: readonly RecordBatch[],
  aborted: readonly { readonly producerId: number; readonly firstOffset: number }[],
): number[] => {
  const waiting = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const hidden = new Set<number>()
  const visible: number[] = []
  for (const batch of batches) {
    for (let next = waiting[0]; next !== undefined && next.firstOffset <= batch.lastOffset; next = waiting[0]) {
      hidden.add(next.producerId)
      waiting.shift()
    }
    if (batch.isControl) {
      if (controlOf(batch) === ControlType.ABORT) hidden.delete(batch.producerId)
    } else if (!batch.isTransactional || !hidden.has(batch.producerId)) {
      visible.push(...Array.from(recordsOf(batch), record => record.offset))
    }
  }
  return visible
}

const read = async (offset: number, maxBytes: number) => {
  const log = golden()
  const options = { offset, maxBytes, endOffset: lastStableOffsetOf(log, true), minOneBatch: true }
  const { aborted, data } = await readCommitted(log, options)
  const batches = [...batchesIn(Buffer.concat(data.chunks))]
  data.release()
  return { aborted, batches, nextOffset: data.nextOffset }
}

describe('committed records of a log that Kafka wrote', () => {
  it('end where the transaction begins that is still open', () => {
    expect(golden()).toMatchObject({ logEndOffset: 145, highWatermark: 145 })
    expect(lastStableOffsetOf(golden(), true)).toBe(144)
    golden().advanceLogStartOffset(145)
    expect(lastStableOffsetOf(golden(), true)).toBe(145)
  })

  it('come with the aborted transactions among them, whatever is read at once', async () => {
    const expected = committedOffsets(everything()).filter(offset => offset < 144)
    for (const maxBytes of [1, 300, 5000, 1_000_000]) {
      const seen: number[] = []
      for (let offset = 0; offset < 144; ) {
        const found = await read(offset, maxBytes)
        seen.push(...visibleOffsets(found.batches, found.aborted))
        offset = found.nextOffset
      }
      expect(seen).toEqual(expected)
    }
  })

  it('name those that overlap what was read, and no others', async () => {
    const found = await read(46, 1)
    expect(found.batches.map(({ baseOffset }) => baseOffset)).toEqual([46])
    expect(found.aborted).toEqual([{ producerId: 17, firstOffset: 37 }])
    const whole = await read(10, 1_000_000)
    expect(whole.aborted.slice(0, 2)).toEqual([
      { producerId: 17, firstOffset: 1 },
      { producerId: 16, firstOffset: 12 },
    ])
    expect((await read(144, 1000)).aborted).toEqual([])
  })
})
