// Measures, and raises an alarm where it is too hot or too cold. Nothing here says which type a message has, and still each has one: try to send a
// temperature to `alarms`.
import { Kafka, KafkaJSSerializationError, logLevel } from '@ottla/client'
import { topics } from './topics.ts'

const kafka = new Kafka({
  clientId: 'watch-rooms',
  brokers: (process.env.KAFKA_BROKERS ?? 'localhost:9092').split(','),
  logLevel: logLevel.ERROR,
})
await using producer = kafka.producer({ serializers: { topics } })
await using consumer = kafka.consumer({ groupId: 'watch-rooms', codecs: topics })
await producer.connect()

const at = new Date('2026-01-01T12:00:00Z')
await producer.send({
  topic: 'temperatures',
  messages: [
    { key: 'kitchen', value: { celsius: 21.5, at } },
    { key: 'server room', value: { celsius: 41, at } },
    { key: 'cellar', value: { celsius: -3.2, at } },
  ],
})

// What does not fit is refused before anything is sent: by the compiler, and where that was told otherwise, by the schema.
const wrong = JSON.parse('{ "reason": "smoke", "celsius": 80 }')
try {
  await producer.send({ topic: 'alarms', messages: [{ key: 'kitchen', value: wrong }] })
} catch (error) {
  if (!(error instanceof KafkaJSSerializationError)) throw error
  console.log(error.message)
}

await consumer.subscribe({ topics: ['temperatures', 'alarms'], fromBeginning: true })
let alarms = 0
for await (const { topic, message } of consumer.stream({ by: 'message' })) {
  // The topic says which type the message has.
  if (topic === 'temperatures') {
    const { celsius } = message.value
    if (celsius >= 5 && celsius <= 35) continue
    await producer.send({ topic: 'alarms', messages: [{ key: message.key, value: { reason: celsius < 5 ? 'cold' : 'hot', celsius } }] })
  } else {
    console.log(`${message.key} is too ${message.value.reason}: ${message.value.celsius} degrees`)
    if (++alarms === 2) break
  }
}
