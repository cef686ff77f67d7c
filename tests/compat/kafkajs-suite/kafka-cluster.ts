// Three brokers of Apache Kafka as KafkaJS's specs expect them: plaintext, TLS, and TLS with SASL PLAIN and SCRAM, an authorizer that allows
// what no ACL is about, two partitions and replicas by default. The first is the controller as well. Their files lie in a temporary folder.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../broker.ts'
import { kafkaJars } from '../programs.ts'
import type { Ports } from './runner.ts'

/** Brokers that are running. */
export interface SpecBrokers extends AsyncDisposable {
  readonly ports: Ports
}

interface Node {
  readonly id: number
  readonly plaintext: number
  readonly ssl: number
  readonly sasl: number
  readonly controller: number
}

const LOGIN = 'org.apache.kafka.common.security'
const USERS = 'username="test" password="testtest" user_test="testtest" user_bob="bobbob" user_alice="alicealice"'

const settingsOf = (node: Node, { nodes, certificates, folder }: { nodes: readonly Node[]; certificates: string; folder: string }) => ({
  'process.roles': node.id === 0 ? 'broker,controller' : 'broker',
  'node.id': String(node.id),
  'controller.quorum.voters': `0@127.0.0.1:${nodes[0]?.controller}`,
  'controller.listener.names': 'CONTROLLER',
  listeners: `PLAINTEXT://127.0.0.1:${node.plaintext},SSL://127.0.0.1:${node.ssl},SASL_SSL://127.0.0.1:${node.sasl}${node.id === 0 ? `,CONTROLLER://127.0.0.1:${node.controller}` : ''}`,
  'advertised.listeners': `PLAINTEXT://localhost:${node.plaintext},SSL://localhost:${node.ssl},SASL_SSL://localhost:${node.sasl}`,
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT',
  'log.dirs': join(folder, `data-${node.id}`),
  'ssl.keystore.location': join(certificates, 'kafka.server.keystore.jks'),
  'ssl.keystore.password': 'testtest',
  'ssl.key.password': 'testtest',
  'ssl.truststore.location': join(certificates, 'kafka.server.truststore.jks'),
  'ssl.truststore.password': 'testtest',
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
  'listener.name.sasl_ssl.plain.sasl.jaas.config': `${LOGIN}.plain.PlainLoginModule required ${USERS};`,
  'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config': `${LOGIN}.scram.ScramLoginModule required;`,
  'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `${LOGIN}.scram.ScramLoginModule required;`,
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': 'true',
  // Brokers among themselves, before the authorizer has read its ACLs.
  'super.users': 'User:ANONYMOUS',
  'auto.create.topics.enable': 'true',
  'default.replication.factor': '2',
  'num.partitions': '2',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '4',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
})

const answers = (port: number) =>
  new Promise<boolean>(resolve => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy() !== undefined))
    socket.on('error', () => resolve(false))
  })

async function nodeOf(id: number): Promise<Node> {
  const [plaintext, ssl, sasl, controller] = [await freePort(), await freePort(), await freePort(), await freePort()]
  return { id, plaintext, ssl, sasl, controller }
}

function format(file: string, jars: string): void {
  const scram = ['SCRAM-SHA-256=[name=testscram,password=testtestscram=256]', 'SCRAM-SHA-512=[name=testscram,password=testtestscram=512]']
  const words = ['-cp', join(jars, '*'), 'kafka.tools.StorageTool', 'format', '-t', 'AAAAAAAAAAAAAAAAAAAAAQ', '-c', file]
  execFileSync('java', [...words, ...scram.flatMap(one => ['--add-scram', one])], { stdio: 'ignore' })
}

/** Starts them; `certificates` is the folder of that name in a checkout of KafkaJS. */
export async function startKafkaCluster(certificates: string): Promise<SpecBrokers> {
  const jars = kafkaJars()
  if (jars === undefined) throw new Error("Apache Kafka's jars are missing: .ci/run fetches them")
  const folder = mkdtempSync(join(tmpdir(), 'ottla-kafkajs-suite-'))
  const nodes = [await nodeOf(0), await nodeOf(1), await nodeOf(2)]
  const children: ChildProcess[] = []
  const logOf = ({ id }: Node): string => join(folder, `${id}.log`)
  for (const node of nodes) {
    const file = join(folder, `${node.id}.properties`)
    const lines = Object.entries(settingsOf(node, { nodes, certificates, folder }))
    writeFileSync(file, lines.map(([name, value]) => `${name}=${value}\n`).join(''))
    format(file, jars)
    const log = openSync(logOf(node), 'w')
    const words = ['-Xmx512m', '-Xms256m', '-XX:+UseSerialGC', '-cp', join(jars, '*'), 'kafka.Kafka', file]
    children.push(spawn('java', words, { stdio: ['ignore', log, log] }))
    closeSync(log)
  }
  const stop = async (): Promise<void> => {
    const running = children.filter(child => child.exitCode === null && child.signalCode === null)
    const gone = running.map(child => once(child, 'exit'))
    for (const child of running) child.kill('SIGKILL')
    await Promise.all(gone)
    rmSync(folder, { recursive: true, force: true })
  }
  for (const { plaintext, sasl } of nodes)
    while (!(await answers(plaintext)) || !(await answers(sasl))) {
      if (children.some(child => child.exitCode !== null)) {
        const said = nodes.map(node => readFileSync(logOf(node), 'utf8').slice(-1500)).join('\n\n')
        await stop()
        throw new Error(`Apache Kafka did not start: ${said}`)
      }
      await sleep(200)
    }
  const ports: [number, number][] = nodes.flatMap<[number, number]>(({ plaintext, ssl, sasl }, at) => [
    [9092 + 3 * at, plaintext],
    [9093 + 3 * at, ssl],
    [9094 + 3 * at, sasl],
  ])
  return { ports: Object.fromEntries(ports), [Symbol.asyncDispose]: stop }
}
