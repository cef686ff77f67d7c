import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '@ottla/protocol'
import type { Connection, RequestService } from './connection.ts'
import type { ReceiveWay } from './receive.ts'
import { echo, eventually, FrameClient, framed, TestServer } from './testing.ts'

const KIB = 1024
const MIB = 1024 * KIB
const ways: ReceiveWay[] = ['slab', 'data']
const open: TestServer[] = []

async function serverWith(options: Parameters<typeof TestServer.open>[0]): Promise<TestServer> {
  const server = await TestServer.open(options)
  open.push(server)
  return server
}

afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

/** Bytes that differ from place to place. */
function pattern(size: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) + seed) & 0xff
  return bytes
}

describe.each(ways)("connections, receive way '%s'", receive => {
  it('takes the wanted way', async () => {
    let way = ''
    const service: RequestService = {
      serve(connection, buffer, at, end) {
        way = connection.way
        echo.serve(connection, buffer, at, end)
      },
    }
    const server = await serverWith({ receive, service })
    const client = await server.client()
    client.send(framed(pattern(10, 0)))
    await client.receive(1)
    expect(way).toBe(receive)
    expect(server.listener.port).toBeGreaterThan(0)
  })

  it('answers requests of all sizes, sent in one go', async () => {
    const server = await serverWith({ receive })
    const client = await server.client()
    const bodies = [8, 100, 16 * KIB, 64 * KIB - 4, 256 * KIB - 4, 256 * KIB, 9, 300 * KIB, 8 * MIB, 1000, 3 * MIB + 1].map(pattern)
    client.send(Buffer.concat(bodies.map(framed)))
    const frames = await client.receive(bodies.length)
    bodies.forEach((body, i) => expect(body.equals(frames[i] ?? Buffer.alloc(0)), `request ${i}`).toBe(true))
    expect(server.shared.memory.usedBytes).toBe(0)
  })

  it('answers requests that come split at any byte', async () => {
    const server = await serverWith({ receive })
    const client = await server.client()
    const bodies = [pattern(20, 1), pattern(33, 2)]
    const bytes = Buffer.concat(bodies.map(framed))
    for (let split = 1; split < bytes.length; split++) {
      const before = client.frames.length
      client.send(bytes.subarray(0, split))
      await new Promise<void>(resolve => setImmediate(resolve))
      client.send(bytes.subarray(split))
      await client.receive(before + 2)
      expect(client.frames.slice(before).map(String)).toEqual(bodies.map(String))
    }
  })

  it('keeps the bytes of many connections apart', async () => {
    const server = await serverWith({ receive })
    const clients = await Promise.all(Array.from({ length: 20 }, () => server.client()))
    const bodies = clients.map((_, i) => Array.from({ length: 10 }, (__, k) => pattern(20_000 * (k + 1), i * 16 + k)))
    clients.forEach((client, i) => client.send(Buffer.concat((bodies[i] ?? []).map(framed))))
    for (const [i, client] of clients.entries()) {
      const frames = await client.receive(10)
      for (const [k, body] of (bodies[i] ?? []).entries()) expect(body.equals(frames[k] ?? Buffer.alloc(0)), `${i} ${k}`).toBe(true)
    }
  })

  it('answers 10,000 pipelined requests in order', async () => {
    const server = await serverWith({ receive })
    const client = await server.client()
    const bodies = Array.from({ length: 10_000 }, (_, i) => Buffer.from(`request ${i}`))
    client.send(Buffer.concat(bodies.map(framed)))
    const frames = await client.receive(bodies.length)
    expect(frames.map(String)).toEqual(bodies.map(String))
  })

  it('sends replies in request order, however late each is', async () => {
    const waiting: (() => void)[] = []
    const service: RequestService = {
      serve(connection, buffer, at, end) {
        const reply = framed(Buffer.from(buffer.subarray(at, end)))
        const slot = connection.reserve()
        waiting.push(() => connection.fill(slot, [reply], null))
      },
    }
    const server = await serverWith({ receive, service })
    const client = await server.client()
    const bodies = Array.from({ length: 50 }, (_, i) => Buffer.from(`request ${i}`))
    client.send(Buffer.concat(bodies.map(framed)))
    await eventually(() => waiting.length === 50)
    for (const answer of waiting.toReversed()) answer()
    expect((await client.receive(50)).map(String)).toEqual(bodies.map(String))
  })

  it('begins no more requests than may be in flight', async () => {
    const waiting: (() => void)[] = []
    const service: RequestService = {
      serve(connection) {
        const slot = connection.reserve()
        waiting.push(() => connection.fill(slot, [framed(pattern(8, 0))], null))
      },
    }
    const server = await serverWith({ receive, service, limits: { inFlightRequests: 7 } })
    const client = await server.client()
    client.send(Buffer.concat(Array.from({ length: 1000 }, () => framed(pattern(50, 0)))))
    for (let answered = 0; answered < 1000; answered++) {
      await eventually(() => waiting.length > answered)
      expect(waiting.length - answered).toBeLessThanOrEqual(7)
      waiting[answered]?.()
    }
    await client.receive(1000)
  })

  it('stops reading while the client does not', async () => {
    let served = 0
    const reply = framed(pattern(100 * KIB, 1))
    const service: RequestService = {
      serve(connection) {
        served++
        connection.send([reply], null)
      },
    }
    const server = await serverWith({ receive, service, limits: { outputHighWaterBytes: MIB } })
    const client = await server.client()
    client.socket.pause()
    client.send(Buffer.concat(Array.from({ length: 500 }, () => framed(pattern(1000, 0)))))
    let before = -1
    while (before !== served) {
      before = served
      await new Promise<void>(resolve => setTimeout(resolve, 50))
    }
    expect(served).toBeLessThan(200)
    client.socket.resume()
    await client.receive(500)
    expect(served).toBe(500)
  })

  it('gives loans back when the bytes have left, and when they cannot', async () => {
    let released = 0
    const connections: Connection[] = []
    const service: RequestService = {
      serve(connection) {
        connections.push(connection)
        connection.send([framed(pattern(10, 0))], () => released++)
        const late = connection.reserve()
        void connection.onClose(() => connection.fill(late, [framed(pattern(10, 0))], () => released++))
      },
    }
    const server = await serverWith({ receive, service })
    const client = await server.client()
    client.send(framed(pattern(10, 0)))
    await client.receive(1)
    await eventually(() => released === 1)
    client.socket.resetAndDestroy()
    await eventually(() => released === 2)
    expect(connections[0]?.isClosed).toBe(true)
  })

  it('finishes what a client that half-closes is owed', async () => {
    const server = await serverWith({ receive })
    const client = await server.client()
    client.socket.end(Buffer.concat([framed(pattern(100, 1)), framed(pattern(200, 2))]))
    await client.receive(2)
    await client.end()
    await eventually(() => server.listener.connections === 0)
  })

  it('survives clients that vanish', async () => {
    const server = await serverWith({ receive })
    const clients = await Promise.all(Array.from({ length: 10 }, () => server.client()))
    for (const [i, client] of clients.entries()) {
      client.send(Buffer.concat([framed(pattern(MIB, i)), framed(pattern(MIB, i)).subarray(0, 500 * KIB)]))
      if (i % 2) client.socket.resetAndDestroy()
      else client.socket.destroy()
    }
    await eventually(() => server.listener.connections === 0)
    expect(server.shared.memory.usedBytes).toBe(0)
    const last = await server.client()
    last.send(framed(pattern(10, 0)))
    await last.receive(1)
  })
})

