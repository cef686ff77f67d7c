// A member of a group with KafkaJS: `node group-kafkajs.mjs BOOTSTRAP GROUP TOPIC MEMBER`. It commits after each batch, from where eachBatch ended.
import kafkajs from 'kafkajs'
import * as group from './group.mjs'

const { Kafka, logLevel } = kafkajs
// By default KafkaJS waits up to half a minute between attempts to connect, and so may find a broker that is back only then.
const retry = { initialRetryTime: 100, maxRetryTime: 1000, retries: 30 }
const kafka = new Kafka({ clientId: group.place.member, brokers: [group.place.bootstrap], logLevel: logLevel.NOTHING, retry })
const consumer = kafka.consumer({
  groupId: group.place.group,
  sessionTimeout: group.sessionTimeoutMs,
  heartbeatInterval: group.heartbeatIntervalMs,
  rebalanceTimeout: 10_000,
  maxWaitTimeInMs: 200,
  retry,
})
const { COMMIT_OFFSETS, CRASH, GROUP_JOIN, REBALANCING } = consumer.events
consumer.on(REBALANCING, () => group.assigned([]))
consumer.on(GROUP_JOIN, ({ payload }) => group.assigned(payload.memberAssignment[group.place.topic] ?? []))
consumer.on(COMMIT_OFFSETS, ({ payload }) => {
  for (const { partitions } of payload.topics) for (const { partition, offset } of partitions) group.committed(partition, offset)
})
consumer.on(CRASH, ({ payload }) => {
  console.error(payload.error)
  // It has given up for good, see tests/compat/kafkajs-ends.test.ts: nothing would run on.
  if (!payload.restart) process.exit(1)
})
await consumer.connect()
await consumer.subscribe({ topics: [group.place.topic], fromBeginning: true })
group.onStop(() => consumer.disconnect())
await consumer.run({
  eachMessage: async ({ partition, message }) => group.record(partition, message.offset, message),
})
group.ready()
