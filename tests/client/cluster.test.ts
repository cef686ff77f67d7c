// The client's cluster beside a broker of this repository: metadata, coordinators, requests.
import { listOffsetsApi, produceApi } from '@ottla/protocol'
import { expect, test } from 'vitest'
import { createCluster } from '../../packages/client/src/cluster/create-cluster.ts'
import { createLogger, logLevel } from '../../packages/client/src/logger.ts'
import { retrying } from '../../packages/client/src/retry.ts'
import { startBroker } from './broker.ts'

const logger = createLogger({ level: logLevel.NOTHING })

test('a client connects, asks for topics and finds coordinators', async () => {
  await using broker = await startBroker()
  const cluster = createCluster({ brokers: [broker.bootstrap], logger })
  await cluster.connect()
  expect(cluster.isConnected()).toBe(true)
  expect([...cluster.image.nodes.keys()]).toEqual([1])
  const topics = await retrying(cluster, () => cluster.topics(['a', 'b']))
  expect([...topics.keys()]).toEqual(['a', 'b'])
  expect(cluster.leaderOf('a', 0)).toBe(1)
  expect(cluster.image.topicNames.get(topics.get('a')?.id ?? '')).toBe('a')
  expect(await retrying(cluster, () => cluster.coordinatorOf({ group: 'g' }))).toBe(1)
  const body = { replicaId: -1, topics: [{ name: 'a', partitions: [{ partitionIndex: 0, timestamp: -1 }] }] }
  const answer = await cluster.request(1, listOffsetsApi, body)
  expect(answer.body.topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, offset: 0 })
  expect(await cluster.versionOf('any', produceApi)).toBe(13)
  await cluster.disconnect()
  expect(cluster.isConnected()).toBe(false)
  await expect(cluster.refresh()).rejects.toThrow('Closed connection')
  await cluster.connect()
  await cluster.topics(['a'])
  await cluster.disconnect()
})
