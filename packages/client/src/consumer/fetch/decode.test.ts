// Messages are plain objects, and their texts are those of their numbers.
import { BatchBuilder, RecordBatch } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { addMessages, messageOfView, timestampTypeOf } from './decode.ts'
import type { KafkaMessage } from './message.ts'

const decoded = (baseOffset: number, timestamps: readonly number[]): KafkaMessage[] => {
  const builder = new BatchBuilder({ baseOffset })
  for (const timestamp of timestamps) builder.append({ timestamp, key: 'k', value: null })
  const messages: KafkaMessage[] = []
  addMessages(messages, builder.build(), baseOffset)
  return messages
}

describe('addMessages', () => {
  it('makes plain objects', () => {
    const [message] = decoded(7, [5])
    const expected = { key: Buffer.from('k'), value: null, timestamp: '5', attributes: 0, offset: '7', headers: {}, size: 8 }
    expect(message).toStrictEqual(expected)
    expect({ ...message }).toStrictEqual(expected)
    expect(JSON.parse(JSON.stringify(message))).toMatchObject({ timestamp: '5', offset: '7', headers: {} })
    expect(messageOfView({ offset: 1, timestamp: 2, key: null, value: null, headers: [] })).toStrictEqual({
      key: null,
      value: null,
      timestamp: '2',
      attributes: 0,
      offset: '1',
      headers: {},
      size: 0,
    })
  })

  it('gives each message headers of its own', () => {
    const [first, second] = decoded(0, [1, 1])
    expect(first?.headers).not.toBe(second?.headers)
  })

  it.each([
    [0, [0, 999, 1000, 1001]],
    [998, [-1, -1, -1, -1]],
    [999_999, [1_700_000_000_999, 1_700_000_001_000, 1_700_000_000_998, 1_700_000_000_998]],
    [Number.MAX_SAFE_INTEGER - 5, [Number.MAX_SAFE_INTEGER - 2000, Number.MAX_SAFE_INTEGER - 1, 0, 1]],
  ])('writes offsets from %i on and times %j as numbers are written', (baseOffset, timestamps) => {
    const messages = decoded(baseOffset, timestamps)
    expect(messages.map(({ offset }) => offset)).toEqual(timestamps.map((_, index) => String(baseOffset + index)))
    expect(messages.map(({ timestamp }) => timestamp)).toEqual(timestamps.map(String))
  })
})

/** A message of the old formats, without key and value; nobody looks at its checksum here. */
const oldMessage = (magic: 0 | 1, attributes: number): RecordBatch => {
  const bytes = Buffer.alloc(magic === 0 ? 26 : 34)
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt8(magic, 16)
  bytes.writeInt8(attributes, 17)
  if (magic === 1) bytes.writeBigInt64BE(5n, 18)
  bytes.fill(0xff, bytes.length - 8)
  return new RecordBatch(bytes)
}

const typeOf = (batch: RecordBatch): string[] => {
  const messages: KafkaMessage[] = []
  addMessages(messages, batch, 0)
  return messages.map(timestampTypeOf)
}
const appended = (): RecordBatch => {
  const batch = new BatchBuilder().append({ timestamp: 5, value: 'v' }).build()
  batch.setMaxTimestamp(7, true)
  return batch
}

describe('timestampTypeOf', () => {
  it.each([
    ['a time of its own', () => new BatchBuilder().append({ timestamp: 5, value: 'v' }).build(), 'CreateTime'],
    ['none, which its producer wanted so', () => new BatchBuilder().append({ timestamp: -1, value: 'v' }).build(), 'CreateTime'],
    ["the broker's", appended, 'LogAppendTime'],
    ['a time of its own, in format 1', () => oldMessage(1, 0), 'CreateTime'],
    ["the broker's, in format 1", () => oldMessage(1, 8), 'LogAppendTime'],
    ['none, as in format 0', () => oldMessage(0, 0), 'NoTimestampType'],
  ])('names the timestamp of a message with %s', (_, batch, type) => {
    expect(typeOf(batch())).toEqual([type])
  })
})
