// Transactions against our broker, of both kinds (KIP-98, KIP-890): what is committed is read, what is aborted is not, and who is fenced is told.
import { apiVersionsApi, offsetFetchApi } from '@ottla/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster } from '../../packages/client/src/cluster/cluster.ts'
import { createProducer } from '../../packages/client/src/producer/producer.ts'
import type { Producer, ProducerConfig } from '../../packages/client/src/producer/types.ts'
import type { TestBroker } from './broker.ts'
import { startBroker } from './broker.ts'
import { batchesOf, clusterOf, committedIn, freshTopic, recordsIn } from './producer-world.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker[Symbol.asyncDispose]())

/** A cluster that says nothing of its features: transactions of the first kind. */
const withoutFeatures = (cluster: Cluster): Cluster =>
  new Proxy(cluster, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (name !== 'request') return typeof value === 'function' ? (value.bind(target) as unknown) : value
      return async (...words: Parameters<Cluster['request']>) => {
        const answer = await target.request(...words)
        return words[1] === apiVersionsApi ? { ...answer, body: { ...answer.body, finalizedFeatures: [] } } : answer
      }
    },
  })

let count = 0
const freshId = () => `transactional-${count++}`

/** Offsets of a group. */
async function offsetsOf(groupId: string, topic: string): Promise<number[]> {
  const cluster = clusterOf(broker.bootstrap)
  await cluster.connect()
  const groups = [{ groupId, topics: [{ name: topic, partitionIndexes: [0, 1] }] }]
  const { body } = await cluster.request({ group: groupId }, offsetFetchApi, { groups, requireStable: true }, { maxVersion: 8 })
  await cluster.disconnect()
  return body.groups.flatMap(({ topics }) => topics.flatMap(({ partitions }) => partitions.map(({ committedOffset }) => committedOffset)))
}

