// From record batches to messages. They are made at once and as plain objects, not lazily: views of key and value cost 20 ns together,
// while what is dear is turning numbers into texts, and consecutive offsets share all but their last three digits.
import type { RecordBatch, RecordCursor, RecordView } from '@ottla/protocol'
import { openRecords, recordsOf } from '@ottla/protocol'
import type { IHeaders, KafkaMessage, RecordBatchEntry } from './message.ts'

/** What `subarray` of a Buffer makes, without the checks of its arguments, which cost more than the rest. */
const View: new (memory: ArrayBufferLike, at: number, length: number) => Buffer = Reflect.get(Buffer, Symbol.species)

const lastDigits = Array.from({ length: 1000 }, (_, index) => String(index).padStart(3, '0'))

/** Turns numbers into texts, the first digits of which are mostly those of the number before. */
class Digits {
  #thousands = -1
  #text = ''

  textOf(value: number): string {
    if (value < 1000) return String(value)
    const thousands = Math.floor(value / 1000)
    if (thousands !== this.#thousands) {
      this.#thousands = thousands
      this.#text = String(thousands)
    }
    return this.#text + lastDigits[value - thousands * 1000]!
  }
}

const offsetDigits = new Digits()
const timestampDigits = new Digits()

let lastTimestamp = -1
let lastTimestampText = '-1'

/** A time as text: records of a batch often have the same. */
const timestampText = (timestamp: number): string => {
  if (timestamp !== lastTimestamp) {
    lastTimestamp = timestamp
    lastTimestampText = timestampDigits.textOf(timestamp)
  }
  return lastTimestampText
}

const addHeader = (headers: IHeaders, name: string, value: Buffer | null): void => {
  // Null is what KafkaJS gives for a header without value, though its types do not say so.
  if (value === null || name === '__proto__' || Object.hasOwn(headers, name)) addUnusualHeader(headers, name, value)
  else headers[name] = value
}

const addUnusualHeader = (headers: IHeaders, name: string, added: Buffer | null): void => {
  const before: unknown = Object.hasOwn(headers, name) ? headers[name] : undefined
  const value = before === undefined ? added : Array.isArray(before) ? [...(before as unknown[]), added] : [before, added]
  Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true })
}

let varintEnd = 0

/** A varint of a record whose structure a cursor has checked. */
const varintAt = (body: Buffer, start: number): number => {
  let value = 0
  let at = start
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = body[at++]!
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) break
  }
  varintEnd = at
  return (value >>> 1) ^ -(value & 1)
}

interface HeaderName {
  readonly bytes: Buffer
  readonly name: string
}

/** Names that came last, by their place among the headers: records of a topic mostly have the same. */
const recentNames: (HeaderName | undefined)[] = Array.from({ length: 16 }, () => undefined)
const LONGEST_KEPT_NAME = 64

const isSame = (name: Buffer, body: Buffer, at: number): boolean => {
  for (let index = 0; index < name.length; index++) if (name[index] !== body[at + index]) return false
  return true
}

const nameAt = (body: Buffer, at: number, length: number, place: number): string => {
  const recent = recentNames[place & 15]
  if (recent?.bytes.length === length && isSame(recent.bytes, body, at)) return recent.name
  const name = body.toString('utf8', at, at + length)
  if (length <= LONGEST_KEPT_NAME) recentNames[place & 15] = { bytes: Buffer.from(body.subarray(at, at + length)), name }
  return name
}

const headersOf = (cursor: RecordCursor): IHeaders => {
  const { body } = cursor
  const headers: IHeaders = {}
  let at = cursor.headersAt
  for (let index = 0; index < cursor.headersCount; index++) {
    const nameLength = varintAt(body, at)
    const start = varintEnd
    const name = nameAt(body, start, nameLength, index)
    const length = varintAt(body, start + nameLength)
    at = varintEnd
    addHeader(headers, name, length < 0 ? null : new View(body.buffer, body.byteOffset + at, length))
    if (length > 0) at += length
  }
  return headers
}

/** Types of timestamps in Kafka's words (TimestampType), but for CreateTime; kept beside the messages, since handlers get what KafkaJS's handlers get. */
const timestampTypes = new WeakMap<object, string>()

/** What the timestamp of a message is, in Kafka's words. The format decides: a producer's -1 is a CreateTime too. */
export const timestampTypeOf = (message: KafkaMessage): string => timestampTypes.get(message) ?? 'CreateTime'

/** A record of which only a view is there. */
export const messageOfView = (view: RecordView): RecordBatchEntry => {
  const headers: IHeaders = {}
  for (const { key, value } of view.headers) addHeader(headers, key, value)
  const { key, value, timestamp, offset } = view
  return {
    key,
    value,
    timestamp: timestampText(timestamp),
    attributes: 0,
    offset: offsetDigits.textOf(offset),
    headers,
    size: 0,
  }
}

/**
 * Adds the messages of a batch from `fromOffset` on to `messages`.
 * @throws KafkaError INVALID_RECORD or MESSAGE_TOO_LARGE when the batch cannot be read; some of its messages may have been added.
 */
export function addMessages(messages: KafkaMessage[], batch: RecordBatch, fromOffset: number): void {
  if (batch.magic < 2) {
    const type = batch.magic === 0 ? 'NoTimestampType' : batch.isLogAppendTime ? 'LogAppendTime' : undefined
    for (const view of recordsOf(batch)) {
      if (view.offset < fromOffset) continue
      const message = messageOfView(view)
      messages.push(message)
      if (type !== undefined) timestampTypes.set(message, type)
    }
    return
  }
  const count = batch.recordsCount
  if (count === 0) return
  const cursor = openRecords(batch)
  const { baseOffset, baseTimestamp } = batch
  const appendTime = batch.isLogAppendTime ? batch.maxTimestamp : undefined
  const { buffer: memory, byteOffset: start } = cursor.body
  for (let index = 0; index < count; index++) {
    cursor.next()
    const offset = baseOffset + cursor.offsetDelta
    if (offset < fromOffset) continue
    const message = {
      key: cursor.keyLength < 0 ? null : new View(memory, start + cursor.keyAt, cursor.keyLength),
      value: cursor.valueLength < 0 ? null : new View(memory, start + cursor.valueAt, cursor.valueLength),
      timestamp: timestampText(appendTime ?? baseTimestamp + cursor.timestampDelta),
      attributes: cursor.attributes,
      offset: offsetDigits.textOf(offset),
      headers: cursor.headersCount === 0 ? {} : headersOf(cursor),
      size: cursor.sizeInBytes,
    }
    messages.push(message)
    if (appendTime !== undefined) timestampTypes.set(message, 'LogAppendTime')
  }
  cursor.ensureEnd()
}
