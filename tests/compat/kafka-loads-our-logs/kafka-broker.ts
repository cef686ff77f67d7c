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

const formatter = java('FormatStorage', ['-XX:TieredStopAtLevel=1', '-Xmx128m'])

/** What is missing to run it. */
export const kafkaMissing = (): string | undefined => formatter().missing

/** A running broker. */
export interface KafkaBroker extends AsyncDisposable {
  readonly port: number
  readonly bootstrap: string
  /** The log directory. */
  readonly data: string
  /** Lines of its log that warn, or tell of an error. */
  warnings(): string[]
  /** SIGTERM. */
  stop(): Promise<void>
  /** Starts it again on what it has, with other settings. */
  restart(settings: Readonly<Record<string, string>>): Promise<void>
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

function writeSettings(file: string, settings: Readonly<Record<string, string>>): void {
  const text = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(file, text.join(''))
}

async function format(file: string, data: string, topics: readonly Topic[]): Promise<void> {
  const program = formatter()
  if (program.missing !== undefined) throw new Error(`missing: ${program.missing}`)
  const input = topics.flatMap(({ name, id, partitions, leaderEpoch, configs }) => [
    `topic ${name} ${id} ${partitions} ${leaderEpoch}\n`,
    ...Object.entries(configs).map(([config, value]) => `config ${name} ${config} ${value}\n`),
  ])
  const { code, stderr } = await run(program.command, [...program.words, file, data], { input: input.join('') })
  if (code !== 0) throw new Error(`no storage was formatted:\n${stderr}`)
}

/** Starts it, and waits until it answers. */
export async function startKafka({ topics = [], partitions, settings }: KafkaPlace): Promise<KafkaBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-loaded-'))
  const [file, data] = [join(folder, 'server.properties'), join(folder, 'data')]
  const [port, controller] = [await freePort(), await freePort()]
  const fixed = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': data,
  }
  writeSettings(file, { ...settings, ...fixed })
  await format(file, data, topics)
  if (partitions !== undefined) copyPartitions(partitions, data)
  const flags = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', join(kafkaJars() ?? '', '*')]
  let child: ChildProcess | undefined
  let log = ''
  const start = async () => {
    const started = spawn('java', [...flags, 'kafka.Kafka', file])
    child = started
    for (const stream of [started.stdout, started.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (log += chunk))
    for (let waited = 0; !(await answers(port)); waited += 50) {
      if (started.exitCode !== null || waited > 60_000) throw new Error(`Apache Kafka did not start:\n${log.slice(-4000)}`)
      await sleep(50)
    }
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'close')
    child.kill(signal)
    await gone
  }
  const lines = () => log.split('\n')
  const broker: KafkaBroker = {
    port,
    bootstrap: `127.0.0.1:${port}`,
    data,
    warnings: () => lines().filter(line => /\] (?:WARN|ERROR|FATAL) |Exception/.test(line) && !usual.test(line)),
    stop: () => end('SIGTERM'),
    async restart(other) {
      await end('SIGTERM')
      writeSettings(file, { ...other, ...fixed })
      await start()
    },
    async [Symbol.asyncDispose]() {
      await end('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
  try {
    await start()
  } catch (error) {
    await broker[Symbol.asyncDispose]()
    throw error
  }
  return broker
}
