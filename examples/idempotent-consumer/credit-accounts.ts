// Credits accounts in PostgreSQL, each deposit once: what was handled is noted in the same transaction as the balance. However often a deposit is delivered (a
// crash, a rebalance, offsets that were set back, a replay of dead letters), the account is credited once.
import { gracefulShutdown, Kafka, logLevel, once } from '@ottla/client'
import { onceTable, postgresOnce } from '@ottla/client/postgres'
import { Pool } from 'pg'

interface Deposit {
  readonly account: string
  readonly cents: number
}

const kafka = new Kafka({
  clientId: 'credit-accounts',
  brokers: (process.env.KAFKA_BROKERS ?? 'localhost:9092').split(','),
  logLevel: logLevel.ERROR,
})
// Where the database is, PGHOST, PGUSER, PGDATABASE and their like say.
const pool = new Pool()
await pool.query(onceTable())
await pool.query('CREATE TABLE IF NOT EXISTS account (id text PRIMARY KEY, cents bigint NOT NULL)')

const exactlyOnce = once(postgresOnce(pool), {
  skipped: ({ partition, offset }) => console.log(`deposit ${partition}/${offset} was credited before`),
})

const consumer = kafka.consumer({ groupId: 'accounts', value: (data): Deposit => JSON.parse(String(data)) })
await consumer.subscribe({ topics: ['deposits'], fromBeginning: true })
await consumer.run({
  partitionsConsumedConcurrently: 4,
  eachMessage: exactlyOnce(async ({ partition, message }, client) => {
    const { account, cents } = message.value
    await client.query('INSERT INTO account VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET cents = account.cents + $2', [account, cents])
    console.log(`deposit ${partition}/${message.offset} credited`)
  }),
})
gracefulShutdown({}, consumer, { disconnect: () => pool.end() })
