// KafkaJS's test helpers, with clusters that the client under test can be made of, and without Docker.
import { Kafka } from '@ottla/client'
import { asCluster, type ClusterOptions, type Observer, TestCluster } from './test-cluster.ts'

type ClusterClass = new (options: object) => Observer

interface Helpers {
  readonly connectionOpts: () => ClusterOptions
  readonly plainTextBrokers: () => string[]
}

declare const require: { (path: `${string}/testHelpers/index.js`): Helpers; (path: `${string}/cluster/index.js`): ClusterClass }
declare const afterEach: (run: () => Promise<void>) => void

const source = process.env['KAFKAJS_SOURCE'] ?? ''
const original = require(`${source}/testHelpers/index.js`)
const Cluster = require(`${source}/src/cluster/index.js`)

const observers = new Set<Observer>()
afterEach(async () => {
  for (const observer of observers) await observer.disconnect()
  observers.clear()
})

function createCluster(options: Partial<ClusterOptions> = {}, brokers = original.plainTextBrokers()): TestCluster {
  const all = { ...original.connectionOpts(), ...options }
  const observer = new Cluster({ ...all, brokers })
  observers.add(observer)
  return asCluster(new TestCluster(all, brokers, observer))
}

async function addPartitions({ topic, partitions }: { topic: string; partitions: number }): Promise<void> {
  const admin = new Kafka({ brokers: original.plainTextBrokers() }).admin()
  await admin.connect()
  await admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] })
  await admin.disconnect()
}

/** What specs require as testHelpers. */
export const helpers = { ...original, createCluster, addPartitions }
