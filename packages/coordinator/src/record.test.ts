import { BatchBuilder, offsetCommitRecord } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { appendRecords, encodeRecord, RecordDecoder, recordOf } from './record.ts'

describe('coordinator records', () => {
  it('come back as they were', () => {
    const record = recordOf(offsetCommitRecord, {
      key: { group: 'g', topic: 't', partition: 3 },
      value: { offset: 5, leaderEpoch: 1, metadata: 'm', commitTimestamp: 9, expireTimestamp: -1, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' },
      valueVersion: 3,
    })
    const { key, value } = encodeRecord(record)
    expect(new RecordDecoder('__consumer_offsets').decode(key, value)).toEqual(record)
    expect(new RecordDecoder('__consumer_offsets').decode(key, null)).toEqual({ ...record, value: null, valueVersion: 4 })
  })

  it('of unknown types are told apart from damaged ones', () => {
    const decoder = new RecordDecoder('__consumer_offsets')
    expect(decoder.decode(Buffer.from('7fff00', 'hex'), null)).toBeNull()
    expect(() => decoder.decode(Buffer.from('0001ffff', 'hex'), null)).toThrow('cannot be read')
    expect(() => decoder.decode(Buffer.from('00', 'hex'), null)).toThrow('cannot be read')
  })

  it('go into a batch as one by one, as far as it takes them', () => {
    const records = ['', 'm', 'm'.repeat(100), 'ä'.repeat(2000), 'x'.repeat(30_000), 'y'.repeat(30_000), null].map((metadata, partition) =>
      recordOf(offsetCommitRecord, {
        key: { group: 'g', topic: 't'.repeat(partition * 20), partition },
        value:
          metadata === null
            ? null
            : { offset: 5, leaderEpoch: 1, metadata, commitTimestamp: 9, expireTimestamp: -1, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' },
      }),
    )
    const one = new BatchBuilder()
    for (const record of records) one.append({ timestamp: 7, ...encodeRecord(record) })
    const all = new BatchBuilder()
    appendRecords(all, records, { timestamp: 7, maxBytes: Infinity })
    expect(all.build().bytes).toEqual(one.build().bytes)
    const some = new BatchBuilder()
    appendRecords(some, records, { timestamp: 7, maxBytes: 10_000 })
    expect(some.count).toBe(5)
  })
})
