// A broker as its users start it: the committed command in a process of its own, on a port that the system picked, in a temporary folder.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve as absolute } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Tests and loads run from the root of the repository, compiled or not. */
const command = absolute('packages/cli/bin/ottla.js')

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

export interface BrokerProcess {
  readonly bootstrap: string
  readonly port: number
  /** Process id as of the last start. */
  readonly pid: number
  /** The log directory. */
  readonly data: string
  /** Everything it printed. */
  output(): string
  /** SIGKILL, and waits until it is gone. The data stays. */
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
  /** Starts it again on the same port and data. */
  start(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Where and how the process runs. */
export interface BrokerPlace {
  /** Holds the log directory, and is removed in the end; default: a new temporary one. */
  readonly folder?: string
  /** Added to the environment of this process. */
  readonly environment?: Record<string, string>
}

/** Starts a broker and waits until it answers. `settings` are broker settings in Kafka's names. */
export async function startBroker(settings: Record<string, string> = {}, place: BrokerPlace = {}): Promise<BrokerProcess> {
  const folder = place.folder ?? mkdtempSync(join(tmpdir(), 'ottla-compat-'))
  const port = await freePort()
  const data = join(folder, 'data')
  const listener = `PLAINTEXT://127.0.0.1:${port}`
  const overrides = Object.entries({ listeners: listener, 'advertised.listeners': listener, ...settings })
  const words = ['start', '--data-dir', data, ...overrides.flatMap(([name, value]) => ['--override', `${name}=${value}`])]
  let child: ChildProcess | undefined
  let text = ''

  const exited = async (signal: NodeJS.Signals) => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
    return child.exitCode
  }
  const start = async () => {
    const started = spawn(process.execPath, [command, ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // What it prints is looked at.
      env: { ...process.env, NO_COLOR: '1', ...place.environment },
    })
    child = started
    started.stdout.on('data', chunk => (text += chunk))
    started.stderr.on('data', chunk => (text += chunk))
    for (let waited = 0; !(await accepts(port)); waited += 20) {
      if (started.exitCode !== null || started.signalCode !== null || waited > 30_000)
        throw new Error(`the broker did not start:\n${text.slice(-4000)}`)
      await sleep(20)
    }
  }
  await start()
  return {
    bootstrap: `127.0.0.1:${port}`,
    port,
    get pid() {
      return child?.pid ?? 0
    },
    data,
    output: () => text,
    kill: async () => void (await exited('SIGKILL')),
    stop: () => exited('SIGTERM'),
    start,
    async [Symbol.asyncDispose]() {
      await exited('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const accepts = (port: number) =>
  new Promise<boolean>(resolve => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy() !== undefined))
    socket.on('error', () => resolve(false))
  })

/** Seconds of processor time that a process has used. */
export const cpuSeconds = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}
