// Producers of Node.js side by side: `node produce-clients.js [rounds] [seconds] [clients] [kafka]` after `npm run build`. The broker is Ottla, or
// Apache Kafka, in a process of its own, each client another one; records of 1 KiB and of 100 B without keys, 1,000 a send, five sends under way.
// Medians of records a second, and a second of the client's processor time.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { startBroker } from '../compat/broker.ts'
import { prepare } from './group-loads.ts'
import { type Measured, startKafka } from './kafka.ts'
import type { Produced } from './produce-client.ts'

const rounds = Number(process.argv[2] ?? 3)
const seconds = Number(process.argv[3] ?? 5)
const clients = (process.argv[4] ?? 'kafkajs,platformatic,ottla').split(',')
const PARTITIONS = 4

const execute = promisify(execFile)
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

// What is produced is soon removed again: loads are larger than disks of test machines.
const settings = { 'log.retention.bytes': '268435456', 'log.segment.bytes': '134217728', 'log.retention.check.interval.ms': '2000' }

async function startOttla(): Promise<Measured> {
  const broker = await startBroker({ 'log.flush.mode': 'os', ...settings })
  return { name: 'ottla', port: broker.port, pid: broker.pid, [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() }
}

const broker = process.argv[5] === 'kafka' ? await startKafka(settings) : await startOttla()
const program = new URL('produce-client.js', import.meta.url).pathname
try {
  for (const recordBytes of [1024, 100]) {
    const topic = `produce-${recordBytes}`
    await prepare(broker, topic, PARTITIONS)
    const results = new Map(clients.map(client => [client, { perSecond: [] as number[], perCpuSecond: [] as number[], peakMiB: 0 }]))
    for (let round = 0; round < rounds; round++)
      for (const [client, result] of results) {
        const words = [program, client, String(broker.port), topic, String(recordBytes), String(seconds)]
        const { stdout } = await execute(process.execPath, words, { timeout: 300_000 })
        const produced: Produced = JSON.parse(stdout)
        result.perSecond.push(produced.records / produced.seconds)
        result.perCpuSecond.push(produced.records / produced.cpuSeconds)
        result.peakMiB = Math.max(result.peakMiB, produced.peakMiB)
      }
    const ours = median(results.get('ottla')?.perCpuSecond ?? [])
    for (const [client, { perSecond, perCpuSecond, peakMiB }] of results) {
      const numbers = [median(perSecond), median(perCpuSecond)].map(value => Math.round(value).toLocaleString('en').padStart(11))
      const ratio = client === 'ottla' ? '' : `   ottla is ${(ours / median(perCpuSecond)).toFixed(2)}x per CPU second`
      console.log(
        `${String(recordBytes).padStart(5)} B ${client.padEnd(14)}${numbers[0]}/s ${numbers[1]} per CPU s   peak ${Math.round(peakMiB)} MiB${ratio}`,
      )
    }
  }
} finally {
  await broker[Symbol.asyncDispose]()
}
