// Logs that Apache Kafka 4.3.1 wrote are opened and read; their indexes are made anew byte for byte.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { batchesIn, ManualClock, type RecordBatch, recordsOf, seededRandom } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { CLEAN_SHUTDOWN, cleanShutdownContent } from './clean-shutdown.ts'
import { defaultLogConfig, type LogConfig } from './config.ts'
import type { Log } from './log.ts'
import { LogManager } from './log-manager.ts'
import { bytesOf, KeptLogger } from './log-testing.ts'
import { MemoryDisk } from './memory-disk.ts'
import { parseProducerSnapshot, producerSnapshotContent } from './producer-snapshot.ts'

const fixtures = fileURLToPath(new URL('../fixtures/log/', import.meta.url))

interface SeenBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly sizeInBytes: number
  readonly crc: number
  readonly maxTimestamp: number
  readonly records?: readonly { readonly offset: number; readonly timestamp: number }[]
}

const put = (disk: MemoryDisk, path: string, content: Buffer): void => {
  const file = disk.openSync(path, 'create')
  file.writeSync([content], 0)
  file.closeSync()
}

/** A disk with a golden folder; `keep` says which files. */
const diskOf = (state: 'data' | 'running', keep: (name: string) => boolean): MemoryDisk => {
  const disk = new MemoryDisk()
  for (const name of readdirSync(`${fixtures}${state}`)) {
    const path = `${fixtures}${state}/${name}`
    if (!statSync(path).isDirectory()) {
      disk.makeDirectorySync('/logs')
      if (keep(name)) put(disk, `/logs/${name}`, readFileSync(path))
      continue
    }
    disk.makeDirectorySync(`/logs/${name}`)
    for (const file of readdirSync(path)) if (keep(file)) put(disk, `/logs/${name}/${file}`, readFileSync(`${path}/${file}`))
  }
  return disk
}

const configOf = (topic: string): LogConfig => ({
  ...defaultLogConfig,
  flushMode: 'os',
  indexIntervalBytes: topic.startsWith('golden-') ? 200 : 4096,
  cleanupPolicy: { compact: topic.includes('compact') || topic.startsWith('__'), delete: false },
})

const open = (files: MemoryDisk): Promise<LogManager> =>
  LogManager.open({
    directories: ['/logs'],
    files,
    clock: new ManualClock(),
    random: seededRandom(1),
    logger: new KeptLogger(),
    schedule: run => run(),
    configOf,
    tailCacheBytes: 0,
    readBufferBytes: 300_000,
  })

const seenBy = (state: string, partition: string): Record<string, unknown> =>
  JSON.parse(readFileSync(`${fixtures}${state}-json/${partition}.json`, 'utf8'))

const batchesSeen = (seen: Record<string, unknown>): SeenBatch[] =>
  Object.keys(seen)
    .filter(name => name.endsWith('.log'))
    .toSorted()
    .flatMap(name => JSON.parse(JSON.stringify(seen[name])))

const readAll = async (log: Log, maxBytes: number): Promise<RecordBatch[]> => {
  const batches: RecordBatch[] = []
  let offset = log.logStartOffset
  while (offset < log.logEndOffset) {
    const data = await log.read({ offset, maxBytes, endOffset: log.logEndOffset, minOneBatch: true })
    const next = data.nextOffset
    batches.push(...batchesIn(bytesOf(data)))
    if (next === offset) break
    offset = next
  }
  return batches
}

const nameOf = (log: Log): string => `${log.topic}-${log.partition}`

