// Records of a coordinator's partition as objects: state machines write and replay these, bytes are only made of them for the log.
// On disk a key is two bytes of record type and the key in version 0, a value two bytes of version and the value. No value is a tombstone.

import {
  type BatchBuilder,
  bounds,
  type CoordinatorRecord as RecordType,
  coordinatorRecords,
  ErrorCode,
  KafkaError,
  type Message,
  type MessageOf,
  ProtocolError,
  Reader,
  type Shape,
  storedCodec,
  Writer,
} from '@ottla/protocol'

/** A message of which only the record's type knows more. */
export interface Fields {
  readonly [name: string]: unknown
}

/** One record, of whatever type; `recordOf` makes one, `isRecordOf` tells what it is. */
export interface CoordinatorRecord {
  readonly type: RecordType
  readonly key: Fields
  /** Null: what the key names is gone. */
  readonly value: Fields | null
  /** Version in which the value is written, or was. */
  readonly valueVersion: number
}

/** A record whose type is known. */
export interface RecordOf<Key extends Shape, Value extends Shape> extends CoordinatorRecord {
  readonly key: MessageOf<Message<Key>>
  readonly value: MessageOf<Message<Value>> | null
}

/** Makes a record. Every field is named, so that replaying it shows the same as reading it back. The value's version is the newest by default. */
export const recordOf = <Key extends Shape, Value extends Shape>(
  type: RecordType<Key, Value>,
  content: { readonly key: MessageOf<Message<Key>>; readonly value: MessageOf<Message<Value>> | null; readonly valueVersion?: number },
): RecordOf<Key, Value> => ({
  type,
  key: content.key,
  value: content.value,
  valueVersion: content.valueVersion ?? bounds(type.value.versions)[1],
})

/** Whether a record is of this type. */
export const isRecordOf = <Key extends Shape, Value extends Shape>(
  record: CoordinatorRecord,
  type: RecordType<Key, Value>,
): record is RecordOf<Key, Value> => record.type === type

/** The bytes of a record. */
export const encodeRecord = (record: CoordinatorRecord): { readonly key: Buffer; readonly value: Buffer | null } => {
  const writer = new Writer()
  const keyEnd = writeRecord(writer, record)
  const bytes = writer.bytes()
  return { key: bytes.subarray(0, keyEnd), value: record.value === null ? null : bytes.subarray(keyEnd) }
}

/** Appends records to a batch, until all are there or the batch, not compressed yet, is larger than `maxBytes`. */
export const appendRecords = (
  builder: BatchBuilder,
  records: readonly CoordinatorRecord[],
  { timestamp, maxBytes }: { readonly timestamp: number; readonly maxBytes: number },
): void => {
  const writer = new Writer()
  for (const record of records) {
    const keyLength = writeRecord(writer, record)
    const end = writer.at
    const keyAt = end - writer.length
    builder.appendFrom(writer.buffer, { keyAt, valueAt: keyAt + keyLength, end, isTombstone: record.value === null }, timestamp)
    // The next one may lie where this one did.
    writer.at = keyAt
    if (builder.sizeInBytes > maxBytes) break
  }
  writer.chunks()
}

/** Writes key and value, one behind the other; returns the writer's length between them. */
const writeRecord = (writer: Writer, { type, key, value, valueVersion }: CoordinatorRecord): number => {
  writer.int16(type.type)
  storedCodec(type.key, 0).write(writer, key)
  const keyEnd = writer.length
  if (value !== null) {
    writer.int16(valueVersion)
    storedCodec(type.value, valueVersion).write(writer, value)
  }
  return keyEnd
}

/** Reads records of one internal topic. */
export class RecordDecoder {
  readonly #types = new Map<number, RecordType>()

  constructor(topic: RecordType['topic']) {
    for (const type of coordinatorRecords) if (type.topic === topic) this.#types.set(type.type, type)
  }

  /**
   * The record that these bytes mean; null for a type that nobody knows, which a newer version wrote (KIP-915).
   * @throws KafkaError CORRUPT_MESSAGE for bytes that mean nothing.
   */
  decode(key: Buffer, value: Buffer | null): CoordinatorRecord | null {
    try {
      const keyReader = new Reader(key)
      const type = this.#types.get(keyReader.int16())
      if (type === undefined) return null
      const decodedKey = storedCodec(type.key, 0).read(keyReader)
      if (value === null) return { type, key: decodedKey, value: null, valueVersion: bounds(type.value.versions)[1] }
      const valueReader = new Reader(value)
      const valueVersion = valueReader.int16()
      return { type, key: decodedKey, value: storedCodec(type.value, valueVersion).read(valueReader), valueVersion }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      throw new KafkaError(ErrorCode.CORRUPT_MESSAGE, `a coordinator's record cannot be read: ${error.message}`)
    }
  }
}
