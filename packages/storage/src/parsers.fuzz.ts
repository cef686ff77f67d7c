// Every parser of a stored file, fed with damaged real files and with noise: a value or a CorruptFileError, nothing else, and what was read
// is written and read again as the same.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { crc32c, type SeededRandom, seededRandom } from '@ottla/protocol'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { offsetCheckpointContent, parseOffsetCheckpoint } from './checkpoint.ts'
import { parseCleanShutdown } from './clean-shutdown.ts'
import { CorruptFileError } from './corrupt-file.ts'
import { leaderEpochsContent, parseLeaderEpochs } from './leader-epochs.ts'
import { MemoryDisk } from './memory-disk.ts'
import { metaPropertiesContent, parseMetaProperties } from './meta-properties.ts'
import { OffsetIndex } from './offset-index.ts'
import { parsePartitionMetadata, partitionMetadataContent } from './partition-metadata.ts'
import { parseProducerSnapshot, producerSnapshotContent } from './producer-snapshot.ts'
import { parseProperties } from './properties.ts'
import type { SegmentIndex } from './segment-index.ts'
import { TimeIndex } from './time-index.ts'
import { TransactionIndex } from './transaction-index.ts'

const folder = fileURLToPath(new URL('../fixtures/log/data/', import.meta.url))
const samples: Buffer[] = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter(name => /checkpoint|metadata|properties|cleanshutdown|snapshot|index/.test(name))
  .map(name => readFileSync(folder + name))

/** Reads a file as an index and asks it for everything. */
function askIndex(Index: new (options: { files: MemoryDisk; path: string; baseOffset: number; maxBytes: number }) => SegmentIndex) {
  return (content: Buffer): void => {
    const files = new MemoryDisk()
    const file = files.openSync('/index', 'create')
    file.writeSync([content], 0)
    file.closeSync()
    const index = new Index({ files, path: '/index', baseOffset: content.length % 100, maxBytes: 1000 })
    index.sanityCheck()
    for (const target of [0, 50, 1000, 2 ** 40]) {
      if (index instanceof OffsetIndex) index.lookup(target)
      else if (index instanceof TimeIndex) index.lookup(target)
      else if (index instanceof TransactionIndex) index.collect(target, target + 10)
    }
    index.saveSync()
    expect(files.readFileSync('/index')).toEqual(content.subarray(0, index.sizeInBytes))
  }
}

/** Parses, and checks that the value is written and read again as itself. */
const both =
  <T>(parse: (path: string, content: Buffer) => T, write: (value: T) => Buffer) =>
  (content: Buffer): void => {
    const value = parse('/f', content)
    expect(parse('/f', write(value))).toEqual(value)
  }

const targets: Readonly<Record<string, (content: Buffer) => void>> = {
  checkpoint: both(parseOffsetCheckpoint, offsetCheckpointContent),
  leaderEpochs: both(
    (path, content) => parseLeaderEpochs(path, content).entries,
    entries => leaderEpochsContent(parseLeaderEpochs('/f', lines(entries))),
  ),
  partitionMetadata: both(parsePartitionMetadata, partitionMetadataContent),
  metaProperties: both(parseMetaProperties, value => metaPropertiesContent(value, 0)),
  snapshot: both(parseProducerSnapshot, producerSnapshotContent),
  properties: content => void parseProperties(content.toString()),
  cleanShutdown: content => void parseCleanShutdown(content),
  offsetIndex: askIndex(OffsetIndex),
  timeIndex: askIndex(TimeIndex),
  transactionIndex: askIndex(TransactionIndex),
}

const lines = (entries: readonly { epoch: number; startOffset: number }[]): Buffer =>
  Buffer.from(`0\n${entries.length}\n${entries.map(entry => `${entry.epoch} ${entry.startOffset}\n`).join('')}`)

function damaged(random: SeededRandom): Buffer {
  const below = (limit: number) => random.below(limit)
  if (random.next() < 0.05) return random.bytes(below(200))
  let content = Buffer.from(samples[below(samples.length)] ?? '')
  for (let times = below(4); times > 0; times--) {
    const at = below(content.length + 1)
    const kind = random.next()
    if (kind < 0.3) content = content.subarray(0, at)
    else if (kind < 0.6 && at < content.length) content.writeUInt8(below(256), at)
    else if (kind < 0.7) content = Buffer.concat([content.subarray(0, at), random.bytes(below(20)), content.subarray(at)])
    else if (kind < 0.8) content = Buffer.concat([content, content.subarray(at)])
    else if (kind < 0.9) content = Buffer.concat([content, Buffer.alloc(below(50))])
    else content = Buffer.concat([content.subarray(0, at), content.subarray(Math.min(content.length, at + below(20)))])
  }
  // Half of the snapshots get a valid checksum, so that damage behind it is seen.
  if (content.length >= 10 && random.next() < 0.5) content.writeUInt32BE(crc32c(content, 6, content.length) >>> 0, 2)
  return content
}

it('parsers of stored files give a value or say what is corrupt', () => {
  const counts = { read: 0, refused: 0 }
  const round = (seed: number): void => {
    const content = damaged(seededRandom(seed))
    for (const [name, run] of Object.entries(targets)) {
      try {
        run(content)
        counts.read++
      } catch (error) {
        if (!(error instanceof CorruptFileError)) throw new Error(`${name}: ${content.toString('hex')}`, { cause: error })
        counts.refused++
      }
    }
  }
  fc.assert(fc.property(fc.noShrink(fc.noBias(fc.nat())), round))
  expect(counts.read * counts.refused).toBeGreaterThan(0)
})
