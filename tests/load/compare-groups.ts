// Groups of Ottla beside those of Apache Kafka, in turns on one machine: `node compare-groups.js [rounds]` after `npm run build`. Medians and ratios.
import { startBroker } from '../compat/broker.ts'
import { commits, kafkajsRebalance, manyGroups, manyMembers, prepare } from './group-loads.ts'
import { type Measured, startKafka } from './kafka.ts'

const rounds = Number(process.argv[2] ?? 3)
const settings = { 'group.initial.rebalance.delay.ms': '0', 'group.consumer.assignment.interval.ms': '0' }

async function startOttla(): Promise<Measured> {
  const broker = await startBroker({ 'log.flush.mode': 'os', ...settings })
  return { name: 'ottla', port: broker.port, pid: broker.pid, [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

const brokers = [await startKafka(settings), await startOttla()]
const results = new Map<string, Map<string, number[]>>()
const note = (row: string, { name }: Measured, value: number): void => {
  const columns = results.get(row) ?? new Map<string, number[]>()
  results.set(row, columns)
  columns.set(name, [...(columns.get(name) ?? []), value])
}
try {
  for (const broker of brokers) {
    await prepare(broker, 'load', 1000)
    await commits(broker, 2)
  }
  for (let round = 0; round < rounds; round++) {
    for (const broker of brokers) {
      note('OffsetCommit x16, commits/s', broker, await commits(broker, 3))
      const { seconds, stall } = await manyMembers(broker, 1000, `members-${round}`)
      note('1,000 members until stable, s', broker, seconds)
      note('longest wait of another client meanwhile, ms', broker, stall * 1000)
      note('third KafkaJS member until it has its share, s', broker, await kafkajsRebalance(broker, `kafkajs-${round}`))
    }
  }
  for (const broker of brokers) note('10,000 groups, heartbeats every 3 s, share of a core', broker, await manyGroups(broker, 10_000, 9))
} finally {
  for (const broker of brokers) await broker[Symbol.asyncDispose]()
}
for (const [row, columns] of results) {
  const [kafka, ottla] = ['kafka', 'ottla'].map(name => median(columns.get(name) ?? []))
  if (kafka !== undefined && ottla !== undefined)
    console.log(
      `${row.padEnd(56)} kafka ${kafka.toFixed(3).padStart(12)}   ottla ${ottla.toFixed(3).padStart(12)}   ${(ottla / kafka).toFixed(2)}x`,
    )
}
