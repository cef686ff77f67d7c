// Apache Kafka's own pair of tools for finding lost records: kafka-verifiable-producer writes numbers and says which were acknowledged,
// kafka-verifiable-consumer says what it was given and committed. Both print one JSON object a line.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { kafkaBin } from './programs.ts'

interface ToolEvent {
  readonly name: string
  readonly value?: string | null
  readonly partition?: number
  readonly offset?: number
  readonly success?: boolean
  readonly message?: string
}

const isEvent = (value: unknown): value is ToolEvent => typeof value === 'object' && value !== null && 'name' in value

/** One of the tools as a process. */
class Tool implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #finished: Promise<unknown>
  /** What it printed last that was not JSON. */
  readonly said: string[] = []

  constructor(words: readonly string[], onEvent: (event: ToolEvent) => void) {
    const [name = '', ...rest] = words
    const child = spawn(join(kafkaBin, name), rest, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    this.#finished = once(child, 'close')
    const read = (line: string) => {
      if (!line.startsWith('{')) {
        this.said.push(line.slice(0, 300))
        if (this.said.length > 20) this.said.shift()
        return
      }
      const event: unknown = JSON.parse(line)
      if (isEvent(event)) onEvent(event)
    }
    createInterface({ input: child.stdout }).on('line', read)
    createInterface({ input: child.stderr }).on('line', line => this.said.push(line.slice(0, 300)))
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** SIGTERM, which lets it end its work. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 40_000)
    await this.#finished
    clearTimeout(timer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.running) return
    this.#child.kill('SIGKILL')
    await this.#finished
  }
}

/** kafka-verifiable-producer with acks of all replicas. It does not try again, so that each record is written at most once. */
export class VerifiableProducer extends Tool {
  /** Partition and value of each acknowledged record. */
  readonly acknowledged: Set<string>
  readonly refused: Set<string>

  constructor(bootstrap: string, topic: string, recordsPerSecond: number) {
    const acknowledged = new Set<string>()
    const refused = new Set<string>()
    const words = ['--bootstrap-server', bootstrap, '--topic', topic, '--throughput', `${recordsPerSecond}`, '--acks', '-1']
    super(['kafka-verifiable-producer.sh', ...words], event => {
      if (event.name === 'producer_send_success') acknowledged.add(`${event.partition} ${event.offset} ${event.value}`)
      if (event.name === 'producer_send_error') refused.add(event.value ?? '')
    })
    this.acknowledged = acknowledged
    this.refused = refused
  }
}

/** kafka-verifiable-consumer with commits after each batch. */
export class VerifiableConsumer extends Tool {
  /** Partition and value of each record it was given. */
  readonly given: Set<string>
  /** Records that came more than once. */
  readonly again: string[]
  readonly counts: { commits: number; failed: string[] }

  constructor(bootstrap: string, topic: string, group: string) {
    const given = new Set<string>()
    const again: string[] = []
    const counts = { commits: 0, failed: [] as string[] }
    const words = ['--bootstrap-server', bootstrap, '--topic', topic, '--group-id', group, '--verbose', '--session-timeout', '10000']
    super(['kafka-verifiable-consumer.sh', ...words], event => {
      if (event.name === 'record_data') {
        const record = `${event.partition} ${event.offset} ${event.value}`
        if (given.has(record)) again.push(record)
        given.add(record)
      }
      if (event.name === 'offsets_committed' && event.success === true) counts.commits += 1
      if (event.name === 'offsets_committed' && event.success === false) counts.failed.push(event.message ?? '')
    })
    this.given = given
    this.again = again
    this.counts = counts
  }
}
