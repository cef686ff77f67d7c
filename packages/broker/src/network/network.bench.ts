// The network layer against bare sockets that echo the same bytes. A round is the same for both: some connections send some
// requests each and wait for all replies. The client runs in this process too, so the ratio of the servers alone is larger.
import type { Server } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'
import { afterAll, bench, describe } from 'vitest'
import { framed, TestServer } from './testing.ts'

/** Sends `bytes` on each socket and waits until as many have come back on each. */
function roundTrip(sockets: readonly Socket[], bytes: Buffer): Promise<void> {
  return new Promise(resolve => {
    let open = sockets.length
    for (const socket of sockets) {
      let left = bytes.length
      const count = (chunk: Buffer | string) => {
        left -= chunk.length
        if (left > 0) return
        socket.off('data', count)
        if (--open === 0) resolve()
      }
      socket.on('data', count)
      socket.write(bytes)
    }
  })
}

describe.each([
  [16, 1024, 5],
  [16, 16 * 1024, 5],
  [4, 64 * 1024, 5],
  [4, 1024 * 1024, 2],
])('echo on %i connections of requests of %i bytes, %i in flight', (connections, size, inFlight) => {
  const bytes = Buffer.concat(Array.from({ length: inFlight }, () => framed(Buffer.alloc(size, 'x'))))
  const closers: (() => Promise<void> | void)[] = []
  const dial = (port: number) => {
    const sockets = Array.from({ length: connections }, () => connect({ port, host: '127.0.0.1', noDelay: true }))
    closers.push(() => sockets.forEach(socket => socket.destroy()))
    return sockets
  }
  const ours = TestServer.open().then(server => {
    closers.push(() => server.close())
    return dial(server.listener.port)
  })
  const bare = new Promise<Socket[]>(resolve => {
    const server: Server = createServer({ noDelay: true }, socket => socket.on('data', chunk => socket.write(chunk)))
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address !== null && typeof address === 'object') resolve(dial(address.port))
    })
    closers.push(() => void server.close())
  })
  afterAll(async () => {
    for (const close of closers) await close()
  })

  bench('bare sockets', async () => roundTrip(await bare, bytes))
  bench('listener', async () => roundTrip(await ours, bytes))
})
