// A member of a group with KafkaJS: `node group-kafkajs.mjs BOOTSTRAP GROUP TOPIC MEMBER`. It commits after each batch, from where eachBatch ended.
import kafkajs from 'kafkajs'
import * as group from './group.mjs'

const { Kafka, logLevel } = kafkajs
const kafka = new Kafka({ clientId: group.place.member, brokers: [group.place.bootstrap], logLevel: logLevel.NOTHING })
const consumer = kafka.consumer({
  groupId: group.place.group,
  sessionTimeout: group.sessionTimeoutMs,
  heartbeatInterval: group.heartbeatIntervalMs,
  rebalanceTimeout: 10_000,
  maxWaitTimeInMs: 200,
})
const { COMMIT_OFFSETS, CRASH, GROUP_JOIN, REBALANCING } = consumer.events
consumer.on(REBALANCING, () => group.assigned([]))
consumer.on(GROUP_JOIN, ({ payload }) => group.assigned(payload.memberAssignment[group.place.topic] ?? []))
consumer.on(COMMIT_OFFSETS, ({ payload }) => {
  for (const { partitions } of payload.topics) for (const { partition, offset } of partitions) group.committed(partition, offset)
})
consumer.on(CRASH, ({ payload }) => console.error(payload.error))
await consumer.connect()
await consumer.subscribe({ topics: [group.place.topic], fromBeginning: true })
group.onStop(() => consumer.disconnect())
await consumer.run({
  eachMessage: async ({ partition, message }) => group.record(partition, message.offset, message),
})
group.ready()
