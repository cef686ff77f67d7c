// Random and mutated bytes to a listener: whatever comes, only that connection is closed, the others are served, nothing is kept.
import { apiVersionsApi, deleteTopicsApi, metadataApi } from '@ottla/protocol'
import { expect, it } from 'vitest'
import { handler } from '../requests/handler.ts'
import { apiVersions } from '../handlers/api-versions.ts'
import { ask, requestBytes, serving } from '../requests/testing.ts'
import { eventually } from './testing.ts'

const seconds = Number(process.env['FUZZ_SECONDS'] ?? 2)
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000_007)

/** Mulberry32: small, seeded, good enough for choosing bytes. */
function randomOf(start: number): (below: number) => number {
  let state = start >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

it(
  `closes only the connection that sends nonsense (seed ${seed})`,
  async () => {
    console.log(`network.fuzz: FUZZ_SEED=${seed} for ${seconds} s`)
    const random = randomOf(seed)
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
    const end = Date.now() + seconds * 1000
    let rounds = 0
    for (; Date.now() < end; rounds++) {
      const bad = await server.client()
      const parts: Buffer[] = []
      for (let count = random(6); count >= 0; count--) {
        const one = Buffer.from(valid[random(valid.length)] ?? [])
        const kind = random(5)
        if (kind === 0) for (let flips = random(8); flips >= 0; flips--) one[random(one.length)] = random(256)
        if (kind === 1) parts.push(Buffer.from(Array.from({ length: random(300) }, () => random(256))))
        if (kind === 2) one.writeInt32BE(random(one.length * 2), 0)
        if (kind === 3) for (let flips = random(4); flips >= 0; flips--) one[4 + random(one.length - 4)] = random(2) ? 0xff : 0
        parts.push(one)
      }
      const bytes = Buffer.concat(parts)
      const cut = random(bytes.length)
      bad.send(bytes.subarray(0, cut))
      if (random(2)) await new Promise<void>(resolve => setImmediate(resolve))
      bad.send(bytes.subarray(cut))
      const answer = await ask(good, apiVersionsApi, 4, { clientSoftwareName: 'good', clientSoftwareVersion: '1' })
      expect(answer.errorCode).toBe(0)
      if (random(3) === 0) bad.socket.destroy()
      else bad.socket.end()
      await bad.end()
      good.frames.length = 0
    }
    await eventually(() => server.listener.connections === 1)
    expect(server.shared.memory.usedBytes).toBe(0)
    expect(server.shared.slots.total).toBe(1)
    expect(server.log.lines.filter(line => line.level === 'error')).toEqual([])
    console.log(`network.fuzz: ${rounds} connections`)
    await server.close()
  },
  (seconds + 60) * 1000,
)
