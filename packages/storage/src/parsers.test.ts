import { describe, expect, it } from 'vitest'
import { replaceFile } from './atomic-file.ts'
import { offsetCheckpointContent, parseInteger, parseOffsetCheckpoint, readOffsetCheckpoint } from './checkpoint.ts'
import { parseCleanShutdown, readCleanShutdown, removeCleanShutdown, writeCleanShutdown } from './clean-shutdown.ts'
import { defaultLogConfig, maxSegmentMs } from './config.ts'
import { CorruptFileError } from './corrupt-file.ts'
import { readInt64, writeInt64 } from './int64.ts'
import { MemoryDisk } from './memory-disk.ts'
import { parseMetaProperties, readMetaProperties, writeMetaProperties } from './meta-properties.ts'
import { parsePartitionMetadata, readPartitionMetadata, writePartitionMetadata } from './partition-metadata.ts'
import { parseProperties, propertyLine } from './properties.ts'

const corrupt = (parse: (path: string, content: Buffer) => unknown, ...texts: string[]): void => {
  for (const text of texts) {
    let reason: unknown
    try {
      parse('/the/file', Buffer.from(text))
    } catch (error) {
      reason = error
    }
    expect(reason, text).toBeInstanceOf(CorruptFileError)
    expect(String(reason)).toContain('/the/file is corrupt: ')
  }
}

describe('offset checkpoints', () => {
  const offsets = [
    { topic: 'a.b', partition: 0, offset: 0 },
    { topic: '__consumer_offsets', partition: 49, offset: 2 ** 53 - 1 },
  ]

  it('are written durably and read back', async () => {
    const disk = new MemoryDisk()
    expect(readOffsetCheckpoint(disk, '/checkpoint')).toEqual([])
    await replaceFile(disk, '/checkpoint', offsetCheckpointContent(offsets))
    expect(disk.durableContent('/checkpoint')?.toString()).toBe(`0\n2\na.b 0 0\n__consumer_offsets 49 ${2 ** 53 - 1}\n`)
    expect(readOffsetCheckpoint(disk, '/checkpoint')).toEqual(offsets)
  })

  it('are what Kafka takes for one, and nothing else', () => {
    expect(parseOffsetCheckpoint('/x', Buffer.from(''))).toEqual([])
    expect(parseOffsetCheckpoint('/x', Buffer.from('0'))).toEqual([])
    expect(parseOffsetCheckpoint('/x', Buffer.from('0\r\n1\r\na 1 +5'))).toEqual([{ topic: 'a', partition: 1, offset: 5 }])
    corrupt(parseOffsetCheckpoint, '1\n0\n', '\n', '0\n\n', '0\n1\n', '0\n1\na 1 1\na 1 2\n', '0\n1\na 1\n', '0\n1\na 1 1 1\n')
    corrupt(parseOffsetCheckpoint, '0\n1\na x 1\n', '0\n1\na -1 1\n', '0\n1\na 1 0x10\n', '0\n1\na 1 9223372036854775807\n', '0\n1\n 1 1\n')
    corrupt(parseOffsetCheckpoint, '\0'.repeat(100))
  })

  it('hold integers as Java reads them', () => {
    expect(['12', '-3', '+4', '007', '', ' 1', '1e3', '1.0', '9007199254740992'].map(parseInteger)).toEqual([
      12,
      -3,
      4,
      7,
      ...Array.from({ length: 5 }),
    ])
  })
})

describe('partition.metadata', () => {
  it('is written and read', async () => {
    const disk = new MemoryDisk()
    expect(readPartitionMetadata(disk, '/p')).toBeUndefined()
    await writePartitionMetadata(disk, '/p', '0kHQLllNR-G6vVpJrpJJUw')
    expect(readPartitionMetadata(disk, '/p')).toEqual({ version: 0, topicId: '0kHQLllNR-G6vVpJrpJJUw' })
    expect(disk.durableContent('/p')?.toString()).toBe('version: 0\ntopic_id: 0kHQLllNR-G6vVpJrpJJUw')
    expect(parsePartitionMetadata('/p', Buffer.from('version: 1\ntopic_id: 0kHQLllNR-G6vVpJrpJJUw\nmore: x\n')).version).toBe(1)
    corrupt(parsePartitionMetadata, '', 'version: 0', 'version: -1\ntopic_id: 0kHQLllNR-G6vVpJrpJJUw', 'version: x\ntopic_id: y')
    corrupt(parsePartitionMetadata, 'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA', 'version: 0\ntopic_id: short', '\0'.repeat(43))
  })
})

