// The broker under test: Ottla, or with OTTLA_COMPAT_KAFKA=1 Apache Kafka itself from its jars, so that every test can be watched there first.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BrokerProcess, freePort, startBroker } from './broker.ts'
import { kafkaJars } from './programs.ts'

/** What the tests of transactions do with a broker. */
export type TestedBroker = Pick<BrokerProcess, 'bootstrap' | 'port' | 'kill' | 'start'> &
  Partial<Pick<BrokerProcess, 'output'>> &
  AsyncDisposable

/** True when Apache Kafka is under test. */
export const againstKafka = process.env.OTTLA_COMPAT_KAFKA === '1'

const settings = {
  'offsets.topic.num.partitions': '4',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  // Transactions that somebody left open end in time to be seen, and hanging ones may be looked for.
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
}

const answers = (port: number) =>
  new Promise<boolean>(resolve => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy() !== undefined))
    socket.on('error', () => resolve(false))
  })

async function startKafka(more: Record<string, string>): Promise<TestedBroker> {
  const jars = kafkaJars()
  if (jars === undefined) throw new Error("Apache Kafka's jars are missing: .ci/run fetches them")
  const folder = mkdtempSync(join(tmpdir(), 'ottla-kafka-'))
  const [port, controller] = [await freePort(), await freePort()]
  const file = join(folder, 'server.properties')
  const lines = {
    ...settings,
    ...more,
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(folder, 'data'),
  }
  const text = Object.entries(lines).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(file, text.join(''))
  const words = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', join(jars, '*')]
  execFileSync('java', [...words, 'kafka.tools.StorageTool', 'format', '-t', 'AAAAAAAAAAAAAAAAAAAAAQ', '-c', file], { stdio: 'ignore' })
  let child: ChildProcess | undefined
  const kill = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  const start = async () => {
    child = spawn('java', [...words, 'kafka.Kafka', file], { stdio: 'ignore' })
    while (!(await answers(port))) {
      if (child.exitCode !== null) throw new Error('Apache Kafka did not start')
      await sleep(100)
    }
  }
  await start()
  return {
    bootstrap: `127.0.0.1:${port}`,
    port,
    kill,
    start,
    async [Symbol.asyncDispose]() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** When each package was built. */
const build = (): string =>
  readdirSync('packages')
    .map(name => statSync(join('packages', name, 'dist/.tsbuildinfo'), { throwIfNoEntry: false })?.mtimeMs ?? 0)
    .join(' ')

/** What the brokers were built as when they were started first. */
const builds = new WeakMap<TestedBroker, string>()

/** Starts the broker under test. */
export async function startTested(more: Record<string, string> = {}): Promise<TestedBroker> {
  if (againstKafka) return startKafka(more)
  const before = build()
  const broker: TestedBroker = await startBroker({ ...settings, ...more })
  builds.set(broker, before)
  return broker
}

/** Lines of the log that a failure is to be seen with. */
const LOGGED_ERRORS = 10

/**
 * What else is to be known of a failure: the broker's own errors, and that it may have been no broker at all. One that starts between the builds
 * of two packages has parts of both, and answers readers of committed records, for one, with UNKNOWN_SERVER_ERROR and offsets of -1.
 */
const circumstances = (broker: TestedBroker): string[] => {
  const errors = (broker.output?.() ?? '').split('\n').filter(line => /"level":(50|60)|\bERROR\b|Error:/.test(line))
  const before = builds.get(broker)
  return [
    ...(before !== undefined && before !== build()
      ? ['packages were built while the broker was used: it may have been of two builds']
      : []),
    ...errors.slice(-LOGGED_ERRORS).map(line => `the broker said: ${line.slice(0, 1000)}`),
  ]
}

/** Runs a test on a broker; its failure says what else is to be known. */
export async function explained<T>(broker: TestedBroker, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof Error) error.message = [error.message, ...circumstances(broker)].join('\n')
    throw error
  }
}
