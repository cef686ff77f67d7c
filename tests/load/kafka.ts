// Apache Kafka itself as a process, from the jars that `.ci/run` fetched: what Ottla's groups are measured beside.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../compat/broker.ts'
import { kafkaJars } from '../compat/programs.ts'

/** A broker that is measured. */
export interface Measured extends AsyncDisposable {
  readonly name: string
  readonly port: number
  readonly pid: number
}

/** A broker that is measured, and where its log directory is. */
export interface MeasuredBroker extends Measured {
  readonly data: string
}

const answers = (port: number) =>
  new Promise<boolean>(resolve => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy() !== undefined))
    socket.on('error', () => resolve(false))
  })

/** Starts Apache Kafka with one broker that is its own controller, in a temporary folder. */
export async function startKafka(settings: Readonly<Record<string, string>>): Promise<MeasuredBroker> {
  const jars = kafkaJars()
  if (jars === undefined) throw new Error("Apache Kafka's jars are missing: .ci/run fetches them")
  const folder = mkdtempSync(join(tmpdir(), 'ottla-kafka-'))
  const port = await freePort()
  const controller = await freePort()
  const lines = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    ...settings,
  }
  const file = join(folder, 'server.properties')
  writeFileSync(
    file,
    Object.entries(lines)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  const words = ['-cp', join(jars, '*')]
  execFileSync('java', [...words, 'kafka.tools.StorageTool', 'format', '-t', 'AAAAAAAAAAAAAAAAAAAAAQ', '-c', file], { stdio: 'ignore' })
  const child = spawn('java', ['-Xmx1g', '-Xms1g', '-XX:+UseG1GC', ...words, 'kafka.Kafka', file], { stdio: 'ignore' })
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error('Apache Kafka did not start')
    await sleep(100)
  }
  return {
    name: 'kafka',
    port,
    data: join(folder, 'data'),
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
