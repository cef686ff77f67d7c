import { apiVersionsApi, fetchApi, heartbeatApi, listGroupsApi, metadataApi, produceApi } from '@ottla/protocol'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EventEmitter } from '../events/emitter.ts'
import { KafkaJSConnectionClosedError, KafkaJSRequestTimeoutError, KafkaJSServerDoesNotSupportApiKey } from '../errors/index.ts'
import { Connection } from './connection.ts'
import type { NetworkOptions } from './options.ts'
import { networkSettings } from './options.ts'
import { eventually, optionsFor, ScriptedBroker } from './testing.ts'
import { clientClock, clientRandom } from './world.ts'

interface Opened {
  readonly connection: Connection
  readonly events: EventEmitter
  readonly logged: string[]
}

async function opened(broker: ScriptedBroker, more: Partial<NetworkOptions> = {}): Promise<Opened> {
  const options = optionsFor(broker, more)
  const events = new EventEmitter(clientClock, options.logger)
  const settings = networkSettings(options, { clock: clientClock, random: clientRandom, logger: options.logger, events })
  const connection = await Connection.open({ host: '127.0.0.1', port: broker.port, nodeId: null }, settings)
  onTestFinished(() => connection.close())
  return { connection, events, logged: options.logged }
}

const heartbeat = (memberId: string) => ({ groupId: 'g', generationId: 1, memberId })

const produced = (size: number) => ({
  acks: 1,
  timeoutMs: 1,
  topicData: [{ name: 't', partitionData: [{ index: 0, records: Buffer.alloc(size, 1) }] }],
})

/** Brokers over a socket and over streams in memory. */
const ways = ['TCP', 'streams in memory'] as const
async function listening(way: (typeof ways)[number]): Promise<{ broker: ScriptedBroker; options: Partial<NetworkOptions> }> {
  const broker = way === 'TCP' ? await ScriptedBroker.listening() : new ScriptedBroker()
  onTestFinished(() => broker[Symbol.asyncDispose]())
  return { broker, options: way === 'TCP' ? {} : { socketFactory: broker.socketFactory } }
}

describe.each(ways)('Connection over %s', way => {
  it('answers requests in their order, however the bytes come', async () => {
    const { broker, options } = await listening(way)
    broker.pieceBytes = 7
    broker.on(heartbeatApi, ({ request }) => ({ errorCode: 0, throttleTimeMs: 0, memberId: request.memberId }))
    const { connection } = await opened(broker, options)
    const answers = Array.from({ length: 40 }, (_, index) => connection.request(heartbeatApi, heartbeat(`member-${index}`)))
    expect((await Promise.all(answers)).every(({ version }) => version === 4)).toBe(true)
    expect(broker.asked.filter(name => name === 'Heartbeat').length).toBe(40)
    expect(connection.inFlight).toBe(0)
  })

  it('keeps the records of fetches when later answers have come', async () => {
    const { broker, options } = await listening(way)
    const sizes = [10, 5000, 300_000]
    broker.on(fetchApi, ({ request }) => {
      const value = request.maxWaitMs
      const partition = {
        partitionIndex: 0,
        errorCode: 0,
        highWatermark: 0,
        abortedTransactions: null,
        records: Buffer.alloc(sizes[value] ?? 0, value + 1),
      }
      return { throttleTimeMs: 0, errorCode: 0, responses: [{ topic: 't', partitions: [partition] }] }
    })
    const { connection } = await opened(broker, options)
    const answers = await Promise.all(sizes.map((_, maxWaitMs) => connection.request(fetchApi, { maxWaitMs, minBytes: 1, topics: [] })))
    for (const [index, { body }] of answers.entries())
      expect(body.responses[0]?.partitions[0]?.records?.equals(Buffer.alloc(sizes[index] ?? 0, index + 1))).toBe(true)
  })

  it('sends large requests whole, also when the socket is full', async () => {
    const { broker, options } = await listening(way)
    const seen: number[] = []
    broker.on(produceApi, ({ request }) => {
      const records = request.topicData[0]?.partitionData[0]?.records
      seen.push(records?.length ?? 0)
      return { responses: [], throttleTimeMs: 0 }
    })
    const { connection } = await opened(broker, options)
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => connection.request(produceApi, produced(200_000 + index), { maxVersion: 12 })),
    )
    expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => 200_000 + index))
  })

  it('resolves a request that has no answer when the system has taken it', async () => {
    const { broker, options } = await listening(way)
    broker.on(produceApi, () => null)
    const { connection } = await opened(broker, options)
    await connection.post(produceApi, { acks: 0, timeoutMs: 1, topicData: [] })
    await eventually(() => broker.asked.includes('Produce'))
  })

  it('rejects what waits when the broker closes', async () => {
    const { broker, options } = await listening(way)
    broker.on(heartbeatApi, ({ stream }) => {
      stream.destroy()
      return null
    })
    const { connection, logged } = await opened(broker, options)
    const answers = await Promise.allSettled([1, 2].map(() => connection.request(heartbeatApi, heartbeat('m'))))
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 'rejected', reason: { name: 'KafkaJSConnectionClosedError', retriable: true } })
    expect(connection.isOpen).toBe(false)
    expect(logged.filter(line => line.startsWith('ERROR')).length).toBe(1)
    await expect(connection.request(heartbeatApi, heartbeat('m'))).rejects.toThrow(KafkaJSConnectionClosedError)
  })
})

