// Files of log folders that Apache Kafka 4.3.1 wrote are read as what Kafka's own readers saw in them, and written again byte for byte.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { offsetCheckpointContent, parseOffsetCheckpoint } from './checkpoint.ts'
import { cleanShutdownContent, parseCleanShutdown } from './clean-shutdown.ts'
import { leaderEpochsContent, parseLeaderEpochs } from './leader-epochs.ts'
import { MemoryDisk } from './memory-disk.ts'
import { metaPropertiesContent, parseMetaProperties } from './meta-properties.ts'
import { OffsetIndex } from './offset-index.ts'
import { parsePartitionMetadata, partitionMetadataContent } from './partition-metadata.ts'
import type { ProducerEntry } from './producer-entry.ts'
import { parseProducerSnapshot, producerSnapshotContent } from './producer-snapshot.ts'
import type { SegmentIndex } from './segment-index.ts'
import { TimeIndex } from './time-index.ts'
import { TransactionIndex } from './transaction-index.ts'

const fixtures = fileURLToPath(new URL('../fixtures/log/', import.meta.url))

interface GoldenFile {
  readonly name: string
  readonly partition: string
  readonly content: Buffer
  /** What Kafka's readers saw. */
  readonly seen: unknown
}

const goldenFiles: GoldenFile[] = ['data', 'running'].flatMap(state =>
  readdirSync(`${fixtures}${state}-json`).flatMap(jsonName => {
    const partition = jsonName.replace(/\.json$/, '')
    const seen: Record<string, unknown> = JSON.parse(readFileSync(`${fixtures}${state}-json/${jsonName}`, 'utf8'))
    return readdirSync(`${fixtures}${state}/${partition}`).map(name => ({
      name,
      partition: `${state}/${partition}`,
      content: readFileSync(`${fixtures}${state}/${partition}/${name}`),
      seen: seen[name],
    }))
  }),
)
const filesNamed = (suffix: string): GoldenFile[] => {
  const found = goldenFiles.filter(file => file.name.endsWith(suffix))
  expect(found.length).toBeGreaterThan(1)
  return found
}

const baseOffsetOf = (file: GoldenFile): number => Number.parseInt(file.name, 10)

/** The index on a disk that holds the golden file. */
function stored<T extends SegmentIndex>(
  file: GoldenFile,
  Index: new (options: { files: MemoryDisk; path: string; baseOffset: number; maxBytes: number }) => T,
): { index: T; disk: MemoryDisk } {
  const disk = new MemoryDisk()
  const handle = disk.openSync('/index', 'create')
  handle.writeSync([file.content], 0)
  handle.closeSync()
  return { index: new Index({ files: disk, path: '/index', baseOffset: baseOffsetOf(file), maxBytes: 10 * 1024 * 1024 }), disk }
}

/** The bytes without the zeros that Kafka preallocates in a running index. */
const used = (file: GoldenFile, index: SegmentIndex): Buffer => {
  if (!file.partition.startsWith('running/')) expect(file.content.length).toBe(index.sizeInBytes)
  expect(file.content.subarray(index.sizeInBytes).every(byte => byte === 0)).toBe(true)
  return file.content.subarray(0, index.sizeInBytes)
}

const entriesOf = <T>(index: { entries: number; entry(slot: number): T }): T[] =>
  Array.from({ length: index.entries }, (_, slot) => index.entry(slot))

describe('index files that Kafka wrote', () => {
  it('offset indexes', () => {
    for (const file of filesNamed('.index')) {
      const { disk, index } = stored(file, OffsetIndex)
      const entries = entriesOf(index)
      expect(entries, `${file.partition}/${file.name}`).toEqual(file.seen)
      index.reset()
      for (const { offset, position } of entries) index.append(offset, position)
      index.saveSync()
      expect(disk.readFileSync('/index')).toEqual(used(file, index))
    }
  })

  it('time indexes', () => {
    for (const file of filesNamed('.timeindex')) {
      const { disk, index } = stored(file, TimeIndex)
      const entries = entriesOf(index)
      expect(entries, `${file.partition}/${file.name}`).toEqual(file.seen)
      index.reset()
      for (const { timestamp, offset } of entries) index.maybeAppend(timestamp, offset)
      index.saveSync()
      expect(disk.readFileSync('/index')).toEqual(used(file, index))
    }
  })

  it('transaction indexes', () => {
    for (const file of filesNamed('.txnindex')) {
      const { disk, index } = stored(file, TransactionIndex)
      const entries = entriesOf(index)
      expect(
        entries.map(entry => ({ version: 0, ...entry })),
        `${file.partition}/${file.name}`,
      ).toEqual(file.seen)
      index.reset()
      for (const entry of entries) index.append(entry)
      index.saveSync()
      expect(disk.readFileSync('/index')).toEqual(used(file, index))
    }
  })
})

