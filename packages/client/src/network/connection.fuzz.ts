// Answers with random mistakes: whatever a broker sends, a request resolves or is rejected with an error of the client, soon; the connection
// that cannot be trusted any more is closed, and nothing else happens.
import type { Duplex } from 'node:stream'
import { encodeResponse, fetchApi, metadataApi } from '@ottla/protocol'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { KafkaJSError } from '../errors/index.ts'
import { EventEmitter } from '../events/emitter.ts'
import { createLogger, logLevel } from '../logger.ts'
import { Connection } from './connection.ts'
import { networkSettings } from './options.ts'
import { ScriptedBroker } from './testing.ts'
import { clientClock, clientRandom } from './world.ts'

const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 0, abortedTransactions: null, records: Buffer.alloc(300, 7) }
const fetched = { throttleTimeMs: 0, errorCode: 0, responses: [{ topic: 't', partitions: [partition] }] }

const logger = createLogger({ level: logLevel.NOTHING })
const shared = { clock: clientClock, random: clientRandom, logger, events: new EventEmitter(clientClock, logger) }

it('takes any answer', async () => {
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255) })
  const answer = fc.record({ changes: fc.array(change, { maxLength: 4 }), cut: fc.option(fc.nat()), twice: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 5 }), async answers => {
      const broker = new ScriptedBroker()
      let turn = 0
      const spoil = (bytes: Buffer, stream: Duplex): null => {
        const spoiled = answers[turn++ % answers.length]
        for (const { at, byte } of spoiled?.changes ?? []) bytes[at % bytes.length] = byte
        stream.write(bytes.subarray(0, spoiled?.cut === null || spoiled === undefined ? bytes.length : spoiled.cut % bytes.length))
        if (spoiled?.twice === true) stream.write(bytes)
        return null
      }
      broker.on(metadataApi, ({ header, stream }) => {
        const { apiVersion: version, correlationId } = header
        return spoil(Buffer.concat(encodeResponse({ api: metadataApi, version, correlationId, body: broker.metadata(['a']) })), stream)
      })
      broker.on(fetchApi, ({ header, stream }) => {
        const { apiVersion: version, correlationId } = header
        return spoil(Buffer.concat(encodeResponse({ api: fetchApi, version, correlationId, body: fetched })), stream)
      })
      const settings = networkSettings({ brokers: [], socketFactory: broker.socketFactory, requestTimeout: 60 }, shared)
      const connection = await Connection.open({ host: 'b', port: 1, nodeId: 1 }, settings)
      const work = answers.flatMap(() => [
        connection.request(metadataApi, { topics: null }),
        connection.request(fetchApi, { maxWaitMs: 1, minBytes: 1, topics: [] }),
      ])
      for (const outcome of await Promise.allSettled(work))
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(KafkaJSError)
      connection.close()
      await broker[Symbol.asyncDispose]()
    }),
  )
})
