// @platformatic/kafka against a broker: `node platformatic.mjs BOOTSTRAP PREFIX`. It reads only in groups, so what it wrote is read back by others.
import { Buffer } from 'node:buffer'
import zlib from 'node:zlib'
import { Admin, ConfigResourceTypes, IncrementalAlterConfigOperationTypes, ProduceAcks, Producer } from '@platformatic/kafka'
import { run } from './scenario.mjs'

const [bootstrap, prefix] = process.argv.slice(2)
const base = { clientId: 'compat', bootstrapBrokers: [bootstrap], retries: 1, metadataMaxAge: 0 }
const admin = new Admin(base)
const producers = new Map()
const producer = codec => {
  if (!producers.has(codec))
    producers.set(codec, new Producer({ ...base, compression: codec, autocreateTopics: false, acks: ProduceAcks.ALL }))
  return producers.get(codec)
}
const bytes = text => (text === null ? null : Buffer.from(text))

const client = {
  lacks: 'zstdCompressSync' in zlib ? [] : ['zstd'],
  create: (topic, partitions, config) =>
    admin.createTopics({
      topics: [topic],
      partitions,
      replicas: 1,
      configs: Object.entries(config).map(([name, value]) => ({ name, value })),
    }),
  async produce(topic, partition, records, codec) {
    const messages = records.map(({ key, value, headers, timestamp }) => ({
      topic,
      partition,
      key: bytes(key) ?? undefined,
      value: bytes(value),
      timestamp: BigInt(timestamp),
      headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
    }))
    await producer(codec).send({ messages })
  },
  async offsetForTime(topic, partition, timestamp) {
    const offsets = await admin.listOffsets({
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: BigInt(timestamp) }] }],
    })
    return Number(offsets[0].partitions[0].offset)
  },
  partitions: async topic => (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic).partitionsCount,
  alter: (topic, name, value) =>
    admin.incrementalAlterConfigs({
      resources: [
        {
          resourceType: ConfigResourceTypes.TOPIC,
          resourceName: topic,
          configs: [{ name, configOperation: IncrementalAlterConfigOperationTypes.SET, value }],
        },
      ],
    }),
  async describe(topic, name) {
    const answer = await admin.describeConfigs({ resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }] })
    return answer[0].configs.find(entry => entry.name === name).value
  },
  addPartitions: (topic, count) => admin.createPartitions({ topics: [{ name: topic, count, assignments: null }] }),
  remove: topic => admin.deleteTopics({ topics: [topic] }),
  topics: () => admin.listTopics(),
  close: () => Promise.all([admin.close(), ...[...producers.values()].map(open => open.close())]),
}
await run(client, prefix)
