// From send to handler at 1,000 records of 1 KiB a second, clients of Node.js side by side: `node delay-clients.js [rounds] [seconds] [clients] [kafka]`
// after `npm run build`. The broker is Ottla, or Apache Kafka, in a process of its own, each client another one. Medians over the rounds.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { startBroker } from '../compat/broker.ts'
import type { Delays } from './delay-client.ts'
import { prepare } from './group-loads.ts'
import { startKafka } from './kafka.ts'

const rounds = Number(process.argv[2] ?? 3)
const seconds = Number(process.argv[3] ?? 8)
const clients = (process.argv[4] ?? 'kafkajs,platformatic,ottla').split(',')

const execute = promisify(execFile)
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

const broker = process.argv[5] === 'kafka' ? await startKafka({}) : await startBroker({ 'log.flush.mode': 'os' })
const program = new URL('delay-client.js', import.meta.url).pathname
try {
  const results = new Map(clients.map(client => [client, [] as Delays[]]))
  for (let round = 0; round < rounds; round++)
    for (const [client, found] of results) {
      const topic = `delay-${client}-${round}`
      await prepare({ name: 'broker', pid: broker.pid, port: broker.port, [Symbol.asyncDispose]: () => Promise.resolve() }, topic, 1)
      const words = [program, client, String(broker.port), topic, String(seconds)]
      const { stdout } = await execute(process.execPath, words, { timeout: 120_000 })
      const delays: Delays = JSON.parse(stdout)
      found.push(delays)
    }
  console.log(`${'ms'.padEnd(14)}      p50      p99    p99.9    CPU s`)
  for (const [client, found] of results) {
    const row = [found.map(each => each.p50), found.map(each => each.p99), found.map(each => each.p999), found.map(each => each.cpuSeconds)]
    console.log(`${client.padEnd(14)}${row.map(values => median(values).toFixed(2).padStart(9)).join('')}`)
  }
} finally {
  await broker[Symbol.asyncDispose]()
}
