// Records of one answer: what is left out of them, and what cannot be read.
import { BatchBuilder, ErrorCode, RecordBatch } from '@ottla/protocol'
import { expect, test } from 'vitest'
import type { FetchedRecords } from '../parts.ts'
import { messagesOf } from './message.ts'
import { fetcherWorld } from './model-brokers-testing.ts'

const t = { topic: 't', partition: 0 }
const offsets = (from: number, end: number): string[] => Array.from({ length: end - from }, (_, index) => String(from + index))
const must = (taken: FetchedRecords | undefined): FetchedRecords => {
  if (taken === undefined) throw new Error('nothing to take')
  return taken
}

test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('compression %s, from the middle of a batch', async compression => {
  const { brokers, fetcher, drain } = fetcherWorld()
  brokers.log('t', 0).fill(10, { compression })
  brokers.log('t', 0).fill(10, { compression, logAppendTime: 77 })
  fetcher.add([{ ...t, offset: 4 }])
  expect(await drain()).toEqual(offsets(4, 20))
})

test('messages are plain objects, with headers as KafkaJS has them', async () => {
  const { cluster, brokers, fetcher } = fetcherWorld()
  const names = ['a', 'b', 'a', '__proto__', 'a']
  const headers = ['1', null, '2', 'x', '3'].map((value, index) => ({ key: names[index] ?? '', value }))
  brokers.log('t', 0).append([{ timestamp: 12, key: null, value: null, headers }], { baseOffset: 123_456_789_012 })
  brokers.log('t', 0).startOffset = 0
  fetcher.add([{ ...t, offset: 5 }])
  await cluster.clock.advance(5)
  const taken = must(fetcher.take())
  const [message] = messagesOf(taken)
  expect({ ...message }).toMatchObject({ key: null, value: null, offset: '123456789012', timestamp: '12', attributes: 0 })
  expect(Object.keys(message?.headers ?? {})).toEqual(['a', 'b', '__proto__'])
  expect(message?.headers?.a).toEqual(['1', '2', '3'].map(text => Buffer.from(text)))
  expect(message?.headers?.b).toBeNull()
  expect(JSON.parse(JSON.stringify(message))).toMatchObject({ offset: '123456789012' })
  expect(messagesOf(taken)[0]).toBe(message)
  expect(messagesOf({ ...taken, records: () => taken.records() })).toEqual([{ ...message, size: 0 }])
})

test('control batches and aborted transactions are left out of what committed readers get', async () => {
  const prepare = (readUncommitted: boolean) => {
    const world = fetcherWorld([1], { readUncommitted })
    const log = world.brokers.log('t', 0)
    const write = (producerId: number) => log.fill(2, { isTransactional: true, producerId, producerEpoch: 0, baseSequence: 0 })
    write(7) // 0, 1: aborted
    write(8) // 2, 3: committed
    log.fill(1) // 4
    log.end(7, false) // 5
    write(7) // 6, 7: committed
    log.end(8, true) // 8
    log.end(7, true) // 9
    write(8) // 10, 11: aborted
    log.end(8, false) // 12
    log.aborted = [
      { producerId: 8, firstOffset: 10 },
      { producerId: 7, firstOffset: 0 },
    ]
    world.fetcher.add([{ ...t, offset: 0 }])
    return world
  }
  const committed = prepare(false)
  expect(await committed.drain()).toEqual(['2', '3', '4', '6', '7'])
  expect(committed.fetcher.position(t)).toEqual({ offset: 13, endOffset: 13 })
  expect(committed.brokers.fetches[0]?.request.isolationLevel).toBe(1)
  const all = prepare(true)
  expect(await all.drain()).toEqual(['0', '1', '2', '3', '4', '6', '7', '10', '11'])
  expect(all.brokers.fetches[0]?.request.isolationLevel).toBe(0)
})

