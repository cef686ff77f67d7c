// Older releases of Apache Kafka as processes: with ZooKeeper before 3.3, as their own controllers from then on. Their jars are fetched by Maven when
// they are first asked for, and kept. All of them start on Java 17, with other versions of ZooKeeper and of what Java once had itself.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './broker.ts'

interface Release {
  readonly scala: string
  /** What it needs beside its dependencies, or in place of them. */
  readonly jars: readonly string[]
  readonly zooKeeper: boolean
}

const log4j = 'org.slf4j:slf4j-reload4j:1.7.36'
const jaxb = 'javax.xml.bind:jaxb-api:2.3.1'

const releases = {
  '0.10.2.2': { scala: '2.11', jars: [jaxb], zooKeeper: true },
  '0.11.0.3': { scala: '2.11', jars: [jaxb], zooKeeper: true },
  '1.0.2': { scala: '2.12', jars: [], zooKeeper: true },
  '2.1.1': { scala: '2.12', jars: [log4j, 'org.apache.zookeeper:zookeeper:3.4.10'], zooKeeper: true },
  '2.8.2': { scala: '2.13', jars: [log4j], zooKeeper: true },
  '3.3.2': { scala: '2.13', jars: [log4j], zooKeeper: false },
  '3.9.1': { scala: '2.13', jars: [log4j], zooKeeper: false },
} satisfies Record<string, Release>

/** A release that can be started. */
export type OldRelease = keyof typeof releases

/** All of them, the oldest first. */
export const oldReleases = ['0.10.2.2', '0.11.0.3', '1.0.2', '2.1.1', '2.8.2', '3.3.2', '3.9.1'] as const satisfies readonly OldRelease[]

const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'kafka-old')

const dependency = (text: string): string => {
  const [group, artifact, version] = text.split(':')
  return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`
}

/** Folder with the jars of a release. */
function jarsOf(version: OldRelease): string {
  const folder = join(cache, version)
  const lib = join(folder, 'lib')
  if (existsSync(join(folder, 'complete'))) return lib
  mkdirSync(folder, { recursive: true })
  const { scala, jars } = releases[version]
  const dependencies = [`org.apache.kafka:kafka_${scala}:${version}`, ...jars].map(dependency).join('')
  const own = '<modelVersion>4.0.0</modelVersion><groupId>tests</groupId><artifactId>kafka-jars</artifactId><version>1</version>'
  writeFileSync(join(folder, 'pom.xml'), `<project>${own}<dependencies>${dependencies}</dependencies></project>`)
  rmSync(lib, { recursive: true, force: true })
  execFileSync('mvn', ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${lib}`], { cwd: folder, stdio: 'ignore' })
  writeFileSync(join(folder, 'complete'), '')
  return lib
}

const propertiesOf = (lines: Readonly<Record<string, string | number>>): string =>
  Object.entries(lines)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')

const isOpen = (port: number) =>
  new Promise<boolean>(resolve => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy() !== undefined))
    socket.on('error', () => resolve(false))
  })

/** An old broker. */
export interface OldKafka extends AsyncDisposable {
  readonly bootstrap: string
  /** A listener that wants SASL PLAIN or SCRAM. */
  readonly sasl: string
  /** Runs a tool of the release. */
  tool(name: string, words: readonly string[]): void
  /** Where ZooKeeper listens, if there is one. */
  readonly zooKeeper: string
}

const jaas =
  'KafkaServer { org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="alice-secret"; org.apache.kafka.common.security.scram.ScramLoginModule required; };\n'

const logging = `log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d %p %m%n
`

/** Starts a release with one broker, in a temporary folder. */
export async function startOldKafka(version: OldRelease, settings: Readonly<Record<string, string>> = {}): Promise<OldKafka> {
  const classPath = ['-cp', join(jarsOf(version), '*')]
  const folder = mkdtempSync(join(tmpdir(), 'ottla-old-kafka-'))
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const [port, saslPort, innerPort] = [await freePort(), await freePort(), await freePort()]
  const flags = [
    '-Xmx512m',
    '-XX:TieredStopAtLevel=1',
    `-Dlog4j.configuration=file:${file('log4j.properties', logging)}`,
    `-Djava.security.auth.login.config=${file('jaas.conf', jaas)}`,
  ]
  const children: ChildProcess[] = []
  const dispose = async (): Promise<void> => {
    for (const child of children.toReversed()) {
      const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
      child.kill('SIGKILL')
      await gone
    }
    rmSync(folder, { recursive: true, force: true })
  }
  const start = async (words: readonly string[], waitFor: number): Promise<void> => {
    const child = spawn('java', [...flags, ...classPath, ...words], { stdio: 'ignore' })
    children.push(child)
    while (!(await isOpen(waitFor))) {
      if (child.exitCode !== null) {
        await dispose()
        throw new Error(`Apache Kafka ${version} did not start`)
      }
      await sleep(100)
    }
  }
  const { zooKeeper } = releases[version]
  const own = zooKeeper
    ? { 'broker.id': 1, 'zookeeper.connect': `127.0.0.1:${innerPort}` }
    : {
        'process.roles': 'broker,controller',
        'node.id': 1,
        'controller.quorum.voters': `1@127.0.0.1:${innerPort}`,
        'controller.listener.names': 'CONTROLLER',
      }
  const listeners = `PLAINTEXT://127.0.0.1:${port},SASL_PLAINTEXT://127.0.0.1:${saslPort}`
  const properties = file(
    'server.properties',
    propertiesOf({
      ...own,
      listeners: zooKeeper ? listeners : `${listeners},CONTROLLER://127.0.0.1:${innerPort}`,
      'advertised.listeners': listeners,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name': 'PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      'log.dirs': join(folder, 'data'),
      'offsets.topic.replication.factor': 1,
      'offsets.topic.num.partitions': 4,
      'transaction.state.log.replication.factor': 1,
      'transaction.state.log.min.isr': 1,
      'transaction.state.log.num.partitions': 4,
      'group.initial.rebalance.delay.ms': 0,
      'delete.topic.enable': 'true',
      'log.cleaner.dedupe.buffer.size': 2_097_152,
      ...settings,
    }),
  )
  if (zooKeeper) {
    const lines = { dataDir: join(folder, 'zookeeper'), clientPort: innerPort, 'admin.enableServer': 'false', maxClientCnxns: 0 }
    const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
    await start([main, file('zookeeper.properties', propertiesOf(lines))], innerPort)
  } else {
    const format = ['kafka.tools.StorageTool', 'format', '-t', 'AAAAAAAAAAAAAAAAAAAAAQ', '-c', properties]
    execFileSync('java', [...flags, ...classPath, ...format], { stdio: 'ignore' })
  }
  await start(['kafka.Kafka', properties], port)
  return {
    bootstrap: `127.0.0.1:${port}`,
    sasl: `127.0.0.1:${saslPort}`,
    zooKeeper: `127.0.0.1:${innerPort}`,
    tool: (name, words) => void execFileSync('java', [...flags, ...classPath, name, ...words], { stdio: 'ignore' }),
    [Symbol.asyncDispose]: dispose,
  }
}
