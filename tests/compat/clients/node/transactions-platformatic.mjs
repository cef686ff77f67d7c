// Transactions with @platformatic/kafka: `node transactions-platformatic.mjs MODE BOOTSTRAP TRANSACTIONALID INPUT OUTPUT GROUP`.
import { Consumer, ProduceAcks, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { copies, nameOf, onStop, place, recordsPerTransaction, run, say, sessionTimeoutMs } from './transactions.mjs'

const base = { clientId: 'compat', bootstrapBrokers: [place.bootstrap], retries: 30, retryDelay: 200 }

const connected = () =>
  new Producer({
    ...base,
    transactionalId: place.transactionalId,
    idempotent: true,
    // 1.35 asks with producer id 0 otherwise, which fences itself when the transactional id was used before.
    producerId: -1n,
    producerEpoch: -1,
    acks: ProduceAcks.ALL,
    autocreateTopics: false,
    serializers: stringSerializers,
  })
const toOutput = records => ({ messages: records.map(record => ({ ...record, topic: place.output })) })

async function copy() {
  const producer = connected()
  const consumer = new Consumer({
    ...base,
    groupId: place.group,
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: 300,
    rebalanceTimeout: 10_000,
    isolationLevel: 'READ_COMMITTED',
    deserializers: stringDeserializers,
  })
  const stopping = new AbortController()
  const stream = await consumer.consume({
    topics: [place.input],
    mode: 'committed',
    fallbackMode: 'earliest',
    autocommit: false,
    maxWaitTime: 100,
  })

  const copyAll = async messages => {
    const transaction = await producer.beginTransaction()
    try {
      await transaction.addConsumer(consumer)
      const copied = copies(messages).map((record, i) => ({ ...record, partition: messages[i].partition }))
      await transaction.send(toOutput(copied))
      const last = new Map(messages.map(message => [message.partition, message]))
      for (const message of last.values()) await transaction.addOffset(message)
      await transaction.commit()
      say('committed', messages.length)
    } catch (error) {
      await transaction.abort()
      say('aborted', nameOf(error))
      throw error
    }
  }

  let waiting = []
  const work = async () => {
    while (!stopping.signal.aborted) {
      const messages = waiting.slice(0, recordsPerTransaction)
      waiting = waiting.slice(recordsPerTransaction)
      if (messages.length > 0) await copyAll(messages)
      else await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
  stream.on('data', message => waiting.push(message))
  stream.on('error', error => {
    console.error(error)
    process.exit(1)
  })
  say('ready')
  const working = work().catch(error => {
    console.error(error)
    process.exit(1)
  })
  onStop(async () => {
    stopping.abort()
    await working
    await new Promise(resolve => consumer.close(true, resolve))
    await producer.close()
  })
}

const begin = async () => {
  const producer = connected()
  return {
    async transaction() {
      const transaction = await producer.beginTransaction()
      return {
        send: records => transaction.send(toOutput(records)),
        commit: () => transaction.commit(),
        abort: () => transaction.abort(),
      }
    },
  }
}
await run({ copy, begin })
