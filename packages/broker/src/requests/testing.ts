// Aids for tests of handlers behind a real listener.
import type { AnyApi, RequestInitOf, ResponseOf } from '@ottla/protocol'
import { encodeRequest, readResponse } from '@ottla/protocol'
import { NetworkCounters } from '../network/counters.ts'
import type { FrameClient } from '../network/testing.ts'
import { LoggedLines, systemClock, TestServer } from '../network/testing.ts'
import { Dispatcher } from './dispatcher.ts'
import type { AnyHandler } from './handler.ts'

/** A listener that serves these handlers. */
export async function serving(
  handlers: readonly AnyHandler[],
  pause?: () => Promise<void>,
): Promise<TestServer & { counters: NetworkCounters; log: LoggedLines }> {
  const counters = new NetworkCounters()
  const log = new LoggedLines()
  const service = new Dispatcher({ handlers, clock: systemClock, logger: log, counters, ...(pause && { pause }) })
  return Object.assign(await TestServer.open({ service, counters, logger: log }), { counters, log })
}

/** The bytes of a request. */
export function requestBytes<A extends AnyApi>(api: A, version: number, body: RequestInitOf<A>, correlationId = 7): Buffer {
  return Buffer.concat(encodeRequest({ api, version, correlationId, clientId: 'test', body }))
}

/** Sends a request and waits for the next response, which must be its own. */
export async function ask<A extends AnyApi>(client: FrameClient, api: A, version: number, body: RequestInitOf<A>): Promise<ResponseOf<A>> {
  const count = client.frames.length
  client.send(requestBytes(api, version, body, count))
  await client.receive(count + 1)
  const response = readResponse(api, version, client.frames[count] ?? Buffer.alloc(0))
  if (response.correlationId !== count) throw new Error(`response to ${response.correlationId} instead of ${count}`)
  return response.body
}
