// An unclean stop may leave anything behind the recovery point. Whatever it is, the log is the longest valid prefix, and goes on.
import { batchesIn, ManualClock, recordsOf, seededRandom } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { defaultLogConfig, type LogConfig } from './config.ts'
import type { Log } from './log.ts'
import { LogManager } from './log-manager.ts'
import { batchOf, bytesOf, KeptLogger } from './log-testing.ts'
import { MemoryDisk } from './memory-disk.ts'

const config: LogConfig = { ...defaultLogConfig, flushMode: 'os', indexIntervalBytes: 150, segmentBytes: 2_000 }
const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ'

const open = async (files: MemoryDisk): Promise<Log> => {
  const manager = await LogManager.open({
    directories: ['/logs'],
    files,
    clock: new ManualClock(),
    random: seededRandom(1),
    logger: new KeptLogger(),
    schedule: run => run(),
    configOf: () => config,
    tailCacheBytes: 0,
    readBufferBytes: 0,
  })
  return manager.getOrCreate({ topic: 'torn', topicId, partition: 0, config })
}

interface Stopped {
  readonly values: readonly string[]
  readonly files: ReadonlyMap<string, Buffer>
  /** Bytes of the last segment, and where its batches end: [position, offset after it]. */
  readonly last: string
  readonly content: Buffer
  readonly ends: readonly (readonly [number, number])[]
}

/** A log of some segments whose process was killed; nothing was ever flushed. */
const stopped = async (seed: number): Promise<Stopped> => {
  const random = seededRandom(seed)
  const disk = new MemoryDisk()
  const log = await open(disk)
  const values: string[] = []
  const codecs = ['none', 'gzip', 'none', 'zstd'] as const
  while (log.segments.length < 3 || log.active.size < 1000) {
    const batch = Array.from({ length: 1 + random.below(4) }, (_, index) => `${values.length + index}${'-'.repeat(random.below(60))}`)
    log.appendAsLeader(batchOf({ values: batch, compression: codecs[random.below(4)] ?? 'none' }), { leaderEpoch: 2 })
    values.push(...batch)
  }
  const survivor = disk.crash()
  const files = new Map(survivor.listSync('/logs/torn-0').map(name => [name, survivor.readFileSync(`/logs/torn-0/${name}`)]))
  const last = log.active.logPath('').slice(1)
  const content = files.get(last) ?? Buffer.alloc(0)
  const ends: [number, number][] = []
  for (const batch of batchesIn(content)) ends.push([batch.at + batch.sizeInBytes, batch.nextOffset])
  return { values, files, last, content, ends }
}

/** The stopped log with another last segment is opened, compared, and appended to. */
const survive = async (from: Stopped, tail: Buffer, kept: { offset: number; position: number }): Promise<void> => {
  const disk = new MemoryDisk()
  disk.makeDirectorySync('/logs/torn-0')
  for (const [name, content] of from.files) {
    const file = disk.openSync(`/logs/torn-0/${name}`, 'create')
    file.writeSync([name === from.last ? tail : content], 0)
    file.closeSync()
  }
  const log = await open(disk)
  if (log.logEndOffset !== kept.offset)
    throw new Error(`ends at ${log.logEndOffset} instead of ${kept.offset}, tail of ${tail.length} bytes`)
  if (log.active.size !== kept.position) throw new Error(`${log.active.size} bytes instead of ${kept.position}`)
  const { baseOffset } = log.appendAsLeader(batchOf({ values: ['next'] }), { leaderEpoch: 3 })
  const wanted = [...from.values.slice(0, baseOffset), 'next']
  for (let offset = Math.max(0, baseOffset - 8); offset <= baseOffset; ) {
    const data = await log.read({ offset, maxBytes: 300, endOffset: log.logEndOffset, minOneBatch: true })
    const next = data.nextOffset
    for (const batch of batchesIn(bytesOf(data))) {
      for (const record of recordsOf(batch)) expect(record.value?.toString()).toBe(wanted[record.offset])
    }
    expect(next).toBeGreaterThan(offset)
    offset = next
  }
}

/** The end of the last whole batch within `length` bytes. */
const prefixOf = (from: Stopped, length: number): { offset: number; position: number } => {
  let kept = { offset: Number.parseInt(from.last, 10), position: 0 }
  for (const [position, offset] of from.ends) if (position <= length) kept = { offset, position }
  return kept
}

const SEEDS = Array.from({ length: 2 * Number(process.env.SIMULATION_TIMES) }, (_, index) => index + Number(process.env.FUZZ_SEED))

describe('the torn end of a log', () => {
  it('is cut to the longest valid prefix, at any place', async () => {
    let places = 0
    for (const seed of SEEDS) {
      const from = await stopped(seed)
      const first = from.ends.at(-4)?.[0] ?? 0
      const random = seededRandom(seed)
      for (let length = first; length <= from.content.length; length++) {
        const head = from.content.subarray(0, length)
        const kept = prefixOf(from, length)
        const rest = from.content.length - length
        await survive(from, head, kept)
        await survive(from, Buffer.concat([head, Buffer.alloc(rest + 512)]), prefixOfZeros(from, length))
        await survive(from, Buffer.concat([head, random.bytes(1 + random.below(200))]), kept)
        places += 3
      }
    }
    expect(places).toBeGreaterThan(500 * SEEDS.length)
  }, 120_000)

  it('is cut where the last batch comes twice, a batch is missing, or a bit is wrong', async () => {
    for (const seed of SEEDS) {
      const from = await stopped(seed)
      const { content, ends } = from
      const [end, offset] = ends.at(-1) ?? [0, 0]
      const [before] = ends.at(-2) ?? [0, 0]
      await survive(from, Buffer.concat([content, content.subarray(before)]), { offset, position: end })
      const [twoBefore] = ends.at(-3) ?? [0, 0]
      for (let bit = twoBefore * 8; bit < end * 8; bit += 5) {
        const wrong = Buffer.from(content)
        const at = bit >> 3
        wrong[at] = (wrong[at] ?? 0) ^ (1 << (bit & 7))
        const batch = ends.findIndex(([position]) => position > at)
        const start = ends[batch - 1]?.[0] ?? 0
        // The leader epoch is outside of the checksum, and so is the base offset; the latter must fit the batch before.
        if (at - start >= 12 && at - start < 16) continue
        const isBaseOffset = at - start < 8
        if (isBaseOffset) continue
        await survive(from, wrong, prefixOf(from, start))
      }
    }
  }, 120_000)

  it('does not need indexes, snapshots or epochs that are gone or longer than the log', async () => {
    const from = await stopped(9)
    for (const suffix of ['.index', '.timeindex', '.snapshot', 'leader-epoch-checkpoint']) {
      const without = new Map([...from.files].filter(([name]) => !name.endsWith(suffix)))
      await survive({ ...from, files: without }, from.content, prefixOf(from, from.content.length))
      const longer = new Map(
        [...from.files].map(([name, content]) => [name, name.endsWith(suffix) ? Buffer.concat([content, Buffer.alloc(40, 7)]) : content]),
      )
      await survive({ ...from, files: longer }, from.content, prefixOf(from, from.content.length))
    }
  })
})

/** As prefixOf, where zeros follow: a batch that ends in zeros may be whole all the same. */
const prefixOfZeros = (from: Stopped, length: number): { offset: number; position: number } => {
  const { content, ends } = from
  for (const [position, offset] of ends)
    if (position > length && content.subarray(length, position).every(byte => byte === 0)) return { offset, position }
  return prefixOf(from, length)
}