describe('Connection', () => {
  it('agrees on versions with brokers that do not know the newest question', async () => {
    for (const known of [0, 2, 3]) {
      await using broker = await ScriptedBroker.listening()
      broker.limit(apiVersionsApi, 0, known)
      broker.limit(metadataApi, 0, 5)
      broker.on(apiVersionsApi, ({ header }) => {
        if (header.apiVersion <= known) return { errorCode: 0, apiKeys: broker.apiKeys() }
        // KIP-511; brokers before it name no API.
        return { errorCode: 35, apiKeys: known < 3 ? [] : broker.apiKeys() }
      })
      const { connection } = await opened(broker)
      expect(connection.versionOf(metadataApi)).toBe(5)
      expect(connection.versionOf(metadataApi, 3)).toBe(3)
      expect(broker.headers.map(({ apiVersion }) => apiVersion)).toEqual(known === 3 ? [4, 3] : [4, 0])
    }
  })

  it('asks in version 0 where the broker names a version below that', async () => {
    await using broker = await ScriptedBroker.listening()
    broker.on(apiVersionsApi, ({ header }) => {
      if (header.apiVersion === 0) return { errorCode: 0, apiKeys: broker.apiKeys() }
      return { errorCode: 35, apiKeys: [{ apiKey: apiVersionsApi.key, minVersion: -9, maxVersion: -5 }] }
    })
    const { connection } = await opened(broker)
    expect(connection.isOpen).toBe(true)
  })

  it('says which API a broker does not serve, or not in a version that is known here', async () => {
    await using broker = await ScriptedBroker.listening()
    broker.on(produceApi, () => null)
    broker.limit(produceApi, 0, 2)
    const { connection } = await opened(broker)
    await expect(connection.request(listGroupsApi, {})).rejects.toThrow(KafkaJSServerDoesNotSupportApiKey)
    await expect(connection.request(listGroupsApi, {})).rejects.toMatchObject({ apiKey: 16, apiName: 'ListGroups', retriable: false })
    expect(() => connection.versionOf(produceApi)).toThrow(/Produce \(API key 0\) in versions 0 to 2, this call needs 3 to 13/)
  })

  it('gives up a request after its time, and the connection if nothing came at all', async () => {
    await using broker = await ScriptedBroker.listening()
    broker.on(heartbeatApi, () => null)
    const { connection, events, logged } = await opened(broker, { requestTimeout: 150 })
    const told: unknown[] = []
    events.on('network.request_timeout', ({ payload }) => void told.push(payload))
    const error: unknown = await connection.request(heartbeatApi, heartbeat('m'), { timeoutMs: 60 }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(KafkaJSRequestTimeoutError)
    expect(error).toMatchObject({
      message: 'Request Heartbeat(key: 12, version: 4) timed out',
      broker: `127.0.0.1:${broker.port}`,
      correlationId: 1,
    })
    expect(told).toMatchObject([
      { apiName: 'Heartbeat', apiKey: 12, apiVersion: 4, clientId: 'ottla', correlationId: 1, pendingDuration: 0 },
    ])
    expect(connection.isOpen).toBe(false)
    expect(logged.join('\n')).toContain('Connection timeout')
  })

  it('keeps a connection that lives, and ignores the late answer', async () => {
    await using broker = await ScriptedBroker.listening()
    const gate = new EventTarget()
    broker.on(heartbeatApi, async ({ request }) => {
      if (request.memberId !== 'slow') return { errorCode: 0 }
      await new Promise(resolve => gate.addEventListener('open', resolve))
      return { errorCode: 25 }
    })
    const { connection } = await opened(broker)
    const quick = connection.request(heartbeatApi, heartbeat('quick'))
    const slow = connection.request(heartbeatApi, heartbeat('slow'), { signal: AbortSignal.timeout(50) })
    await quick
    await expect(slow).rejects.toMatchObject({ name: 'TimeoutError' })
    gate.dispatchEvent(new Event('open'))
    expect((await connection.request(heartbeatApi, heartbeat('quick'))).body.errorCode).toBe(0)
  })

  it('does not send what was given up before', async () => {
    await using broker = await ScriptedBroker.listening()
    const { connection } = await opened(broker)
    const reason = new Error('never mind')
    await expect(connection.request(metadataApi, { topics: null }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(broker.asked).toEqual(['ApiVersions'])
  })

  it('tells of requests where somebody listens', async () => {
    await using broker = await ScriptedBroker.listening()
    const { connection, events } = await opened(broker)
    const told: unknown[] = []
    events.on('network.request', ({ payload }) => void told.push(payload))
    await connection.request(metadataApi, { topics: null })
    expect(told).toEqual([
      {
        broker: `127.0.0.1:${broker.port}`,
        clientId: 'ottla',
        correlationId: 1,
        size: expect.any(Number),
        createdAt: expect.any(Number),
        sentAt: expect.any(Number),
        pendingDuration: expect.any(Number),
        duration: expect.any(Number),
        apiName: 'Metadata',
        apiKey: 3,
        apiVersion: 13,
      },
    ])
  })
})
