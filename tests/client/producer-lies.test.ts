// A producer whose brokers answer nonsense, or not for long: nothing is lost or doubled, no memory is kept, nobody listens to a signal any more.
import { getEventListeners } from 'node:events'
import { ErrorCode, produceApi } from '@ottla/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestBroker } from './broker.ts'
import { startBroker } from './broker.ts'
import { freshTopic, type Interception, interceptedProducer, produceAnswer, recordsIn } from './producer-world.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

const valuesOf = async (topic: string): Promise<(string | null)[]> => (await recordsIn(broker.bootstrap, topic)).map(({ value }) => value)

/** Has the requests written, but answers the first of them with these. */
const lying = (answers: object[]): Interception => {
  return async (api, send) => {
    const answer = await send()
    return (api === produceApi ? answers.shift() : undefined) ?? answer
  }
}

test('an answer that says nothing of a partition, or speaks of others, is no acknowledgement', async () => {
  const topic = await freshTopic(broker.bootstrap)
  const empty = { body: { responses: [], throttleTimeMs: 0, nodeEndpoints: [] }, version: 12, nodeId: 1 }
  const lies = [empty, produceAnswer(ErrorCode.NONE, topic, 7), produceAnswer(ErrorCode.NONE, 'another'), produceAnswer(ErrorCode.NONE, '')]
  await using producer = await interceptedProducer(broker.bootstrap, {}, lying(lies))
  expect(await producer.send({ topic, messages: [{ value: 'once' }] })).toMatchObject([{ baseOffset: '0' }])
  expect(lies).toEqual([])
  expect(await valuesOf(topic)).toEqual(['once'])
})

test('an error that nobody knows is told with its number, and what follows is sent', async () => {
  const topic = await freshTopic(broker.bootstrap)
  const refused = [4242, -1].map(code => produceAnswer(code, topic))
  const intercept: Interception = (api, send) => {
    const answer = api === produceApi ? refused.shift() : undefined
    return answer === undefined ? send() : Promise.resolve(answer)
  }
  await using producer = await interceptedProducer(broker.bootstrap, {}, intercept)
  const first = producer.send({ topic, messages: [{ value: 'refused' }] })
  await expect(first).rejects.toMatchObject({ name: 'KafkaJSProtocolError', retriable: false, message: expect.stringContaining('4242') })
  await expect(producer.send({ topic, messages: [{ value: 'again' }] })).rejects.toMatchObject({ type: 'UNKNOWN' })
  await producer.send({ topic, messages: [{ value: 'taken' }] })
  expect(await valuesOf(topic)).toEqual(['taken'])
})

test('memory of messages that failed, were aborted or too late is free again, and signals are left alone', async () => {
  const topic = await freshTopic(broker.bootstrap)
  let isHealthy = false
  const intercept: Interception = (api, send) => {
    if (api !== produceApi || isHealthy) return send()
    return new Promise(resolve => setTimeout(() => resolve(produceAnswer(ErrorCode.MESSAGE_TOO_LARGE, topic)), 5))
  }
  await using producer = await interceptedProducer(broker.bootstrap, { bufferMemory: 4_000, maxBlockMs: 2_000 }, intercept)
  const { signal } = new AbortController()
  const message = { topic, messages: [{ value: 'x'.repeat(400) }], signal }
  const failed = await Promise.allSettled(Array.from({ length: 60 }, () => producer.send(message)))
  expect(failed.filter(({ status }) => status === 'rejected')).toHaveLength(60)
  const aborting = new AbortController()
  const aborted = Array.from({ length: 40 }, () => producer.send({ ...message, signal: aborting.signal }))
  aborting.abort(new Error('no longer wanted'))
  for (const send of aborted) await expect(send).rejects.toThrow('no longer wanted')
  isHealthy = true
  await Promise.all(Array.from({ length: 30 }, () => producer.send(message)))
  expect([...getEventListeners(signal, 'abort'), ...getEventListeners(aborting.signal, 'abort')]).toEqual([])
})
