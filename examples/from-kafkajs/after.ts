// The same program on @ottla/client: the names of the two imports are all that changed.
import kafkajs, { CompressionTypes, Kafka, logLevel } from '@ottla/client'
import type { EachMessagePayload, KafkaMessage, ProducerRecord } from '@ottla/client'

const kafka = new Kafka({
  clientId: 'thermometers',
  brokers: (process.env.KAFKA_BROKERS ?? 'localhost:9092').split(','),
  logLevel: logLevel.ERROR,
  retry: { initialRetryTime: 100, retries: 8 },
})
const topic = process.env.TOPIC ?? 'room-temperatures'
const admin = kafka.admin()
const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
const consumer = kafka.consumer({ groupId: `${topic}-averages`, sessionTimeout: 10_000 })

await Promise.all([admin.connect(), producer.connect(), consumer.connect()])

await admin.createTopics({ topics: [{ topic, numPartitions: 3, configEntries: [{ name: 'retention.ms', value: '86400000' }] }] })
try {
  await admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] })
} catch (error) {
  if (error instanceof kafkajs.KafkaJSProtocolError) console.log(`refused: ${error.type}, retriable: ${error.retriable}`)
}

const rooms = ['kitchen', 'bath', 'hall', 'cellar']
const record: ProducerRecord = {
  topic,
  acks: -1,
  compression: CompressionTypes.GZIP,
  messages: Array.from({ length: 100 }, (_, index) => ({
    key: rooms[index % rooms.length] ?? null,
    value: JSON.stringify({ celsius: 15 + (index % 10) }),
    headers: { 'sensor-id': `sensor-${index % 2}` },
  })),
}
const written = await producer.send(record)
console.log('written to', written.length, 'partitions')

const sums = new Map<string, { count: number; sum: number; sensors: Set<string> }>()
let left = record.messages.length

const celsiusOf = ({ value }: KafkaMessage): number => JSON.parse(value?.toString() ?? '{}').celsius

async function onMessage({ message }: EachMessagePayload): Promise<void> {
  const room = message.key?.toString() ?? ''
  const { count, sum, sensors } = sums.get(room) ?? { count: 0, sum: 0, sensors: new Set() }
  sums.set(room, { count: count + 1, sum: sum + celsiusOf(message), sensors: sensors.add(String(message.headers?.['sensor-id'])) })
  left--
}

const finished = new Promise<void>(resolve => {
  const remove = consumer.on(consumer.events.END_BATCH_PROCESS, () => {
    if (left > 0) return
    remove()
    resolve()
  })
})
await consumer.subscribe({ topics: [topic], fromBeginning: true })
await consumer.run({ partitionsConsumedConcurrently: 3, eachMessage: onMessage })
await finished
await consumer.stop()

for (const room of rooms) {
  const { count, sum, sensors } = sums.get(room) ?? { count: 0, sum: 0, sensors: [] }
  console.log(`${room}: ${sum / count} degrees, ${count} messages of ${[...sensors].join(' and ')}`)
}

const [committed] = await admin.fetchOffsets({ groupId: `${topic}-averages`, topics: [topic] })
const highs = new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, high]))
for (const { partition, offset } of committed?.partitions.toSorted((one, other) => one.partition - other.partition) ?? [])
  console.log(`partition ${partition}: committed ${offset} of ${highs.get(partition)}`)

await admin.deleteTopics({ topics: [topic] })
await Promise.all([consumer.disconnect(), producer.disconnect(), admin.disconnect()])