describe.each(['second', 'first'] as const)('transactions of the %s kind', kind => {
  const producerOf = async (config: ProducerConfig): Promise<Producer> => {
    const cluster = clusterOf(broker.bootstrap)
    const producer = createProducer(kind === 'first' ? withoutFeatures(cluster) : cluster, config)
    await producer.connect()
    return producer
  }

  test('what is committed is read, what is aborted is not', async () => {
    const topic = await freshTopic(broker.bootstrap, 2)
    await using producer = await producerOf({ transactionalId: freshId() })
    for (const round of [0, 1, 2]) {
      const committed = await producer.transaction()
      expect(committed.isActive()).toBe(true)
      await committed.send({ topic, messages: [0, 1].map(partition => ({ partition, value: `committed ${round}` })) })
      await committed.send({ topic, messages: [{ partition: 0, value: `and ${round}` }] })
      await committed.commit()
      expect(committed.isActive()).toBe(false)
      const aborted = await producer.transaction()
      await aborted.send({ topic, messages: [{ partition: 0, value: `aborted ${round}` }] })
      await aborted.abort()
    }
    const expected = [0, 1, 2].flatMap(round => [`committed ${round}`, `and ${round}`])
    expect((await committedIn(broker.bootstrap, topic, 0)).map(({ value }) => value)).toEqual(expected)
    expect((await recordsIn(broker.bootstrap, topic, 0)).length).toBe(9)
    expect((await committedIn(broker.bootstrap, topic, 1)).length).toBe(3)
    const epochs = new Set(
      (await batchesOf(broker.bootstrap, topic, 0)).filter(batch => !batch.isControl).map(batch => batch.producerEpoch),
    )
    expect(epochs.size).toBe(kind === 'first' ? 1 : 6)
  })

  test('await using aborts what was not ended', async () => {
    const topic = await freshTopic(broker.bootstrap, 1)
    await using producer = await producerOf({ transactionalId: freshId() })
    const inTransaction = async (value: string): Promise<void> => {
      await using transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ value }] })
      if (value === 'poison') throw new Error('no more of this')
      await transaction.commit()
    }
    await inTransaction('first')
    await expect(inTransaction('poison')).rejects.toThrow('no more of this')
    await inTransaction('second')
    expect((await committedIn(broker.bootstrap, topic, 0)).map(({ value }) => value)).toEqual(['first', 'second'])
  })

  test('a transaction without messages ends, and its end is final', async () => {
    await using producer = await producerOf({ transactionalId: freshId() })
    const transaction = await producer.transaction()
    await expect(producer.transaction()).rejects.toThrow(/There is already an ongoing transaction for this producer/)
    await transaction.commit()
    for (const call of [() => transaction.commit(), () => transaction.abort(), () => transaction.send({ topic: 't', messages: [] })])
      await expect(call()).rejects.toThrow('Cannot continue to use transaction once ended')
    await (await producer.transaction()).abort()
  })

  test('offsets are committed with the transaction or not at all', async () => {
    const topic = await freshTopic(broker.bootstrap, 2)
    const group = freshId()
    await using producer = await producerOf({ transactionalId: freshId() })
    const topics = (offset: number) => [{ topic, partitions: [0, 1].map(partition => ({ partition, offset: String(offset + partition) })) }]
    const first = await producer.transaction()
    await first.send({ topic, messages: [{ partition: 0, value: 'x' }] })
    await first.sendOffsets({ consumerGroupId: group, topics: topics(5) })
    await first.commit()
    await expect.poll(() => offsetsOf(group, topic)).toEqual([5, 6])
    const second = await producer.transaction()
    await second.sendOffsets({
      groupMetadata: { groupId: group, generationId: -1, memberId: '', groupInstanceId: null },
      topics: topics(8),
    })
    await second.abort()
    expect(await offsetsOf(group, topic)).toEqual([5, 6])
    const third = await producer.transaction()
    const stale = { groupId: group, generationId: 7, memberId: 'gone', groupInstanceId: null }
    await expect(third.sendOffsets({ groupMetadata: stale, topics: topics(9) })).rejects.toThrow()
    await expect(third.commit()).rejects.toThrow(/can only be aborted/)
    await third.abort()
    expect(await offsetsOf(group, topic)).toEqual([5, 6])
  })

  test('who is taken over is fenced, by that name, for good', async () => {
    const topic = await freshTopic(broker.bootstrap)
    const transactionalId = freshId()
    await using older = await producerOf({ transactionalId })
    const left = await older.transaction()
    await left.send({ topic, messages: [{ value: 'left behind' }] })
    await using newer = await producerOf({ transactionalId })
    const next = await newer.transaction()
    await next.send({ topic, messages: [{ value: 'taken over' }] })
    await next.commit()
    await expect(left.commit()).rejects.toMatchObject({ type: 'PRODUCER_FENCED', retriable: false })
    await expect(older.transaction()).rejects.toMatchObject({ type: 'PRODUCER_FENCED' })
    expect((await committedIn(broker.bootstrap, topic)).map(({ value }) => value)).toEqual(['taken over'])
  })

  test('after a message that failed the transaction can only be aborted, and the next one is sound', async () => {
    const topic = await freshTopic(broker.bootstrap, 1, { 'max.message.bytes': '500' })
    await using producer = await producerOf({ transactionalId: freshId() })
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value: 'fine' }] })
    await expect(transaction.send({ topic, messages: [{ value: 'x'.repeat(600) }] })).rejects.toMatchObject({ type: 'MESSAGE_TOO_LARGE' })
    await expect(transaction.send({ topic, messages: [{ value: 'y' }] })).rejects.toThrow(/can only be aborted/)
    await expect(transaction.commit()).rejects.toThrow(/can only be aborted/)
    expect(transaction.isActive()).toBe(true)
    await transaction.abort()
    const next = await producer.transaction()
    await next.send({ topic, messages: [{ value: 'after' }] })
    await next.commit()
    expect((await committedIn(broker.bootstrap, topic)).map(({ value }) => value)).toEqual(['after'])
  })

  test('commit sends what was given to send before, and sends outside are not part of it', async () => {
    const topic = await freshTopic(broker.bootstrap)
    await using producer = await producerOf({ transactionalId: freshId(), lingerMs: 20_000 })
    const transaction = await producer.transaction()
    const sends = [1, 2, 3].map(n => transaction.send({ topic, messages: [{ value: `in ${n}` }] }))
    const outside = producer.send({ topic, messages: [{ value: 'outside' }] })
    await producer.flush()
    await Promise.all([...sends, outside])
    await transaction.abort()
    expect((await committedIn(broker.bootstrap, topic)).map(({ value }) => value)).toEqual(['outside'])
    const last = await producer.transaction()
    const open = last.send({ topic, messages: [{ value: 'last' }] })
    await last.commit()
    await open
    expect((await committedIn(broker.bootstrap, topic)).map(({ value }) => value)).toEqual(['outside', 'last'])
  })
})

test('without a transactional id there are no transactions', async () => {
  await using producer = createProducer(clusterOf(broker.bootstrap))
  await producer.connect()
  await expect(producer.transaction()).rejects.toThrow('Must provide transactional id for transactional producer')
})
