// Transactions whose requests are answered with errors, late or not at all (class TransactionManager): what may be aborted is, what cannot is told.
import { ErrorCode, endTxnApi, initProducerIdApi, produceApi, txnOffsetCommitApi } from '@ottla/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { KafkaJSConnectionError } from '../../packages/client/src/errors/index.ts'
import type { Producer } from '../../packages/client/src/producer/types.ts'
import type { TestBroker } from './broker.ts'
import { startBroker } from './broker.ts'
import { committedIn, freshTopic, type Interception, interceptedProducer, produceAnswer } from './producer-world.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

const producerWith = (transactionalId: string, intercept: Interception): Promise<Producer> =>
  interceptedProducer(broker.bootstrap, { transactionalId }, intercept)

test('a leader that says that the transaction is over does not end the producer', async () => {
  const topic = await freshTopic(broker.bootstrap)
  let refused = 0
  await using producer = await producerWith('over', (api, send) =>
    api === produceApi && refused++ === 0 ? Promise.resolve(produceAnswer(ErrorCode.INVALID_TXN_STATE, topic)) : send(),
  )
  const first = await producer.transaction()
  await expect(first.send({ topic, messages: [{ value: 'refused' }] })).rejects.toMatchObject({ type: 'INVALID_TXN_STATE' })
  await first.abort()
  const second = await producer.transaction()
  await second.send({ topic, messages: [{ value: 'taken' }] })
  await second.commit()
  expect((await committedIn(broker.bootstrap, topic)).map(({ value }) => value)).toEqual(['taken'])
})

test('a producer that is fenced says so also to whoever aborts', async () => {
  const topic = await freshTopic(broker.bootstrap)
  await using producer = await producerWith('fenced', (api, send) =>
    api === produceApi ? Promise.resolve(produceAnswer(ErrorCode.PRODUCER_FENCED, topic)) : send(),
  )
  const transaction = await producer.transaction()
  await expect(transaction.send({ topic, messages: [{ value: 'x' }] })).rejects.toMatchObject({ type: 'PRODUCER_FENCED' })
  await expect(transaction.abort()).rejects.toMatchObject({ type: 'PRODUCER_FENCED' })
  await expect(transaction.commit()).rejects.toMatchObject({ type: 'PRODUCER_FENCED' })
})

test('offsets on their way are in the transaction before it ends', async () => {
  const topic = await freshTopic(broker.bootstrap)
  const order: string[] = []
  await using producer = await producerWith('on-their-way', async (api, send) => {
    if (api === txnOffsetCommitApi) await new Promise(resolve => setTimeout(resolve, 50))
    const answer = await send()
    if (api === txnOffsetCommitApi || api === endTxnApi) order.push(api.name)
    return answer
  })
  const transaction = await producer.transaction()
  const topics = [{ topic, partitions: [{ partition: 0, offset: '3' }] }]
  const offsets = transaction.sendOffsets({ consumerGroupId: 'on-their-way', topics })
  await transaction.commit()
  await offsets
  expect(order).toEqual([txnOffsetCommitApi.name, endTxnApi.name])
})

test('nothing joins a transaction whose commit was not answered', async () => {
  const topic = await freshTopic(broker.bootstrap)
  let silent = true
  await using producer = await producerWith('unanswered', async (api, send) => {
    const answer = await send()
    if (api !== endTxnApi || !silent) return answer
    throw Object.assign(new KafkaJSConnectionError('The answer was lost'), { retriable: false })
  })
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: [{ value: 'once' }] })
  await expect(transaction.commit()).rejects.toThrow('The answer was lost')
  await expect(transaction.send({ topic, messages: [{ value: 'late' }] })).rejects.toThrow(/is being committed/)
  silent = false
  await transaction.commit()
  expect((await committedIn(broker.bootstrap, topic)).map(({ value }) => value)).toEqual(['once'])
})

test('a producer that disconnects asks for nothing any more', async () => {
  let asked = 0
  const producer = await producerWith('leaves', (api, send) => {
    if (api !== initProducerIdApi) return send()
    asked++
    return Promise.reject(new KafkaJSConnectionError('Nobody there'))
  })
  const begun = expect(producer.transaction()).rejects.toThrow('The producer is disconnected')
  await expect.poll(() => asked).toBeGreaterThan(1)
  await producer.disconnect()
  await begun
  const before = asked
  await new Promise(resolve => setTimeout(resolve, 100))
  expect(asked).toBe(before)
})

test('offsets that are no numbers are named, whatever they are', async () => {
  await using producer = await producerWith('wrong-offsets', (_api, send) => send())
  const transaction = await producer.transaction()
  for (const offset of [undefined, null, '', 'x', 1.5, 3n]) {
    const partitions: { partition: number; offset: string }[] = [JSON.parse('{"partition":0}')]
    Object.assign(partitions[0] ?? {}, { offset })
    const sent = transaction.sendOffsets({ consumerGroupId: 'g', topics: [{ topic: 't', partitions }] })
    await expect(sent).rejects.toThrow(/is not a whole number/)
  }
  await transaction.abort()
})
