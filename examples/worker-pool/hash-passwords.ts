// Work that takes a processor, in a pool of threads: eight messages at a time, those of one user one after the other. On SIGTERM what was begun is
// finished and sent, and of each partition that much is committed as is finished without a gap; whoever comes next goes on from there.
import { gracefulShutdown, Kafka, logLevel } from '@ottla/client'
import { WorkerPool } from './worker-pool.ts'

const kafka = new Kafka({
  clientId: 'hash-passwords',
  brokers: (process.env.KAFKA_BROKERS ?? 'localhost:9092').split(','),
  logLevel: logLevel.ERROR,
})
// What ends within 5 ms goes to the broker together.
const producer = kafka.producer({ lingerMs: 5 })
const consumer = kafka.consumer({ groupId: 'hash-passwords', stopTimeout: 20_000 })
const pool = new WorkerPool<string, string>(new URL('hash.js', import.meta.url))

await producer.connect()
await consumer.subscribe({ topics: ['passwords'], fromBeginning: true })
await consumer.run({
  concurrency: 8,
  order: 'key',
  eachMessage: async ({ message, signal }) => {
    const hash = await pool.run(String(message.value), signal)
    await producer.send({ topic: 'hashes', messages: [{ key: message.key, value: hash }] })
  },
})
console.log('ready')

// In this order: nothing new is taken and what was begun ends, then the threads, then what is sent to the broker.
gracefulShutdown({ timeoutMs: 25_000 }, consumer, { disconnect: () => pool.close() }, producer)
