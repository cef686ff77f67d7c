// A client that keeps the rules while others do not: it produces and reads back, checks what comes, and remembers how long each took.
// And what a broker that it talks to needs at the same time: memory, and turns of the event loop.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { BatchBuilder, batchesIn, ErrorCode, fetchApi, produceApi, recordsOf } from '@ottla/protocol'
import type { BrokerProcess } from '../compat/broker.ts'
import { Wire } from '../compat/wire.ts'

/** How long answers took, in ms. */
export interface Latencies {
  readonly count: number
  readonly p99: number
  readonly maximum: number
}

const latenciesOf = (times: readonly number[]): Latencies => {
  const sorted = times.toSorted((a, b) => a - b)
  return { count: sorted.length, p99: sorted[Math.floor(sorted.length * 0.99)] ?? 0, maximum: sorted.at(-1) ?? 0 }
}

export class HonestClient {
  readonly #broker: BrokerProcess
  readonly #topic: string
  #number = 0
  #times: number[] = []
  #isStopped = false
  #run: Promise<void> | undefined
  /** What was not right. */
  readonly wrong: string[] = []

  constructor(broker: BrokerProcess, topic: string) {
    this.#broker = broker
    this.#topic = topic
  }

  start(): void {
    this.#run = this.#goOn().catch((error: unknown) => void this.wrong.push(String(error)))
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#run
  }

  /** Latencies since the last time that somebody asked. */
  taken(): Latencies {
    const times = this.#times
    this.#times = []
    return latenciesOf(times)
  }

  async #goOn(): Promise<void> {
    await using wire = await Wire.connect(this.#broker.port)
    while (!this.#isStopped) {
      const text = `honest ${this.#number++}`
      const startedMs = performance.now()
      const offset = await this.#produce(wire, text)
      const read = await this.#fetch(wire, offset)
      this.#times.push(performance.now() - startedMs)
      if (read !== text) this.wrong.push(`offset ${offset} has ${read}, not ${text}`)
      await sleep(10)
    }
  }

  async #produce(wire: Wire, text: string): Promise<number> {
    const { bytes } = new BatchBuilder().append({ timestamp: Date.now(), value: Buffer.from(text) }).build()
    const topicData = [{ name: this.#topic, partitionData: [{ index: 0, records: bytes }] }]
    const answer = await wire.ask(produceApi, 9, { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData })
    const result = answer.responses[0]?.partitionResponses[0]
    if (result?.errorCode !== ErrorCode.NONE) this.wrong.push(`${text} was answered with error ${result?.errorCode}`)
    return result?.baseOffset ?? -1
  }

  async #fetch(wire: Wire, fetchOffset: number): Promise<string | undefined> {
    const answer = await wire.ask(fetchApi, 11, {
      replicaId: -1,
      maxWaitMs: 30_000,
      minBytes: 1,
      maxBytes: 100_000,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic: this.#topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 100_000 }] }],
      forgottenTopicsData: [],
      rackId: '',
    })
    const { records } = answer.responses[0]?.partitions[0] ?? { records: null }
    for (const batch of records === null ? [] : batchesIn(records))
      for (const record of recordsOf(batch)) if (record.offset === fetchOffset) return record.value?.toString()
    return undefined
  }
}

/** Resident memory of a process in MiB. */
export const residentMib = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024

/** Watches the memory of a process; `stop` gives the most that it had. */
export const watchMemory = (pid: number): { stop: () => number } => {
  let most = residentMib(pid)
  const timer = setInterval(() => (most = Math.max(most, residentMib(pid))), 50)
  return {
    stop() {
      clearInterval(timer)
      return Math.max(most, residentMib(pid))
    },
  }
}

/** Longest delays of the broker's event loop since they were last asked for, as its metrics tell; in ms. */
export async function loopLag(metricsPort: number): Promise<{ maximum: number; p99: number }> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  const valueOf = (name: string) =>
    Number(
      text
        .split('\n')
        .find(line => line.startsWith(`${name} `))
        ?.split(' ')[1] ?? Number.NaN,
    ) * 1000
  return { maximum: valueOf('nodejs_eventloop_lag_max_seconds'), p99: valueOf('nodejs_eventloop_lag_p99_seconds') }
}
