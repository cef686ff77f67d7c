import { offsetCommitRecord } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { encodeRecord, RecordDecoder, recordOf } from './record.ts'

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
})