test('the end of what committed readers may see is the last stable offset', async () => {
  const { cluster, brokers, fetcher } = fetcherWorld()
  const log = brokers.log('t', 0)
  log.fill(3)
  log.fill(2, { isTransactional: true, producerId: 7, producerEpoch: 0, baseSequence: 0 })
  log.lastStableOffset = 3
  fetcher.add([{ ...t, offset: 0 }])
  await cluster.clock.advance(5)
  expect(must(fetcher.take())).toMatchObject({ endOffset: 3, highWatermark: 5, nextOffset: 3 })
})

test('records without any that are for users still move the position', async () => {
  const { cluster, brokers, fetcher } = fetcherWorld()
  brokers.log('t', 0).end(7, true)
  fetcher.add([{ ...t, offset: 0 }])
  await cluster.clock.advance(5)
  const taken = must(fetcher.take())
  expect(messagesOf(taken)).toEqual([])
  expect(taken).toMatchObject({ fetchOffset: 0, nextOffset: 1 })
})

test('gaps that compaction left are passed over', async () => {
  const { cluster, brokers, fetcher } = fetcherWorld()
  const log = brokers.log('t', 0)
  log.append(
    [
      { key: 'a', offset: 3 },
      { key: 'b', offset: 7 },
    ],
    { baseOffset: 0 },
  )
  const empty = new BatchBuilder({ baseOffset: 20 }).append({ key: 'x' }).build()
  // A batch without records, whose last offset stays.
  empty.buffer.writeInt32BE(5, empty.at + 23)
  empty.buffer.writeInt32BE(0, empty.at + 57)
  const header = Buffer.from(empty.bytes.subarray(0, 61))
  header.writeInt32BE(49, 8)
  const batch = new RecordBatch(header)
  batch.seal()
  log.add(batch)
  fetcher.add([{ ...t, offset: 5 }])
  await cluster.clock.advance(5)
  const taken = must(fetcher.take())
  expect(messagesOf(taken).map(({ offset }) => offset)).toEqual(['7'])
  expect(taken.nextOffset).toBe(26)
})

/** A message of magic 1, uncompressed. */
const oldMessage = (offset: number, value: string): Buffer => {
  const body = Buffer.alloc(1 + 1 + 8 + 4 + 4 + value.length)
  body[0] = 1
  body.writeBigInt64BE(99n, 2)
  body.writeInt32BE(-1, 10)
  body.writeInt32BE(value.length, 14)
  body.write(value, 18)
  const head = Buffer.alloc(16)
  head.writeBigInt64BE(BigInt(offset), 0)
  head.writeInt32BE(body.length + 4, 8)
  head.writeUInt32BE(crc32(body), 12)
  return Buffer.concat([head, body])
}

const crc32 = (bytes: Buffer): number => {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return ~crc >>> 0
}

test('messages of old formats are read', async () => {
  const { cluster, brokers, fetcher } = fetcherWorld()
  const records = Buffer.concat([oldMessage(4, 'four'), oldMessage(5, 'five'), oldMessage(6, 'six')])
  brokers.log('t', 0).highWatermark = 7
  brokers.log('t', 0).answers.push({ records, highWatermark: 7, lastStableOffset: 7 })
  fetcher.add([{ ...t, offset: 5 }])
  await cluster.clock.advance(5)
  const taken = must(fetcher.take())
  expect(messagesOf(taken).map(({ offset, value, timestamp }) => [offset, String(value), timestamp])).toEqual([
    ['5', 'five', '99'],
    ['6', 'six', '99'],
  ])
  expect(taken).toMatchObject({ nextOffset: 7, leaderEpoch: -1 })
})

