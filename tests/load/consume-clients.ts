// Consumers of Node.js side by side: `node consume-clients.js [rounds] [MiB] [clients] [ottla|kafka]` after `npm run build`. The broker is Ottla, or
// Apache Kafka, in a process of its own, each client another one; records of 1 KiB and of 100 B. Medians of records a second, and a second of the
// client's processor time. Clients: kafkajs, platformatic, ottla, with eachMessage kafkajs-message and ottla-message, and socket, which reads answers and
// does nothing with them: what nobody goes below.
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { BatchBuilder, ErrorCode, produceApi } from '@ottla/protocol'
import { startBroker } from '../compat/broker.ts'
import type { Consumed } from './consume-client.ts'
import { prepare } from './group-loads.ts'
import { startKafka } from './kafka.ts'
import { Pipe } from './pipe.ts'

const rounds = Number(process.argv[2] ?? 3)
const mebibytes = Number(process.argv[3] ?? 600)
const clients = (process.argv[4] ?? 'kafkajs,platformatic,ottla').split(',')
const PARTITIONS = 4
const BATCH_BYTES = 100 * 1024
const UNDER_WAY = 8
const PRODUCE_VERSION = 9

const execute = promisify(execFile)
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

/** Fills a topic with records of a size; returns how many there are. */
async function fill(port: number, topic: string, recordBytes: number): Promise<number> {
  const pipe = await Pipe.open(port)
  const perBatch = Math.floor(BATCH_BYTES / recordBytes)
  const batches = Math.ceil((mebibytes * 1024 * 1024) / recordBytes / perBatch)
  const builder = new BatchBuilder()
  const value = Buffer.alloc(recordBytes - 10, 'v')
  for (let index = 0; index < perBatch; index++) builder.append({ timestamp: Date.now(), key: Buffer.from(`key-${index % 1000}`), value })
  const records = builder.build().bytes
  const send = async (lane: number): Promise<void> => {
    for (let batch = lane; batch < batches; batch += UNDER_WAY) {
      const topicData = [{ name: topic, partitionData: [{ index: batch % PARTITIONS, records }] }]
      const body = { acks: -1, timeoutMs: 30_000, topicData }
      // A partition that was just made may not be ready for its first records.
      for (;;) {
        const answer = await pipe.ask(produceApi, PRODUCE_VERSION, body)
        if (answer.responses[0]?.partitionResponses[0]?.errorCode === ErrorCode.NONE) break
        await sleep(50)
      }
    }
  }
  await Promise.all(Array.from({ length: UNDER_WAY }, (_, lane) => send(lane)))
  pipe.close()
  return batches * perBatch
}

const settings = { 'group.initial.rebalance.delay.ms': '0' }
const broker = process.argv[5] === 'kafka' ? await startKafka(settings) : await startBroker({ 'log.flush.mode': 'os', ...settings })
const program = new URL('consume-client.js', import.meta.url).pathname
try {
  for (const recordBytes of [1024, 100]) {
    const topic = `consume-${recordBytes}`
    await prepare({ name: '', port: broker.port, pid: broker.pid, [Symbol.asyncDispose]: () => Promise.resolve() }, topic, PARTITIONS)
    const records = await fill(broker.port, topic, recordBytes)
    const results = new Map(clients.map(client => [client, { perSecond: [] as number[], perCpuSecond: [] as number[], peakMiB: 0 }]))
    for (let round = 0; round < rounds; round++)
      for (const [client, result] of results) {
        const { stdout } = await execute(process.execPath, [program, client, String(broker.port), topic, String(records)], {
          timeout: 300_000,
        })
        const consumed: Consumed = JSON.parse(stdout)
        result.perSecond.push(consumed.records / consumed.seconds)
        result.perCpuSecond.push(consumed.records / consumed.cpuSeconds)
        result.peakMiB = Math.max(result.peakMiB, consumed.peakMiB)
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
