// One member of a consumer group, in a process of its own. All the programs (clients/*) keep one contract:
//   PROGRAM BOOTSTRAP GROUP TOPIC MEMBER [NAME=VALUE...]     options: assignor, protocol=consumer, remote-assignor, instance, session (ms), pattern=1
// and print one line for each event, partitions named as Kafka names them (TOPIC-NUMBER):
//   ready                                    it runs
//   assigned PARTITION...                    all that it owns from now on; "-" is nothing
//   record PARTITION OFFSET KEY VALUE        delivered
//   committed PARTITION OFFSET               the broker took a commit
//   refused WHY                              the broker did not take a commit
//   left                                     it left the group, after SIGTERM
// kcat prints its records so with a format, and says on its error output what was assigned.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Program } from './programs.ts'

/** A line `record`. */
export interface Delivered {
  readonly member: string
  readonly partition: string
  readonly offset: number
  readonly key: string
  readonly value: string
}

/** What a member is started with. */
export interface Membership {
  readonly bootstrap: string
  readonly group: string
  readonly topic: string
  readonly name: string
  readonly options: Readonly<Record<string, string>>
  onRecord(record: Delivered): void
  onCommitted?(partition: string, offset: number): void
}

const kcatNames: Record<string, string> = {
  session: 'session.timeout.ms',
  assignor: 'partition.assignment.strategy',
  instance: 'group.instance.id',
}

const kcatWords = ({ bootstrap, group, topic, name, options }: Membership): string[] => {
  const settings = {
    'client.id': name,
    'auto.offset.reset': 'earliest',
    'auto.commit.interval.ms': '100',
    'heartbeat.interval.ms': '300',
    'fetch.wait.max.ms': '200',
    'session.timeout.ms': '3000',
    ...Object.fromEntries(Object.entries(options).map(([option, value]) => [kcatNames[option] ?? option, value])),
  }
  const words = Object.entries(settings).flatMap(([setting, value]) => ['-X', `${setting}=${value}`])
  return ['-b', bootstrap, '-G', group, ...words, '-u', '-f', 'record %t-%p %o %k %s\n', topic]
}

/** kcat's word on a rebalance as a line of the contract, or nothing. */
const kcatLine = (line: string): string | undefined => {
  const found = /rebalanced \(.*?\): (assigned|revoked): (.*)$/.exec(line)
  if (found === null) return undefined
  const partitions = [...(found[2] ?? '').matchAll(/(\S+) \[(\d+)\]/g)].map(([, topic, number]) => `${topic}-${number}`)
  return `assigned ${found[1] === 'revoked' || partitions.length === 0 ? '-' : partitions.join(' ')}`
}

export class Member {
  readonly name: string
  /** The partitions that it owns. */
  assigned: ReadonlySet<string> = new Set()
  /** How often it was told what it owns. */
  assignments = 0
  /** Commits that were refused. */
  readonly refused: string[] = []
  readonly #child: ChildProcess
  readonly #membership: Membership
  readonly #finished: Promise<unknown>
  readonly #lastLines: string[] = []
  #left = false
  #ending = false

  constructor(program: Extract<Program, { command: string }>, membership: Membership) {
    this.name = membership.name
    this.#membership = membership
    const kcat = program.command === 'kcat'
    const { bootstrap, group, topic, name, options } = membership
    const settings = Object.entries(options).map(([option, value]) => `${option}=${value}`)
    const words = kcat ? kcatWords(membership) : [...program.words, bootstrap, group, topic, name, ...settings]
    const child = spawn(program.command, words, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    this.#finished = once(child, 'close')
    createInterface({ input: child.stdout }).on('line', line => this.#read(line))
    createInterface({ input: child.stderr }).on('line', line => {
      const translated = kcat ? kcatLine(line) : undefined
      if (translated === undefined) this.#keep(line)
      else this.#read(translated)
    })
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** True when it ended and nobody asked it to. */
  get crashed(): boolean {
    return !this.running && !this.#ending
  }

  /** What it said last that was no record, for a failure's message. */
  get story(): string {
    return `${this.name} (${this.running ? 'runs' : `ended with ${this.#child.exitCode ?? this.#child.signalCode}`}): ${this.#lastLines.join(' | ')}`
  }

  #keep(line: string): void {
    this.#lastLines.push(line.slice(0, 300))
    if (this.#lastLines.length > 20) this.#lastLines.shift()
  }

  #read(line: string): void {
    const [event, partition = '', offset, key = '', value = ''] = line.split(' ')
    if (event === 'record') return this.#membership.onRecord({ member: this.name, partition, offset: Number(offset), key, value })
    if (event === 'committed') return this.#membership.onCommitted?.(partition, Number(offset))
    this.#keep(line)
    if (event === 'refused') this.refused.push(line)
    if (event === 'left') this.#left = true
    if (event !== 'assigned') return
    this.assigned = new Set(
      line
        .split(' ')
        .slice(1)
        .filter(word => word !== '-'),
    )
    this.assignments += 1
  }

  /** SIGKILL: the group learns it from silence. */
  async kill(): Promise<void> {
    this.#ending = true
    this.#child.kill('SIGKILL')
    await this.#finished
    this.assigned = new Set()
  }

  /** SIGTERM: it leaves the group. Throws when it had to be killed, or did not end well. */
  async stop(): Promise<void> {
    this.#ending = true
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 20_000)
    await this.#finished
    clearTimeout(timer)
    this.assigned = new Set()
    const well = this.#child.spawnfile === 'kcat' ? this.#child.signalCode !== 'SIGKILL' : this.#left && this.#child.exitCode === 0
    if (!well) throw new Error(`a member did not end well: ${this.story}`)
  }
}
