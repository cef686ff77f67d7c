// KafkaJS against a broker: `node kafkajs.mjs BOOTSTRAP PREFIX`. It reads only in groups, so what it wrote is read back by others.
// KafkaJS brings no codec but gzip; the others come from the packages that these tests have anyhow.
import kafkajs from 'kafkajs'
import { compress as wasmCompress } from './codecs.mjs'
import { run } from './scenario.mjs'

const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs
const types = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
}
for (const codec of ['snappy', 'lz4', 'zstd']) {
  CompressionCodecs[types[codec]] = () => ({ compress: encoder => wasmCompress(codec, encoder.buffer), decompress: buffer => buffer })
}

const [bootstrap, prefix] = process.argv.slice(2)
const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: { retries: 1 } })
const admin = kafka.admin()
const producer = kafka.producer({ allowAutoTopicCreation: true, idempotent: false })
await Promise.all([admin.connect(), producer.connect()])

const client = {
  async create(topic, numPartitions, config) {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
    await admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 1, configEntries }], waitForLeaders: true })
  },
  produce: (topic, partition, records, codec) =>
    producer.send({
      topic,
      acks: -1,
      compression: types[codec],
      messages: records.map(record => ({ ...record, partition, timestamp: String(record.timestamp) })),
    }),
  async offsetForTime(topic, partition, timestamp) {
    const offsets = await admin.fetchTopicOffsetsByTimestamp(topic, timestamp)
    return Number(offsets.find(found => found.partition === partition).offset)
  },
  partitions: async topic => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length,
  alter: (topic, name, value) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name, value }] }],
    }),
  async describe(topic, name) {
    const answer = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }] })
    return answer.resources[0].configEntries.find(entry => entry.configName === name).configValue
  },
  addPartitions: (topic, count) => admin.createPartitions({ topicPartitions: [{ topic, count }] }),
  remove: topic => admin.deleteTopics({ topics: [topic] }),
  topics: () => admin.listTopics(),
  close: () => Promise.all([admin.disconnect(), producer.disconnect()]),
}
await run(client, prefix)