describe('Listener', () => {
  it.each([
    ['a negative length', Buffer.from('ffffffff', 'hex'), 'impossible length -1'],
    ['a huge length', Buffer.from('7fffffff', 'hex'), 'socket.request.max.bytes is 104857600'],
    ['TLS', Buffer.from('16030100f8010000f40303', 'hex'), 'TLS handshake on the plaintext listener PLAINTEXT'],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'HTTP request on the Kafka listener PLAINTEXT'],
  ])('closes only the connection that sends %s, and says why', async (_, bytes, reason) => {
    const server = await serverWith({})
    const [bad, good] = [await server.client(), await server.client()]
    bad.send(bytes)
    await bad.end()
    expect(server.log.text).toContain(reason)
    good.send(framed(pattern(10, 0)))
    await good.receive(1)
    expect(server.shared.counters.listeners[0]?.closedBroken).toBe(1)
  })

  it('closes idle connections and those whose request arrives too slowly', async () => {
    const clock = new ManualClock()
    const server = await serverWith({ clock, limits: { idleMs: 60_000, slowFrameGraceMs: 10_000, slowFrameBytesPerSecond: 100 } })
    const [idle, slow, busy] = [await server.client(), await server.client(), await server.client()]
    await eventually(() => server.listener.connections === 3)
    const body = framed(pattern(1000, 0))
    for (let second = 0; second < 40; second++) {
      if (!slow.closed) slow.send(body.subarray(second, second + 1))
      busy.send(body)
      await busy.receive(second + 1)
      clock.advance(1000)
      await new Promise<void>(resolve => setTimeout(resolve, 2))
    }
    await slow.end()
    expect(server.log.text).toContain('a request has been arriving for')
    expect(idle.closed).toBe(false)
    clock.advance(30_000)
    await idle.end()
    busy.send(body)
    await busy.receive(41)
    expect(server.shared.counters.listeners[0]).toMatchObject({ closedIdle: 1, closedSlow: 1 })
  })

  it('serves others while one has sent much', async () => {
    const clock = new ManualClock()
    const order: number[] = []
    const service: RequestService = {
      serve(connection, buffer, at, end) {
        order.push(connection.id)
        clock.advance(2)
        echo.serve(connection, buffer, at, end)
      },
    }
    const server = await serverWith({ clock, service })
    const [greedy, modest] = [await server.client(), await server.client()]
    greedy.send(Buffer.concat(Array.from({ length: 300 }, () => framed(pattern(10, 0)))))
    modest.send(framed(pattern(10, 0)))
    await Promise.all([greedy.receive(300), modest.receive(1)])
    expect(order.indexOf(2)).toBeLessThan(100)
  })

  it('closes clients that do not read when all together owe too much', async () => {
    const clock = new ManualClock()
    const reply = framed(pattern(MIB, 1))
    const service: RequestService = { serve: connection => connection.send([reply], null) }
    const server = await serverWith({ clock, service, limits: { outputBytes: 20 * MIB } })
    const [deaf, good] = [await server.client(), await server.client()]
    deaf.socket.pause()
    for (let i = 0; i < 30; i++) deaf.send(framed(pattern(10, 0)))
    good.send(framed(pattern(10, 0)))
    await good.receive(1)
    const [first] = server.shared.connections
    await eventually(() => (first?.waitingBytes ?? 0) > 10 * MIB)
    server.shared.setLimits({ outputBytes: 9 * MIB })
    clock.advance(2000)
    expect(server.listener.connections).toBe(2)
    clock.advance(4000)
    await eventually(() => server.listener.connections === 1)
    expect(server.log.text).toContain('MiB of replies for 5 s')
    good.send(framed(pattern(10, 0)))
    await good.receive(2)
    expect(server.shared.counters.listeners[0]).toMatchObject({ closedSlow: 1, closedBroken: 0 })
  })

  it('keeps to the numbers of connections', async () => {
    const server = await serverWith({ limits: { maxConnectionsPerIp: 2, maxConnectionsPerIpOverrides: new Map([['127.0.0.2', 1]]) } })
    await server.client()
    await server.client()
    await eventually(() => server.listener.connections === 2)
    await (await server.client()).end()
    expect(server.log.text).toContain('127.0.0.1 already has the 2 connections')
    server.shared.setLimits({ maxConnectionsPerIp: 100, maxConnections: 3 })
    await server.client()
    await eventually(() => server.listener.connections === 3)
    await (await server.client()).end()
    expect(server.log.text).toContain('max.connections allows')
    expect(server.shared.counters.listeners[0]).toMatchObject({ connections: 3, accepted: 3, rejected: 2 })
  })

  it('limits the lines that clients can cause', async () => {
    const clock = new ManualClock()
    const server = await serverWith({ clock })
    for (let i = 0; i < 25; i++) {
      const client = await server.client()
      client.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
      await client.end()
    }
    expect(server.log.lines.filter(line => line.message.includes('HTTP'))).toHaveLength(10)
    clock.advance(20_000)
    expect(server.log.text).toContain('15 more log lines of this kind left out')
  })

  it('finishes requests that have begun when it closes, but no longer than the deadline', async () => {
    const waiting: (() => void)[] = []
    const service: RequestService = {
      serve(connection) {
        const slot = connection.reserve()
        waiting.push(() => connection.fill(slot, [framed(pattern(10, 0))], null))
      },
    }
    const server = await serverWith({ service })
    const [first, second] = [await server.client(), await server.client()]
    first.send(framed(pattern(10, 0)))
    await eventually(() => waiting.length === 1)
    second.send(framed(pattern(10, 0)))
    await eventually(() => waiting.length === 2)
    const closed = server.listener.close(300)
    await expect(FrameClient.open(server.listener.port)).rejects.toThrow('ECONNREFUSED')
    waiting[0]?.()
    await first.receive(1)
    await first.end()
    await closed
    await second.end()
    expect(second.frames).toHaveLength(0)
  })

  it('says which port is taken', async () => {
    const server = await serverWith({})
    await expect(TestServer.open({ listener: { port: server.listener.port } })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
