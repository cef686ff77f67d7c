// Messages of magic 0 and 1, plain and wrapped, to be read only (classes LegacyRecord and AbstractLegacyRecordBatch). A wrapped message
// holds compressed messages as its value. Magic 0 gives them absolute offsets; magic 1 gives them offsets relative to the first one, while
// the wrapper has the offset of the last (KIP-31), and may give them the time of the append (KIP-32).

import { ErrorCode, KafkaError } from '../errors.ts'
import { RecordBatch, batchesIn } from './batch.ts'
import { decompress } from './compression/index.ts'
import { int32At } from './numbers.ts'
import { MAX_DECOMPRESSED_BYTES, type RecordView } from './record.ts'

const invalid = (message: string): KafkaError => new KafkaError(ErrorCode.INVALID_RECORD, message)

/** The field of `length` bytes after the 4 bytes of its length at `at`, null for a negative length. */
const sized = (bytes: Buffer, at: number, end: number): Buffer | null => {
  if (at + 4 > end) throw invalid('A message ends before its key and value')
  const length = int32At(bytes, at)
  if (length > end - at - 4) throw invalid(`A message has a key or value of ${length} bytes and is not that long`)
  return length < 0 ? null : bytes.subarray(at + 4, at + 4 + length)
}

const keyAndValue = (message: RecordBatch): { key: Buffer | null; value: Buffer | null } => {
  const keyAt = message.at + (message.magic === 0 ? 18 : 26)
  const end = message.at + message.sizeInBytes
  const key = sized(message.buffer, keyAt, end)
  return { key, value: sized(message.buffer, keyAt + 4 + (key?.length ?? 0), end) }
}

/** The messages inside a wrapped one. */
const wrapped = (wrapper: RecordBatch, maxOutputLength: number): RecordBatch[] => {
  const { value } = keyAndValue(wrapper)
  const name = wrapper.compression
  if (value === null) throw invalid('A wrapped message has no value')
  if (name === undefined || name === 'zstd') throw invalid('A wrapped message has a compression that its magic does not know')
  const body = decompress(name, value, { maxOutputLength, ignoreHeaderChecksum: wrapper.magic === 0 })
  const inner = [...batchesIn(body)]
  if (inner.length === 0) throw invalid('A wrapped message has no messages inside')
  for (const message of inner) {
    if (message.magic !== wrapper.magic) throw invalid(`A message of magic ${message.magic} lies in a wrapper of magic ${wrapper.magic}`)
    if (message.isCompressed) throw invalid('A message inside a wrapped one is compressed again')
  }
  return inner
}

/** How much to add to the offsets of the messages inside. librdkafka left the wrapper's offset 0 at times. */
const offsetOfInner = (wrapper: RecordBatch, inner: readonly RecordBatch[]): number => {
  if (wrapper.magic === 0) return 0
  const last = inner.at(-1)!.lastOffset
  if (wrapper.lastOffset === 0) return 0
  if (wrapper.lastOffset < last)
    throw invalid(`A wrapped message has the offset ${wrapper.lastOffset}, less than the last one inside, ${last}`)
  return wrapper.lastOffset - last
}

/** Absolute offsets of the messages inside a wrapped one. */
export const legacyOffsets = (wrapper: RecordBatch): number[] => {
  const inner = wrapped(wrapper, MAX_DECOMPRESSED_BYTES)
  const add = offsetOfInner(wrapper, inner)
  return inner.map(message => message.lastOffset + add)
}

/**
 * The records of a message of magic 0 or 1.
 * @throws KafkaError INVALID_RECORD for a malformed message, MESSAGE_TOO_LARGE when it would become larger than allowed.
 */
export function* legacyRecords(batch: RecordBatch, maxOutputLength = MAX_DECOMPRESSED_BYTES): Generator<RecordView, undefined, undefined> {
  if (batch.isCompressed) {
    const inner = wrapped(batch, maxOutputLength)
    const add = offsetOfInner(batch, inner)
    for (const message of inner) {
      const timestamp = batch.isLogAppendTime ? batch.maxTimestamp : message.maxTimestamp
      yield { offset: message.lastOffset + add, timestamp, ...keyAndValue(message), headers: [] }
    }
  } else yield { offset: batch.lastOffset, timestamp: batch.maxTimestamp, ...keyAndValue(batch), headers: [] }
  return undefined
}
