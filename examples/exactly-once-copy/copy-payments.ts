// Reads `payments` and writes `receipts`: each payment has one receipt, whatever dies in between. The receipts and the offsets of their payments are
// committed in one transaction. Start several, each with a name that it keeps: `copy-payments.js copy-1`.
import { hostname } from 'node:os'
import { gracefulShutdown, Kafka, logLevel } from '@ottla/client'

const [name = hostname()] = process.argv.slice(2)

const kafka = new Kafka({
  clientId: name,
  brokers: (process.env.KAFKA_BROKERS ?? 'localhost:9092').split(','),
  logLevel: logLevel.ERROR,
})
// With a name that stays, what comes after a crash aborts what the crash left open, and takes back its partitions at once.
const producer = kafka.producer({ transactionalId: `receipts-${name}` })
const consumer = kafka.consumer({ groupId: 'receipts', groupInstanceId: name })

consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
  console.error(error)
  // Another process with this name took over, or the program is wrong.
  if (!restart) process.exit(1)
})

await producer.connect()
await consumer.subscribe({ topics: ['payments'], fromBeginning: true })
await consumer.run({
  // Offsets are committed by transactions alone.
  autoCommit: false,
  eachBatch: async ({ batch }) => {
    const { topic, partition, messages } = batch
    // Aborted, unless it was committed when this function ends; then the batch is handed out again.
    await using transaction = await producer.transaction()
    await transaction.send({
      topic: 'receipts',
      messages: messages.map(({ key, value }) => ({ key, value: `received: ${String(value)}` })),
    })
    const offset = String(BigInt(batch.lastOffset()) + 1n)
    await transaction.sendOffsets({
      groupMetadata: consumer.groupMetadata(),
      topics: [{ topic, partitions: [{ partition, offset }] }],
    })
    await transaction.commit()
    console.log(`copied ${messages.length} payments of partition ${partition}`)
  },
})
gracefulShutdown({}, consumer, producer)
