// Runs programs of the examples as processes of their own, as users do, for the tests beside them. What runs is what `npm run build` made.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { isAbsolute } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** What a program is started with. */
export interface ProgramOptions {
  /** Arguments. */
  readonly args?: readonly string[]
  /** Environment variables, beside those of the test. */
  readonly env?: Readonly<Record<string, string>>
}

/** How a program ended: with an exit code, or by a signal. */
export type Ending = number | NodeJS.Signals

const waitMs = 40_000

/** A program that was started. `await using` ends it. */
export class Program implements AsyncDisposable {
  /** What it has printed until now. */
  readonly lines: string[] = []
  /** What it has said on stderr. */
  errors = ''
  readonly #process: ChildProcess
  readonly #ending: Promise<Ending>
  #printed = (): void => undefined

  /** `path` is that of the program in the folder `examples`, such as `orders-service/place-orders`, or a whole one. */
  constructor(path: string, { args = [], env = {} }: ProgramOptions) {
    const file = isAbsolute(path) ? path : fileURLToPath(new URL(`dist/${path}.js`, import.meta.url))
    if (!existsSync(file)) throw new Error(`${file} is missing: npm run build makes it`)
    const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    this.#process = child
    child.stderr.on('data', chunk => (this.errors += String(chunk)))
    const lines = createInterface({ input: child.stdout })
    lines.on('line', line => {
      this.lines.push(line)
      this.#printed()
    })
    this.#ending = Promise.all([once(child, 'exit'), once(lines, 'close')]).then(() => child.signalCode ?? child.exitCode ?? -1)
  }

  /** Resolves when each of these is in a line, or matches one; rejects when the program ends before, or after 40 s. */
  async prints(...patterns: readonly (RegExp | string)[]): Promise<void> {
    let left = patterns
    const seen = new Promise<string>(resolve => {
      this.#printed = () => {
        left = patterns.filter(
          pattern => !this.lines.some(line => (typeof pattern === 'string' ? line.includes(pattern) : pattern.test(line))),
        )
        if (left.length === 0) resolve('all is printed')
      }
      this.#printed()
    })
    const stop = new AbortController()
    const late = new Promise<string>(resolve => {
      const timer = setTimeout(() => resolve('time is up'), waitMs)
      stop.signal.addEventListener('abort', () => clearTimeout(timer))
    })
    const problem = await Promise.race([seen, late, this.#ending.then(ending => `it ended (${ending})`)])
    stop.abort()
    if (left.length > 0) throw new Error(`${problem}, not printed: ${left.join(' ')}\nprinted:\n${this.lines.join('\n')}\n${this.errors}`)
  }

  /** Resolves when the program has ended by itself. */
  ended(): Promise<Ending> {
    return this.#ending
  }

  /** Sends a signal, SIGTERM unless told otherwise, and resolves when the program has ended. */
  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ending> {
    this.#process.kill(signal)
    return this.#ending
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL')
  }
}

/** Runs a program to its end and resolves with what it printed; rejects when it fails. */
export async function run(path: string, options: ProgramOptions = {}): Promise<string[]> {
  await using program = new Program(path, options)
  const ending = await program.ended()
  if (ending !== 0) throw new Error(`${path} ended with ${ending}: ${program.errors}`)
  return program.lines
}
