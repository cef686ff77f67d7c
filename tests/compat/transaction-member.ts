// A program that makes transactions, in a process of its own. All of them (clients/*) keep one contract:
//   PROGRAM MODE BOOTSTRAP TRANSACTIONALID INPUT OUTPUT GROUP [NAME=VALUE...]     options: records (of a transaction at most), session (ms), protocol
// MODE is one of
//   copy     reads committed records of INPUT in GROUP and writes each to the same partition of OUTPUT, its value followed by the name of
//            the transaction, its number within and how many there are; the group's offsets are part of the transaction; until SIGTERM
//   abort    three times: thirty records `goneN I` aborted, then thirty records `staysN I` committed, ten for each of three partitions
//   fence    thirty records `elder I`, then a second producer with the same transactional id writes `younger I`, the first goes on, and the
//            second commits
// and prints one line for each event:
//   ready             it runs
//   committed COUNT   a transaction was committed
//   aborted [WHY]     a transaction was aborted
//   fenced WHY        the elder producer got an error
//   left              it ended well
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Program } from './programs.ts'

/** What a program is started with. */
export interface TransactionPlace {
  readonly mode: 'copy' | 'abort' | 'fence'
  readonly bootstrap: string
  readonly transactionalId: string
  readonly input: string
  readonly output: string
  readonly group: string
  readonly options?: Readonly<Record<string, string>>
}

export class TransactionMember {
  /** Transactions that it says it committed. */
  committed = 0
  /** What it said of transactions that it aborted itself. */
  readonly aborted: string[] = []
  readonly lines: string[] = []
  readonly finished: Promise<unknown>
  readonly #child: ChildProcess
  #onCommitted: (() => void) | undefined

  constructor(
    program: Extract<Program, { command: string }>,
    { mode, bootstrap, transactionalId, input, output, group, options }: TransactionPlace,
  ) {
    const settings = Object.entries(options ?? {}).map(([option, value]) => `${option}=${value}`)
    const words = [...program.words, mode, bootstrap, transactionalId, input, output, group, ...settings]
    const child = spawn(program.command, words, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    this.finished = once(child, 'close')
    createInterface({ input: child.stdout }).on('line', line => this.#read(line))
    createInterface({ input: child.stderr }).on('line', line => this.#keep(line))
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  get isLeft(): boolean {
    return this.#child.exitCode === 0 && this.lines.includes('left')
  }

  /** How it ended and what it said last. */
  get story(): string {
    return `${this.running ? 'runs' : `ended with ${this.#child.exitCode ?? this.#child.signalCode}`}: ${this.lines.slice(-20).join(' | ')}`
  }

  #keep(line: string): void {
    this.lines.push(line.slice(0, 400))
    if (this.lines.length > 60) this.lines.shift()
  }

  #read(line: string): void {
    this.#keep(line)
    if (line.startsWith('committed ')) {
      this.committed += 1
      this.#onCommitted?.()
    }
    if (line.startsWith('aborted')) this.aborted.push(line)
  }

  /** Resolves at the next transaction that it commits, or when it ends. */
  async nextCommit(): Promise<void> {
    await Promise.race([this.finished, new Promise<void>(resolve => (this.#onCommitted = resolve))])
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.finished
  }

  /** SIGTERM. Throws when it had to be killed, or did not end well. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.ended(30_000)
  }

  /** Waits until it ended by itself. */
  async ended(timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs)
    await this.finished
    clearTimeout(timer)
    if (!this.isLeft) throw new Error(`a program did not end well; it ${this.story}`)
  }
}
