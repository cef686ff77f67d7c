// Codecs: one schema and one version give straight-line code, compiled when it is first used and kept.
import type { Int64Mode } from './codec-plan.ts'
import { compileReader } from './codec-read.ts'
import { compileWriter } from './codec-write.ts'
import type { AnyApi, Decoded, Encodable, Message, Shape } from './schema.ts'
import { within } from './schema.ts'
import { ProtocolError } from './wire/protocol-error.ts'
import type { Reader } from './wire/reader.ts'
import type { Writer } from './wire/writer.ts'

/** Reads and writes one version of a message. Both throw ProtocolError. */
export interface Codec<Read, Write> {
  /** Whether lengths are compact and structs end in tagged fields (KIP-482). */
  readonly flexible: boolean
  read(reader: Reader): Read
  write(writer: Writer, value: Write): void
}

/** A message with int64 fields as bigints. */
export interface ExactMessage {
  readonly [name: string]: unknown
}
export type ExactCodec = Codec<ExactMessage, ExactMessage>

/** `bigint` keeps all 64 bits; without it an int64 is a number, clamped to the safe integers. */
export interface ExactOptions {
  readonly int64: 'bigint'
}

interface Source {
  readonly name: string
  readonly versions: AnyApi['versions']
  readonly flexible: AnyApi['flexible']
}

type AnyCodec = Codec<unknown, unknown>
const numbers = new Map<Shape, AnyCodec[]>()
const bigints = new Map<Shape, AnyCodec[]>()

function codecOf(shape: Shape, source: Source, version: number, mode: Int64Mode): AnyCodec {
  const cache = mode === 'number' ? numbers : bigints
  let list = cache.get(shape)
  if (list === undefined) cache.set(shape, (list = []))
  return (list[version] ??= newCodec(shape, source, version, mode))
}

/** Reading and writing are compiled apart: a broker writes no requests. */
function newCodec(shape: Shape, source: Source, version: number, mode: Int64Mode): AnyCodec {
  if (!within(source.versions, version)) throw new ProtocolError('version', `${source.name} has no version ${version}`)
  const flexible = within(source.flexible, version)
  const plan = { name: `${source.name}.v${version}`, shape, version, flexible, mode }
  let reading: AnyCodec['read'] | undefined
  let writing: AnyCodec['write'] | undefined
  return {
    flexible,
    read: reader => (reading ??= compileReader(plan))(reader),
    write: (writer, value) => (writing ??= compileWriter(plan))(writer, value),
  }
}

/** Codec of an API's requests in one version. Throws ProtocolError for a version that the API does not have. */
export function requestCodec<A extends AnyApi>(api: A, version: number): Codec<Decoded<A['request']>, Encodable<A['request']>>
export function requestCodec(api: AnyApi, version: number, options: ExactOptions): ExactCodec
export function requestCodec(api: AnyApi, version: number, options?: ExactOptions): AnyCodec {
  return codecOf(api.request, api, version, options?.int64 ?? 'number')
}

/** Codec of an API's responses in one version. Throws ProtocolError for a version that the API does not have. */
export function responseCodec<A extends AnyApi>(api: A, version: number): Codec<Decoded<A['response']>, Encodable<A['response']>>
export function responseCodec(api: AnyApi, version: number, options: ExactOptions): ExactCodec
export function responseCodec(api: AnyApi, version: number, options?: ExactOptions): AnyCodec {
  return codecOf(api.response, api, version, options?.int64 ?? 'number')
}

/** Codec of a stored record or embedded message in one version. Throws ProtocolError for a version that it does not have. */
export function storedCodec<M extends Message>(type: M, version: number): Codec<Decoded<M['fields']>, Encodable<M['fields']>>
export function storedCodec(type: Message, version: number, options: ExactOptions): ExactCodec
export function storedCodec(type: Message, version: number, options?: ExactOptions): AnyCodec {
  return codecOf(type.fields, type, version, options?.int64 ?? 'number')
}
