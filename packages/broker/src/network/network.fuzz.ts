// Random and mutated bytes to a listener: whatever comes, only that connection is closed, the others are served, nothing is kept.
import { apiVersionsApi, deleteTopicsApi, metadataApi } from '@ottla/protocol'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { handler } from '../requests/handler.ts'
import { apiVersions } from '../handlers/api-versions.ts'
import { ask, requestBytes, serving } from '../requests/testing.ts'
import { eventually } from './testing.ts'

/** Pieces of requests, sound or spoilt. */
const spoilt = (g: fc.GeneratorValue, valid: readonly Buffer[]): Buffer => {
  const below = (limit: number): number => g(fc.nat, { max: limit - 1 })
  const parts: Buffer[] = []
  for (let count = below(6); count >= 0; count--) {
    const one = Buffer.from(g(fc.constantFrom<Buffer[]>, ...valid))
    const kind = below(5)
    if (kind === 0) for (let flips = below(8); flips >= 0; flips--) one[below(one.length)] = below(256)
    if (kind === 1) parts.push(Buffer.from(g(fc.uint8Array, { maxLength: 300, size: 'max' })))
    if (kind === 2) one.writeInt32BE(below(one.length * 2), 0)
    if (kind === 3) for (let flips = below(4); flips >= 0; flips--) one[4 + below(one.length - 4)] = g(fc.boolean) ? 0xff : 0
    parts.push(one)
  }
  return Buffer.concat(parts)
}

it('closes only the connection that sends nonsense', async () => {
  const handlers = [
    handler({ api: deleteTopicsApi, versions: [1, 6], handle: () => ({ throttleTimeMs: 0, responses: [] }) }),
    handler({ api: metadataApi, versions: [0, 13], handle: () => new Promise<null>(resolve => setImmediate(() => resolve(null))) }),
    apiVersions({ handlers: () => [], features: () => ({ supported: [], finalized: [], epoch: -1 }) }),
  ]
  const server = await serving(handlers)
  const good = await server.client()
  const valid = [
    requestBytes(apiVersionsApi, 3, { clientSoftwareName: 'fuzz', clientSoftwareVersion: '1' }),
    requestBytes(apiVersionsApi, 0, {}),
    requestBytes(deleteTopicsApi, 5, { topicNames: ['a', 'bcd', 'efghijk'], timeoutMs: 1000 }),
    requestBytes(metadataApi, 12, { topics: [{ name: 'a' }, { name: 'b' }] }),
  ]
  const round = async (g: fc.GeneratorValue): Promise<void> => {
    const bad = await server.client()
    const bytes = spoilt(g, valid)
    const cut = g(fc.nat, { max: bytes.length })
    bad.send(bytes.subarray(0, cut))
    if (g(fc.boolean)) await new Promise<void>(resolve => setImmediate(resolve))
    bad.send(bytes.subarray(cut))
    const answer = await ask(good, apiVersionsApi, 4, { clientSoftwareName: 'good', clientSoftwareVersion: '1' })
    expect(answer.errorCode).toBe(0)
    if (g(fc.nat, { max: 2 }) === 0) bad.socket.destroy()
    else bad.socket.end()
    await bad.end()
    good.frames.length = 0
  }
  let last = Promise.resolve()
  await fc.assert(fc.asyncProperty(fc.gen(), g => (last = round(g))))
  // The time may be over in the middle of a round.
  await last
  await eventually(() => server.listener.connections === 1)
  expect(server.shared.memory.usedBytes).toBe(0)
  expect(server.shared.slots.total).toBe(1)
  expect(server.log.lines.filter(line => line.level === 'error')).toEqual([])
  await server.close()
})