const damages: Readonly<Record<string, (batch: RecordBatch) => void>> = {
  'a wrong checksum': batch => void (batch.buffer[batch.at + 70]! ^= 1),
  'an unknown codec': batch => {
    batch.buffer[batch.at + 22] = 7
    batch.seal()
  },
  'a body that is not compressed as it says': batch => {
    batch.buffer[batch.at + 22] = 1
    batch.seal()
  },
  'more records than it has': batch => {
    batch.buffer.writeInt32BE(99, batch.at + 57)
    batch.seal()
  },
  'fewer records than it has': batch => {
    batch.buffer.writeInt32BE(1, batch.at + 57)
    batch.seal()
  },
  'an unknown magic': batch => void (batch.buffer[batch.at + 16] = 9),
  'an impossible length': batch => void batch.buffer.writeInt32BE(3, batch.at + 8),
}

test.each(Object.entries(damages))(
  'a batch with %s is an error, after all that was before it; nothing is passed over',
  async (_, damage) => {
    const { cluster, brokers, fetcher, drain } = fetcherWorld()
    const log = brokers.log('t', 0)
    for (let batch = 0; batch < 4; batch++) log.fill(5)
    const bad = log.batches[2]!
    const sane = Buffer.from(bad.bytes)
    // Brokers find batches by what they remember of them.
    const damaged = Object.assign(new RecordBatch(Buffer.from(bad.bytes)), {})
    damage(damaged)
    log.batches[2] = new Proxy(bad, { get: (target, name) => (name === 'bytes' ? damaged.buffer : Reflect.get(target, name, target)) })
    fetcher.add([{ ...t, offset: 0 }])
    const got = await drain(30)
    expect(got).toEqual([...offsets(0, 10), 'KafkaJSCorruptRecordError'])
    expect(fetcher.position(t)?.offset).toBe(10)
    // It is told again, ever less often, until it is mended or somebody goes on behind it.
    const again = await drain(2000)
    expect(new Set(again)).toEqual(new Set(['KafkaJSCorruptRecordError']))
    expect(again.length).toBeLessThan(5)
    fetcher.seek(t, 15)
    expect(await drain(100)).toEqual(offsets(15, 20))
    fetcher.seek(t, 10)
    await cluster.clock.advance(600)
    expect(() => fetcher.take()).toThrow(expect.objectContaining({ topic: 't', partition: 0, offset: '10', retriable: false }))
    log.batches[2] = new RecordBatch(sane)
    expect(await drain(1000)).toEqual(offsets(10, 20))
  },
)

test('checksums are not looked at when that is not wanted', async () => {
  const { brokers, fetcher, drain } = fetcherWorld([1], { checkCrcs: false })
  brokers.log('t', 0).fill(3)
  brokers.log('t', 0).batches[0]!.buffer.writeInt32BE(1, 17)
  fetcher.add([{ ...t, offset: 0 }])
  expect(await drain()).toEqual(offsets(0, 3))
})

test('what the broker itself finds corrupt is an error too, and a batch that is cut off is asked for as a whole', async () => {
  const { brokers, fetcher, drain } = fetcherWorld()
  const log = brokers.log('t', 0)
  log.fill(3)
  log.fill(200)
  log.answers.push({ errorCode: ErrorCode.CORRUPT_MESSAGE }, { records: log.batches[0]!.bytes.subarray(0, 40) })
  fetcher.add([{ ...t, offset: 0 }])
  expect(await drain(1000)).toEqual(['KafkaJSCorruptRecordError', 'KafkaJSCorruptRecordError', ...offsets(0, 203)])
  const second = fetcherWorld([1], { maxBytesPerPartition: 100 })
  const { bytes } = log.batches[1]!
  second.brokers.log('t', 0).add(log.batches[0]!)
  second.brokers.log('t', 0).add(log.batches[1]!)
  second.brokers.log('t', 0).answers.push({ records: bytes.subarray(0, 100) })
  second.fetcher.add([{ ...t, offset: 3 }])
  expect(await second.drain(1000)).toEqual(offsets(3, 203))
  expect(second.brokers.fetches[1]?.request.topics[0]?.partitions[0]?.partitionMaxBytes).toBe(bytes.length)
})
