// Transactions of Ottla beside those of Apache Kafka, in turns on one machine, and what idempotence costs Ottla:
// `node compare-transactions.js [rounds] [seconds]` after `npm run build`. Medians and ratios.
import { startBroker } from '../compat/broker.ts'
import { prepare } from './group-loads.ts'
import { type Measured, startKafka } from './kafka.ts'
import { produced, transactions } from './transaction-loads.ts'

const rounds = Number(process.argv[2] ?? 3)
const seconds = Number(process.argv[3] ?? 5)
const TOPIC = 'load'

async function startOttla(): Promise<Measured> {
  const broker = await startBroker({ 'log.flush.mode': 'os' })
  return { name: 'ottla', port: broker.port, pid: broker.pid, [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

const results = new Map<string, Map<string, number[]>>()
const note = (row: string, name: string, value: number): void => {
  const columns = results.get(row) ?? new Map<string, number[]>()
  results.set(row, columns)
  columns.set(name, [...(columns.get(name) ?? []), value])
}

const shapes = [
  { batches: 1, name: '1 batch of 100' },
  { batches: 10, name: '10 batches of 10' },
]

async function measure(broker: Measured): Promise<void> {
  for (const { batches, name } of shapes) {
    const figures = await transactions(broker, { topic: TOPIC, seconds, batches })
    note(`transactions of ${name}, 1/s`, broker.name, figures.perSecond)
    note(`EndTxn of ${name}, p50 ms`, broker.name, figures.commitP50)
    note(`EndTxn of ${name}, p99 ms`, broker.name, figures.commitP99)
    note(`sent again, of ${name}, per 1,000`, broker.name, (figures.repeats * 1000) / (figures.perSecond * seconds))
  }
}

/** In turns, as the machine's speed changes; each kind is first in every other turn. */
async function measureIdempotence(broker: Measured): Promise<void> {
  for (const isIdempotent of [false, true, true, false])
    note('acks=all, batches/s', isIdempotent ? 'idempotent' : 'plain', await produced(broker, { topic: TOPIC, isIdempotent }))
}

const kafka = await startKafka({})
const ottla = await startOttla()
try {
  for (const broker of [kafka, ottla]) {
    await prepare(broker, TOPIC, 4)
    for (const { batches } of shapes) await transactions(broker, { topic: TOPIC, seconds: 3, batches })
  }
  for (let round = 0; round < rounds; round++) for (const broker of [kafka, ottla]) await measure(broker)
  await measureIdempotence(ottla)
  results.delete('acks=all, batches/s')
  for (let round = 0; round < rounds; round++) await measureIdempotence(ottla)
} finally {
  await kafka[Symbol.asyncDispose]()
  await ottla[Symbol.asyncDispose]()
}
for (const [row, columns] of results) {
  const text = [...columns].map(([name, values]) => `${name} ${median(values).toFixed(3).padStart(10)}`)
  const [first = Number.NaN, second = Number.NaN] = [...columns.values()].map(median)
  console.log(`${row.padEnd(44)} ${text.join('   ')}   ${first === 0 ? '' : `${(second / first).toFixed(2)}x`}`)
}
