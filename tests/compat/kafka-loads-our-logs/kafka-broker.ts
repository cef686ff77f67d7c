// Apache Kafka on partitions that somebody else wrote: a formatted log directory that knows the topics, with the files of their partitions and the
// checkpoints beside them put in.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../broker.ts'
import { java, kafkaJars, run } from '../programs.ts'
import type { Topic } from './answers.ts'

const format = java('FormatStorage', ['-XX:TieredStopAtLevel=1', '-Xmx128m'])

/** What is missing to run it. */
export const kafkaMissing = (): string | undefined => format().missing

/** A running broker. */
export interface KafkaBroker extends AsyncDisposable {
  readonly port: number
  readonly bootstrap: string
  /** The log directory. */
  readonly data: string
  /** Lines of its log that warn, or tell of an error. */
  warnings(): string[]
  /** Lines of its log that contain a text. */
  linesWith(text: string): string[]
  /** SIGTERM. */
  stop(): Promise<void>
}

const answers = (port: number) =>
  new Promise<boolean>(resolve => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy() !== undefined))
    socket.on('error', () => resolve(false))
  })

/** The files that Kafka keeps in a log directory and that are about partitions. */
const isCopied = (name: string) => /-\d+$|-checkpoint$|^\.kafka_cleanshutdown$/.test(name)

/** Copies partitions and checkpoints from one log directory into another. */
export function copyPartitions(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  for (const name of readdirSync(from).filter(isCopied)) {
    if (name.startsWith('__cluster_metadata')) continue
    cpSync(join(from, name), join(to, name), { recursive: true })
  }
}

/** What Kafka warns of whenever it starts for the first time, or ends. */
const usual = /Performing controller activation|NetworkClient that has already been closed|NetworkClient .*could not be established/

/** Where the partitions come from, and settings. */
export interface KafkaPlace {
  readonly topics?: readonly Topic[]
  readonly partitions?: string
  readonly settings: Readonly<Record<string, string>>
}

async function formatted(folder: string, { topics = [], settings }: KafkaPlace): Promise<{ readonly file: string; readonly port: number }> {
  const [port, controller] = [await freePort(), await freePort()]
  const lines = {
    ...settings,
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(folder, 'data'),
  }
  const file = join(folder, 'server.properties')
  const text = Object.entries(lines).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(file, text.join(''))
  const program = format()
  if (program.missing !== undefined) throw new Error(`missing: ${program.missing}`)
  const input = topics.flatMap(({ name, id, partitions, leaderEpoch, configs }) => [
    `topic ${name} ${id} ${partitions} ${leaderEpoch}\n`,
    ...Object.entries(configs).map(([config, value]) => `config ${name} ${config} ${value}\n`),
  ])
  const { code, stderr } = await run(program.command, [...program.words, file, join(folder, 'data')], { input: input.join('') })
  if (code !== 0) throw new Error(`no storage was formatted:\n${stderr}`)
  return { file, port }
}

/** Starts it, and waits until it answers. */
export async function startKafka(place: KafkaPlace): Promise<KafkaBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-loaded-'))
  const { file, port } = await formatted(folder, place)
  const data = join(folder, 'data')
  if (place.partitions !== undefined) copyPartitions(place.partitions, data)
  const flags = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', join(kafkaJars() ?? '', '*')]
  const child: ChildProcess = spawn('java', [...flags, 'kafka.Kafka', file])
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (chunk: string) => (log += chunk))
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'close')
    child.kill(signal)
    await gone
  }
  for (let waited = 0; !(await answers(port)); waited += 50) {
    if (child.exitCode !== null || waited > 60_000) throw new Error(`Apache Kafka did not start:\n${log.slice(-4000)}`)
    await sleep(50)
  }
  const lines = () => log.split('\n')
  return {
    port,
    bootstrap: `127.0.0.1:${port}`,
    data,
    warnings: () => lines().filter(line => /\] (?:WARN|ERROR|FATAL) |Exception/.test(line) && !usual.test(line)),
    linesWith: text => lines().filter(line => line.includes(text)),
    stop: () => end('SIGTERM'),
    async [Symbol.asyncDispose]() {
      await end('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
