// Records of a topic as tests look at them.
import type { RecordView } from '@ottla/protocol'

/** How bytes become a value: text, parsed JSON, the bytes themselves, or whatever a function makes of them. */
export type Decoder<T = unknown> = 'text' | 'json' | 'buffer' | ((bytes: Buffer) => T)

/** What a decoder gives. */
export type DecodedBy<D> = D extends 'buffer' ? Buffer : D extends 'text' ? string : D extends (bytes: Buffer) => infer T ? T : unknown

/** How records are decoded; text unless said otherwise. */
export interface DecodeOptions<K extends Decoder = 'text', V extends Decoder = 'text'> {
  readonly key?: K
  readonly value?: V
}

/** A record of a topic. */
export interface TestRecord<K = string, V = string> {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** In ms. */
  readonly timestamp: number
  readonly key: K | null
  /** null for a tombstone. */
  readonly value: V | null
  /** As text; of a name that occurs more than once, the last. */
  readonly headers: Readonly<Record<string, string>>
  /** As they are in the log. */
  readonly raw: { readonly key: Buffer | null; readonly value: Buffer | null; readonly headers: RecordView['headers'] }
}

const decode = (bytes: Buffer | null, decoder: Decoder): unknown => {
  if (bytes === null) return null
  if (decoder === 'buffer') return bytes
  if (decoder === 'text') return bytes.toString()
  return decoder === 'json' ? JSON.parse(bytes.toString()) : decoder(bytes)
}

/** A record with its bytes, before it is decoded. */
export type RawRecord = TestRecord<Buffer, Buffer>

/** A record as it was read. */
export function rawRecord(topic: string, partition: number, view: RecordView): RawRecord {
  const key = view.key === null ? null : Buffer.from(view.key)
  const value = view.value === null ? null : Buffer.from(view.value)
  const headers = view.headers.map(header => ({ key: header.key, value: header.value === null ? null : Buffer.from(header.value) }))
  return {
    topic,
    partition,
    offset: view.offset,
    timestamp: view.timestamp,
    key,
    value,
    headers: Object.fromEntries(headers.map(header => [header.key, header.value?.toString() ?? ''])),
    raw: { key, value, headers },
  }
}

/** A record with its key and value decoded. What a decoder throws says which record it was. */
export function decoded<K extends Decoder, V extends Decoder>(
  record: RawRecord,
  options: DecodeOptions<K, V>,
): TestRecord<DecodedBy<K>, DecodedBy<V>>
export function decoded(record: RawRecord, options: DecodeOptions<Decoder, Decoder>): TestRecord<unknown, unknown> {
  try {
    const key = decode(record.key, options.key ?? 'text')
    const value = decode(record.value, options.value ?? 'text')
    return { ...record, key, value }
  } catch (error) {
    const where = `${record.topic}-${record.partition} at offset ${record.offset}`
    throw new Error(`cannot decode the record of ${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
