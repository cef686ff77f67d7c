// What lets tests take the place of the network: connections that are any stream, no bound port, and handlers with something in front.
import { Duplex } from 'node:stream'
import { memoryStore, silentLogger } from '@ottla/metadata'
import { apiVersionsApi, encodeRequest, ErrorCode, readResponse } from '@ottla/protocol'
import { VolatileFiles } from '@ottla/storage'
import { expect, it } from 'vitest'
import { Broker, type BrokerOptions } from './broker.ts'
import { testConfig } from './config/testing.ts'
import type { ByteStream } from './network/connection.ts'
import { systemClock } from './system.ts'

/** The broker's end of a stream: what it writes is kept. */
class TestStream extends Duplex implements ByteStream {
  readonly written: Buffer[] = []
  bytesWritten = 0

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(chunk)
    done()
  }

  setNoDelay(): void {}

  setKeepAlive(): void {}
}

const start = async (options: Partial<BrokerOptions>): Promise<Broker> =>
  Broker.start({
    config: testConfig({ 'log.dirs': '/data', listeners: 'PLAINTEXT://127.0.0.1:9092' }),
    files: new VolatileFiles(),
    store: await memoryStore(systemClock),
    logger: silentLogger,
    bound: false,
    ...options,
  })

const ask = async (broker: Broker): Promise<{ stream: TestStream; errorCode: number }> => {
  const stream = new TestStream()
  broker.accept(stream)
  const request = { api: apiVersionsApi, version: 0, correlationId: 1, clientId: 'test', body: {} }
  stream.push(Buffer.concat(encodeRequest(request)))
  await expect.poll(() => stream.written.length > 0 || stream.destroyed).toBe(true)
  const answer = Buffer.concat(stream.written)
  return { stream, errorCode: answer.length === 0 ? -2 : readResponse(apiVersionsApi, 0, answer.subarray(4)).body.errorCode }
}

it('serves a stream where no port is bound', async () => {
  const broker = await start({})
  expect(broker.listeners).toMatchObject([{ port: 9092, advertisedPort: 9092 }])
  const { errorCode, stream } = await ask(broker)
  expect(errorCode).toBe(ErrorCode.NONE)
  expect(() => broker.accept(new TestStream(), 'OTHER')).toThrow('there is no open listener OTHER')
  stream.push(null)
  await expect.poll(() => stream.destroyed).toBe(true)
  await broker.close()
  expect(() => broker.accept(new TestStream())).toThrow('the broker is closed')
})

it('lets others stand in front of the handlers', async () => {
  const seen: string[] = []
  const broker = await start({
    handlers: handlers =>
      handlers.map(handler => ({
        ...handler,
        handle: (request, context) => {
          seen.push(`${handler.api.name} of ${context.clientId}`)
          if (seen.length === 1) return handler.handle(request, context)
          context.connection.destroy()
          return null
        },
      })),
  })
  expect((await ask(broker)).errorCode).toBe(ErrorCode.NONE)
  expect((await ask(broker)).stream.destroyed).toBe(true)
  expect(seen).toEqual(['ApiVersions of test', 'ApiVersions of test'])
  await broker.close()
})