describe('logs of Apache Kafka after a clean stop', () => {
  it('are read as Kafka reads them', async () => {
    const disk = diskOf('data', () => true)
    put(disk, `/logs/${CLEAN_SHUTDOWN}`, cleanShutdownContent({ brokerEpoch: 1 }))
    const manager = await open(disk)
    const logs = [...manager.logs]
    expect(logs.length).toBeGreaterThan(15)
    for (const log of logs) {
      const seen = batchesSeen(seenBy('data', nameOf(log))).filter(batch => batch.lastOffset >= log.logStartOffset)
      for (const maxBytes of [1, 500, 1_000_000]) {
        const batches = await readAll(log, maxBytes)
        expect(batches.map(batch => [batch.baseOffset, batch.lastOffset, batch.sizeInBytes, batch.crc])).toEqual(
          seen.map(batch => [batch.baseOffset, batch.lastOffset, batch.sizeInBytes, batch.crc]),
        )
        const offsets = batches.flatMap(batch => [...recordsOf(batch)].map(record => record.offset))
        expect(offsets).toEqual(seen.flatMap(batch => batch.records?.map(record => record.offset) ?? []))
      }
      const recoveryPoint = readFileSync(`${fixtures}data/recovery-point-offset-checkpoint`, 'utf8')
      expect(recoveryPoint).toContain(`${log.topic} ${log.partition} ${log.logEndOffset}\n`)
    }
  })

  it('find every record by its time', async () => {
    const disk = diskOf('data', () => true)
    put(disk, `/logs/${CLEAN_SHUTDOWN}`, cleanShutdownContent({ brokerEpoch: 1 }))
    const manager = await open(disk)
    for (const log of [...manager.logs].filter(each => each.topic === 'golden-plain' || each.topic === 'golden-append-time')) {
      const records = batchesSeen(seenBy('data', nameOf(log))).flatMap(batch => batch.records ?? [])
      for (const { timestamp } of records) {
        for (const time of [timestamp - 1, timestamp, timestamp + 1]) {
          const first = records.find(record => record.timestamp >= time)
          const found = await log.offsetForTimestamp(time, log.logEndOffset)
          expect([time, found?.offset, found?.timestamp]).toEqual([time, first?.offset, first?.timestamp])
        }
      }
      const greatest = Math.max(...records.map(record => record.timestamp))
      expect(await log.maxTimestampOffset(log.logEndOffset)).toMatchObject({
        timestamp: greatest,
        offset: records.find(record => record.timestamp === greatest)?.offset,
      })
    }
  })
})

describe('indexes of Apache Kafka', () => {
  it.each(['data', 'running'] as const)('are made anew with the same bytes (%s)', async state => {
    const disk = diskOf(state, name => !/index$|recovery-point|cleanshutdown/.test(name))
    const manager = await open(disk)
    let compared = 0
    for (const log of manager.logs) {
      for (const segment of log.segments) {
        // Kafka appended to this one across a restart, after which it counts the bytes to the next entry from zero.
        if (log.topic === 'golden-plain' && segment === log.active) continue
        for (const suffix of ['.index', '.timeindex', '.txnindex']) {
          // Compaction took the aborted records away, so that the log no longer tells where their transactions began.
          if (suffix === '.txnindex' && log.topic.startsWith('golden-compact')) continue
          const name = segment.pathOf('', suffix).slice(1)
          const golden = readdirSync(`${fixtures}${state}/${nameOf(log)}`).includes(name)
            ? readFileSync(`${fixtures}${state}/${nameOf(log)}/${name}`)
            : Buffer.alloc(0)
          const made =
            disk.statSync(`/logs/${nameOf(log)}/${name}`) === undefined
              ? Buffer.alloc(0)
              : disk.readFileSync(`/logs/${nameOf(log)}/${name}`)
          expect([nameOf(log), name, made.toString('hex')]).toEqual([nameOf(log), name, golden.toString('hex')])
          compared++
        }
      }
    }
    expect(compared).toBeGreaterThan(10)
  })

  it('are made together with the producers that Kafka saw', async () => {
    const disk = diskOf('data', name => !/snapshot$|recovery-point|cleanshutdown/.test(name))
    const manager = await open(disk)
    for (const log of manager.logs) {
      if (log.topic !== 'golden-plain' && log.topic !== 'golden-txn') continue
      const names = readdirSync(`${fixtures}data/${nameOf(log)}`).filter(name => name.endsWith('.snapshot'))
      const path = `${fixtures}data/${nameOf(log)}/${names.toSorted().at(-1)}`
      const golden = parseProducerSnapshot(path, readFileSync(path))
      const known = new Set(golden.map(entry => entry.producerId))
      const sorted = [...log.producers.entries].filter(entry => known.has(entry.producerId)).toSorted((a, b) => a.producerId - b.producerId)
      const wanted = golden.toSorted((a, b) => a.producerId - b.producerId)
      expect(producerSnapshotContent(sorted).toString('hex')).toBe(producerSnapshotContent(wanted).toString('hex'))
    }
  })
})
