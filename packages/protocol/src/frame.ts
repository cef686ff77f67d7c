// Frames: a size of four bytes, a header, a body. Header versions follow from API and version (KIP-482): flexible requests have
// header 2, others 1; flexible responses have header 1, others 0. The response of ApiVersions always has header 0, so that a
// client whose version the broker does not know can read the answer (KIP-511).
import { apiByKey } from './apis/index.ts'
import { requestCodec, responseCodec } from './codec.ts'
import type { AnyApi, RequestInitOf, ResponseInitOf, ResponseOf } from './schema.ts'
import { within } from './schema.ts'
import { broken } from './wire/protocol-error.ts'
import { Reader } from './wire/reader.ts'
import { Writer } from './wire/writer.ts'

const apiVersionsKey = 18
const SIZE_PREFIX_BYTES = 4
/** A client decodes what its own cluster says; only the frame's size bounds it. */
const trustedElements = 100_000_000

/** The header of a request, and where its body begins. */
export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly bodyAt: number
}

/** Header version of a request. Of an API that is not known only the common beginning is read, as header 1. */
export function requestHeaderVersion(apiKey: number, apiVersion: number): 1 | 2 {
  const api = apiByKey(apiKey)
  return api !== undefined && within(api.flexible, apiVersion) ? 2 : 1
}

/** Header version of a response. Throws ProtocolError for a version that the API does not have. */
export function responseHeaderVersion(api: AnyApi, version: number): 0 | 1 {
  return api.key !== apiVersionsKey && responseCodec(api, version).flexible ? 1 : 0
}

/**
 * Reads the header of the request in `[at, end)`, without its size prefix. Works for any API and version, so that the answer may be
 * "not supported". Throws ProtocolError for bytes that are no header.
 */
export function readRequestHeader(buffer: Buffer, at = 0, end = buffer.length): RequestHeader {
  const reader = new Reader(buffer, at, end)
  const apiKey = reader.int16()
  const apiVersion = reader.int16()
  const correlationId = reader.int32()
  const clientId = reader.nullableString()
  if (requestHeaderVersion(apiKey, apiVersion) === 2) reader.skipTags()
  return { apiKey, apiVersion, correlationId, clientId, bodyAt: reader.at }
}

/** A response to be sent. */
export interface OutgoingResponse<A extends AnyApi> {
  readonly api: A
  readonly version: number
  readonly correlationId: number
  readonly body: ResponseInitOf<A>
}

/** The frame of a response, size prefix included, in pieces for a gathering write. Record batches in it are not copied. */
export function encodeResponse<A extends AnyApi>({ api, version, correlationId, body }: OutgoingResponse<A>): Buffer[] {
  const writer = new Writer()
  writer.int32(0)
  writer.int32(correlationId)
  if (responseHeaderVersion(api, version) === 1) writer.uvarint(0)
  responseCodec(api, version).write(writer, body)
  return framed(writer)
}

/** A request to be sent. */
export interface OutgoingRequest<A extends AnyApi> {
  readonly api: A
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly body: RequestInitOf<A>
}

/** The frame of a request, size prefix included, in pieces for a gathering write. Record batches in it are not copied. */
export function encodeRequest<A extends AnyApi>({ api, version, correlationId, clientId, body }: OutgoingRequest<A>): Buffer[] {
  const writer = new Writer()
  writer.int32(0)
  writer.int16(api.key)
  writer.int16(version)
  writer.int32(correlationId)
  writer.nullableString(clientId)
  const codec = requestCodec(api, version)
  if (codec.flexible) writer.uvarint(0)
  codec.write(writer, body)
  return framed(writer)
}

function framed(writer: Writer): Buffer[] {
  const size = writer.length - SIZE_PREFIX_BYTES
  const chunks = writer.chunks()
  chunks[0]?.writeInt32BE(size, 0)
  return chunks
}

/** A response that came in. */
export interface IncomingResponse<A extends AnyApi> {
  readonly correlationId: number
  readonly body: ResponseOf<A>
}

/**
 * Reads a response without its size prefix. `records` are slices of the buffer. ApiVersions in a version that the broker does not know
 * is answered in version 0 with error 35; such an answer is read as that, whatever version was asked. Throws ProtocolError.
 */
export function readResponse<A extends AnyApi>(api: A, version: number, buffer: Buffer): IncomingResponse<A> {
  const reader = new Reader(buffer)
  reader.elementsLeft = trustedElements
  const correlationId = reader.int32()
  const refused = api.key === apiVersionsKey && version > 0 && reader.left >= 2 && buffer.readInt16BE(reader.at) === 35
  const actual = refused ? 0 : version
  if (responseHeaderVersion(api, actual) === 1) reader.skipTags()
  const body = responseCodec(api, actual).read(reader)
  return reader.left === 0 ? { correlationId, body } : broken('length', `${reader.left} bytes after the ${api.name} response`)
}