describe('the mark of a clean shutdown', () => {
  it('is written, read and removed', async () => {
    const disk = new MemoryDisk()
    await removeCleanShutdown(disk, '/mark')
    await writeCleanShutdown(disk, '/mark', { brokerEpoch: 518 })
    expect(disk.durableContent('/mark')?.toString()).toBe('{"version":0,"brokerEpoch":518}')
    expect(readCleanShutdown(disk, '/mark')).toEqual({ brokerEpoch: 518 })
    await removeCleanShutdown(disk, '/mark')
    expect(disk.durableContent('/mark')).toBeUndefined()
    expect(readCleanShutdown(disk, '/mark')).toBeUndefined()
  })

  it('is a mark whatever it says', () => {
    const texts = ['', '{}', '{ "brokerEpoch" : 7 , "version":0}', '{"version":9,"brokerEpoch":-1}', '\0\0', '{"brokerEpoch":null}']
    expect(texts.map(text => parseCleanShutdown(Buffer.from(text)).brokerEpoch)).toEqual([-1, -1, 7, -1, -1, -1])
  })
})

describe('meta.properties', () => {
  it('is written and read', async () => {
    const disk = new MemoryDisk()
    const properties = { clusterId: 'my cluster:1', nodeId: 3, directoryId: '_zyYTstoR2e9oB3oLtBztg' }
    expect(readMetaProperties(disk, '/m')).toBeUndefined()
    await writeMetaProperties(disk, '/m', { properties, nowMs: Date.UTC(2026, 0, 2, 3, 4, 5) })
    expect(readMetaProperties(disk, '/m')).toEqual(properties)
    expect(disk.durableContent('/m')?.toString()).toContain('#Fri Jan 02 03:04:05 UTC 2026\nnode.id=3\n')
    const older = { clusterId: 'c', nodeId: 0 }
    await writeMetaProperties(disk, '/m', { properties: older, nowMs: 0 })
    expect(readMetaProperties(disk, '/m')).toEqual(older)
  })

  it('says what is wrong with it', () => {
    corrupt(parseMetaProperties, '', 'version=0\nbroker.id=1', 'version=2\nnode.id=1\ncluster.id=c', 'version=1\nnode.id=1')
    corrupt(
      parseMetaProperties,
      'version=1\ncluster.id=c',
      'version=1\ncluster.id=c\nnode.id=-1',
      'version=1\ncluster.id=c\nnode.id=99999999999',
    )
    corrupt(parseMetaProperties, 'version=1\ncluster.id=c\nnode.id=1\ndirectory.id=?')
  })
})

describe('properties', () => {
  it('are read as Java reads them', () => {
    const text = [
      '# comment = no',
      '  ! another',
      'a=1',
      'b : 2 ',
      'c 3',
      'd',
      '',
      String.raw`long=one,\ `,
      String.raw`cont=one,\\`,
      String.raw`multi = one,\ `.trimEnd(),
      '   two',
      String.raw`k\ e\=y=v\:\u00e9\tx`,
      'a==2',
      'last=\\',
    ].join('\n')
    expect(parseProperties(text).map(({ key, line, value }) => [line, key, value])).toEqual([
      [3, 'a', '1'],
      [4, 'b', '2 '],
      [5, 'c', '3'],
      [6, 'd', ''],
      [8, 'long', 'one, '],
      [9, 'cont', 'one,\\'],
      [10, 'multi', 'one,two'],
      [12, 'k e=y', 'v:é\tx'],
      [13, 'a', '=2'],
      [14, 'last', ''],
    ])
  })

  it('are written so that they are read back', () => {
    for (const [key, value] of [
      ['a b', ' c d'],
      ['#x', '!y\n\t\\'],
      ['k=:', ''],
    ] as const) {
      expect(parseProperties(propertyLine(key, value))).toEqual([{ key, value, line: 1 }])
    }
  })
})

describe('small things', () => {
  it('64-bit integers', () => {
    const buffer = Buffer.alloc(9)
    for (const value of [0, -1, 1, 2 ** 32, 2 ** 53 - 1, -(2 ** 53 - 1), -(2 ** 32), 1_700_000_000_000]) {
      writeInt64(buffer, value, 1)
      expect(readInt64(buffer, 1)).toBe(value)
      expect(buffer.readBigInt64BE(1)).toBe(BigInt(value))
    }
  })

  it('the longest time of a segment', () => {
    const compacted = { ...defaultLogConfig, cleanupPolicy: { compact: true, delete: false }, maxCompactionLagMs: 5 }
    expect(maxSegmentMs(compacted)).toBe(5)
    expect(maxSegmentMs({ ...compacted, cleanupPolicy: { compact: false, delete: true } })).toBe(defaultLogConfig.segmentMs)
  })
})
