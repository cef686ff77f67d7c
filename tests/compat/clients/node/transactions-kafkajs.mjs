// Transactions with KafkaJS: `node transactions-kafkajs.mjs MODE BOOTSTRAP TRANSACTIONALID INPUT OUTPUT GROUP`.
import kafkajs from 'kafkajs'
import { copies, nameOf, onStop, place, recordsPerTransaction, run, say, sessionTimeoutMs } from './transactions.mjs'

const { Kafka, logLevel } = kafkajs
const kafka = new Kafka({
  brokers: [place.bootstrap],
  logLevel: logLevel.NOTHING,
  retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 30 },
})

const connected = async () => {
  const producer = kafka.producer({
    transactionalId: place.transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: 20_000,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 30 },
  })
  await producer.connect()
  return producer
}

async function copy() {
  const producer = await connected()
  const consumer = kafka.consumer({
    groupId: place.group,
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: 300,
    rebalanceTimeout: 10_000,
    maxWaitTimeInMs: 100,
    readUncommitted: false,
  })
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    console.error(payload.error)
    // KafkaJS gives up for good after some ends of a connection, see tests/compat/kafkajs-ends.test.ts: nothing would run on.
    if (!payload.restart) process.exit(1)
  })
  await consumer.connect()
  await consumer.subscribe({ topics: [place.input], fromBeginning: true })
  onStop(async () => {
    await consumer.disconnect()
    await producer.disconnect()
  })

  const copyOne = async (topic, partition, messages) => {
    const transaction = await producer.transaction()
    try {
      await transaction.send({ topic: place.output, messages: copies(messages).map(message => ({ ...message, partition })) })
      const offset = String(BigInt(messages.at(-1).offset) + 1n)
      await transaction.sendOffsets({ consumerGroupId: place.group, topics: [{ topic, partitions: [{ partition, offset }] }] })
      await transaction.commit()
      say('committed', messages.length)
    } catch (error) {
      await transaction.abort()
      say('aborted', nameOf(error))
      throw error
    }
  }
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    async eachBatch(turn) {
      const { batch } = turn
      for (let at = 0; at < batch.messages.length && turn.isRunning() && !turn.isStale(); at += recordsPerTransaction) {
        const messages = batch.messages.slice(at, at + recordsPerTransaction)
        await copyOne(batch.topic, batch.partition, messages)
        turn.resolveOffset(messages.at(-1).offset)
        await turn.heartbeat()
      }
    },
  })
  say('ready')
}

const begin = async () => {
  const producer = await connected()
  return {
    async transaction() {
      const transaction = await producer.transaction()
      return {
        send: messages => transaction.send({ topic: place.output, messages }),
        commit: () => transaction.commit(),
        abort: () => transaction.abort(),
      }
    },
  }
}
await run({ copy, begin })
