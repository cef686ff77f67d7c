import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { apiVersionsApi, fetchApi, listGroupsApi, metadataApi, produceApi } from './apis/index.ts'
import { ProtocolError } from './errors.ts'
import { encodeRequest, encodeResponse, readRequestHeader, readResponse, requestHeaderVersion, responseHeaderVersion } from './frame.ts'
import { requestCodec } from './codec.ts'
import { goldenVectors } from './golden-vectors.ts'
import { Reader } from './wire/reader.ts'

interface Exchange {
  readonly requestVersion: number
  readonly responseVersion: number
  readonly requestHex: string
  readonly responseHex: string
  readonly response: Record<string, unknown>
}
/** ApiVersions in versions 0-4 and 99, asked of a broker of 4.3.1. */
const exchanges: Exchange[] = JSON.parse(gunzipSync(readFileSync(new URL('../fixtures/api-versions.json.gz', import.meta.url))).toString())

describe('request headers', () => {
  it('are read as Kafka wrote them', () => {
    for (const { message, version, hex, json, kind } of goldenVectors()) {
      if (message !== 'RequestHeader') continue
      const bytes = Buffer.from(hex, 'hex')
      // The vectors have arbitrary keys; give them those of an API with such a header.
      bytes.writeInt16BE(version === 2 ? fetchApi.key : produceApi.key, 0)
      bytes.writeInt16BE(version === 2 ? 12 : 8, 2)
      const { correlationId, clientId, bodyAt } = readRequestHeader(bytes)
      expect({ correlationId, clientId, bodyAt }, kind).toEqual({
        correlationId: json.correlationId,
        clientId: json.clientId,
        bodyAt: bytes.length,
      })
    }
  })

  it('are read for APIs and versions that nobody knows', () => {
    const header = Buffer.from('7fff7fff0000000700016100ff', 'hex')
    expect(readRequestHeader(header)).toEqual({ apiKey: 0x7fff, apiVersion: 0x7fff, correlationId: 7, clientId: 'a', bodyAt: 11 })
    expect(requestHeaderVersion(metadataApi.key, 999)).toBe(2)
    expect(requestHeaderVersion(metadataApi.key, -1)).toBe(1)
  })

  it('are refused when they are cut', () => {
    const bytes = Buffer.from('00120063000000070006676f6c64656e00', 'hex')
    for (let end = 0; end < bytes.length; end++) expect(() => readRequestHeader(bytes, 0, end)).toThrow(ProtocolError)
  })

  it('lie anywhere in a buffer', () => {
    const bytes = Buffer.from('ffffff00120000000000070006676f6c64656eff', 'hex')
    expect(readRequestHeader(bytes, 3, bytes.length - 1)).toEqual({
      apiKey: 18,
      apiVersion: 0,
      correlationId: 7,
      clientId: 'golden',
      bodyAt: 19,
    })
  })
})

describe('ApiVersions', () => {
  it('is exchanged as with a broker of Kafka', () => {
    for (const { requestVersion, responseVersion, requestHex, responseHex, response } of exchanges) {
      const request = Buffer.from(requestHex, 'hex')
      const header = readRequestHeader(request)
      expect(header).toMatchObject({ apiKey: 18, apiVersion: requestVersion, correlationId: 7, clientId: 'golden' })
      if (requestVersion <= 4) {
        const reader = new Reader(request, header.bodyAt)
        const body = requestCodec(apiVersionsApi, requestVersion).read(reader)
        expect(reader.left).toBe(0)
        const again = encodeRequest({ api: apiVersionsApi, version: requestVersion, correlationId: 7, clientId: 'golden', body })
        expect(Buffer.concat(again).subarray(4).toString('hex')).toBe(requestHex)
      }
      const { correlationId, body } = readResponse(apiVersionsApi, Math.min(requestVersion, 4), Buffer.from(responseHex, 'hex'))
      expect(correlationId).toBe(7)
      expect(body).toMatchObject(response)
      const again = encodeResponse({ api: apiVersionsApi, version: responseVersion, correlationId: 7, body })
      expect(Buffer.concat(again).subarray(4).toString('hex')).toBe(responseHex)
    }
  })

  it('has response header 0 in every version', () => {
    for (let version = 0; version <= 4; version++) expect(responseHeaderVersion(apiVersionsApi, version)).toBe(0)
    expect(responseHeaderVersion(fetchApi, 12)).toBe(1)
    expect(responseHeaderVersion(fetchApi, 11)).toBe(0)
  })
})

describe('frames', () => {
  it('begin with their size', () => {
    const body = { responses: [{ topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions: [] }] }
    const frame = Buffer.concat(encodeResponse({ api: fetchApi, version: 13, correlationId: 9, body: { throttleTimeMs: 0, ...body } }))
    expect(frame.readInt32BE(0)).toBe(frame.length - 4)
    expect(readResponse(fetchApi, 13, frame.subarray(4)).body.responses[0]?.topicId).toBe('AAAAAAAAAAAAAAAAAAAAAQ')
  })

  it('carry record batches without copying them', () => {
    const parts = [Buffer.alloc(2000, 1), Buffer.alloc(10, 2), Buffer.alloc(3000, 3)]
    const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 5, abortedTransactions: null, records: parts }
    const body = { throttleTimeMs: 0, responses: [{ topic: 'a', partitions: [partition, { ...partition, partitionIndex: 1 }] }] }
    const chunks = encodeResponse({ api: fetchApi, version: 11, correlationId: 9, body })
    expect(chunks.filter(chunk => chunk === parts[0])).toHaveLength(2)
    expect(chunks.filter(chunk => chunk === parts[2])).toHaveLength(2)
    const frame = Buffer.concat(chunks)
    expect(frame.readInt32BE(0)).toBe(frame.length - 4)
    const read = readResponse(fetchApi, 11, frame.subarray(4)).body.responses[0]?.partitions[1]?.records
    expect(read).toEqual(Buffer.concat(parts))
    expect(read?.buffer).toBe(frame.buffer)
  })

  it('of one size after another do not share bytes', () => {
    const frames = Array.from({ length: 2000 }, (_, index) => {
      const groups = Array.from({ length: index % 200 }, () => ({ groupId: `group-${index}`, protocolType: 'consumer' }))
      return Buffer.concat(encodeResponse({ api: listGroupsApi, version: 0, correlationId: index, body: { errorCode: 0, groups } }).slice())
    })
    for (const [index, frame] of frames.entries()) {
      const { correlationId, body } = readResponse(listGroupsApi, 0, frame.subarray(4))
      expect(correlationId).toBe(index)
      expect(body.groups.every(({ groupId }) => groupId === `group-${index}`)).toBe(true)
    }
  })

  it('with bytes left over are refused', () => {
    const frame = Buffer.concat(encodeResponse({ api: listGroupsApi, version: 0, correlationId: 1, body: { errorCode: 0, groups: [] } }))
    expect(() => readResponse(listGroupsApi, 0, Buffer.concat([frame.subarray(4), Buffer.alloc(1)]))).toThrow('1 bytes after')
  })
})
