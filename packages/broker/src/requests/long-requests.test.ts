// Long requests over all connections: some are handled, the others wait as the bytes that they are.
import type { ResponseInitOf } from '@ottla/protocol'
import { deleteTopicsApi, readResponse } from '@ottla/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../network/testing.ts'
import { handler } from './handler.ts'
import { requestBytes, serving } from './testing.ts'

type Answer = ResponseInitOf<typeof deleteTopicsApi>
const open: Awaited<ReturnType<typeof serving>>[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

const later = () => new Promise<void>(resolve => setImmediate(resolve))

/** A server whose requests are answered when the test says so, by the name that they begin with. */
const start = async () => {
  const begun: string[] = []
  const settle = new Map<string, () => void>()
  const handle = async ({ topicNames: [name = ''] }: { topicNames: readonly string[] }): Promise<Answer> => {
    begun.push(name)
    await new Promise<void>(resolve => settle.set(name, resolve))
    return { throttleTimeMs: 0, responses: [{ name, errorCode: 0 }] }
  }
  const server = await serving([handler<typeof deleteTopicsApi>({ api: deleteTopicsApi, versions: [1, 5], handle })], later)
  open.push(server)
  return { server, begun, settle, requests: () => server.counters.apis[20]?.requests ?? 0 }
}

const long = (name: string, size: number): Buffer =>
  requestBytes(deleteTopicsApi, 5, { timeoutMs: 1, topicNames: [name, ...Array<string>(size / 1000).fill('x'.repeat(998))] })
const short = (name: string): Buffer => requestBytes(deleteTopicsApi, 5, { timeoutMs: 1, topicNames: [name] })

describe('long requests', () => {
  it('wait for each other in order, those behind them on their connection too, and short ones of others do not', async () => {
    const { begun, requests, server, settle } = await start()
    const clients = await Promise.all(['a', 'b', 'c', 'd'].map(() => server.client()))
    for (const [index, client] of clients.entries()) {
      client.send(Buffer.concat([long(`long-${index}`, 3_000_000), short(`next-${index}`)]))
      await eventually(() => requests() > index)
    }
    const other = await server.client()
    other.send(short('other'))
    await eventually(() => begun.includes('other'))
    expect(begun).toEqual(['long-0', 'other'])
    settle.get('long-0')?.()
    await eventually(() => begun.includes('long-1') && begun.includes('next-0'))
    for (const name of ['long-1', 'long-2', 'long-3', 'next-1', 'next-2', 'next-3']) {
      await eventually(() => settle.has(name))
      settle.get(name)?.()
    }
    for (const [index, client] of clients.entries()) {
      if (index === 0) continue
      const frames = await client.receive(2)
      expect(frames.map(frame => readResponse(deleteTopicsApi, 5, frame).body.responses[0]?.name)).toEqual([
        `long-${index}`,
        `next-${index}`,
      ])
    }
    expect(begun.filter(name => name.startsWith('long'))).toEqual(['long-0', 'long-1', 'long-2', 'long-3'])
  })

  it('of clients that are gone never begin, and make room for others at once', async () => {
    const { begun, requests, server, settle } = await start()
    const first = await server.client()
    first.send(long('first', 3_000_000))
    await eventually(() => begun.length === 1)
    for (let round = 0; round < 2; round++) {
      const clients = await Promise.all(Array.from({ length: 6 }, () => server.client()))
      for (const client of clients) client.send(long(`gone-${round}`, 7_000_000))
      await eventually(() => requests() === 1 + 6 * (round + 1))
      for (const client of clients) client.socket.resetAndDestroy()
      await eventually(() => server.shared.connections.size === 1)
    }
    await eventually(() => server.shared.memory.usedBytes === 0)
    const last = await server.client()
    last.send(long('last', 3_000_000))
    await eventually(() => requests() === 14)
    settle.get('first')?.()
    await eventually(() => begun.includes('last'))
    expect(begun).toEqual(['first', 'last'])
    expect(server.log.lines).toEqual([])
  })
})