const describeEntry = (entry: ProducerEntry) => ({
  producerId: entry.producerId,
  producerEpoch: entry.producerEpoch,
  coordinatorEpoch: entry.coordinatorEpoch,
  lastTimestamp: entry.lastTimestamp,
  ...(entry.transactionFirstOffset < 0 ? {} : { currentTxnFirstOffset: entry.transactionFirstOffset }),
  batches: entry.batchesInOrder.map(batch => ({
    firstSequence: batch.firstSequence,
    lastSequence: batch.lastSequence,
    firstOffset: batch.firstOffset,
    lastOffset: batch.lastOffset,
    offsetDelta: batch.offsetDelta,
    timestamp: batch.timestamp,
  })),
})

describe('other files that Kafka wrote', () => {
  it('producer snapshots', () => {
    for (const file of filesNamed('.snapshot')) {
      const entries = parseProducerSnapshot(file.name, file.content)
      expect(entries.map(describeEntry), `${file.partition}/${file.name}`).toEqual(file.seen)
      expect(producerSnapshotContent(entries)).toEqual(file.content)
    }
  })

  it('leader epochs', () => {
    for (const file of filesNamed('leader-epoch-checkpoint')) {
      const epochs = parseLeaderEpochs(file.name, file.content)
      const lines = epochs.entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`)
      expect(['0', String(lines.length), ...lines]).toEqual(file.seen)
      expect(leaderEpochsContent(epochs)).toEqual(file.content)
    }
  })

  it('partition metadata', () => {
    for (const file of filesNamed('partition.metadata')) {
      const metadata = parsePartitionMetadata(file.name, file.content)
      expect([`version: ${metadata.version}`, `topic_id: ${metadata.topicId}`]).toEqual(file.seen)
      expect(partitionMetadataContent(metadata)).toEqual(file.content)
    }
  })

  it('offset checkpoints', () => {
    const names = readdirSync(`${fixtures}data`).filter(name => name.endsWith('-checkpoint'))
    expect(names.length).toBeGreaterThan(3)
    for (const name of names) {
      const content = readFileSync(`${fixtures}data/${name}`)
      const offsets = parseOffsetCheckpoint(name, content)
      expect(offsets.length).toBe(Number(content.toString().split('\n')[1]))
      expect(offsetCheckpointContent(offsets)).toEqual(content)
    }
    const starts = parseOffsetCheckpoint('log-start', readFileSync(`${fixtures}data/log-start-offset-checkpoint`))
    expect(starts).toEqual([{ topic: 'golden-trim', partition: 0, offset: 100 }])
  })

  it('meta.properties and the mark of a clean shutdown', () => {
    const content = readFileSync(`${fixtures}data/meta.properties`)
    const meta = parseMetaProperties('meta.properties', content)
    expect(meta).toEqual({ clusterId: 'Z29sZGVuLWNsdXN0ZXItMQ', nodeId: 1, directoryId: expect.any(String) })
    const written = Date.parse(content.toString().split('\n')[1]?.slice(1) ?? '')
    expect(metaPropertiesContent(meta, written)).toEqual(content)
    const mark = readFileSync(`${fixtures}data/.kafka_cleanshutdown`)
    expect(cleanShutdownContent(parseCleanShutdown(mark))).toEqual(mark)
    expect(parseCleanShutdown(mark).brokerEpoch).toBeGreaterThan(0)
  })
})
