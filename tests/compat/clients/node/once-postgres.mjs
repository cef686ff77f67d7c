// A consumer that handles each message once with PostgreSQL, in a process of its own: OTTLA_BOOTSTRAP, TOPIC, GROUP and PGHOST say where. It kills itself
// (SIGKILL) at the message whose value is DIE, `before` the commit of the database or `after` it, and prints what it handled.
import { Kafka, logLevel, once } from '@ottla/client'
import { onceTable, postgresOnce } from '@ottla/client/postgres'
import { Pool } from 'pg'

const { OTTLA_BOOTSTRAP = '', TOPIC = '', GROUP = '', PGHOST = '', DIE = '', WHEN = 'after', BY = 'message' } = process.env

const pool = new Pool({ host: PGHOST, user: 'tester', database: 'postgres', max: 4 })
const options = { by: BY === 'offset' ? 'offset' : 'message', table: `once_${BY}` }
await pool.query(onceTable(options)).catch(() => pool.query(onceTable(options)))
const store = postgresOnce(pool, options)
const die = () => process.kill(process.pid, 'SIGKILL')

const exactlyOnce = once({
  once: async (mark, work) => {
    const isNew = await store.once(mark, work)
    process.stdout.write(`${isNew ? 'handled' : 'skipped'} ${mark.partition} ${mark.offset}\n`)
    return isNew
  },
})

const kafka = new Kafka({ brokers: [OTTLA_BOOTSTRAP], logLevel: logLevel.NOTHING })
const consumer = kafka.consumer({ groupId: GROUP, sessionTimeout: 2_000, heartbeatInterval: 300 })
await consumer.subscribe({ topics: [TOPIC], fromBeginning: true })
const handler = exactlyOnce(async ({ partition, message }, client) => {
  const value = String(message.value)
  await client.query('INSERT INTO ledger (partition, message_offset, value) VALUES ($1, $2, $3)', [partition, message.offset, value])
  if (value === DIE && WHEN === 'before') die()
})
await consumer.run({
  eachMessage: async payload => {
    await handler(payload)
    if (String(payload.message.value) === DIE && WHEN === 'after') die()
  },
})
process.stdout.write('ready\n')
process.on('SIGTERM', () => {
  void consumer
    .disconnect()
    .then(() => pool.end())
    .then(() => process.exit(0))
})
