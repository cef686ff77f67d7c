// Apache Kafka with TLS and SASL listeners, and the certificates for them, in a temporary folder.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './broker.ts'
import { kafkaJars } from './programs.ts'

/** Listeners of the broker: plaintext, SASL over plaintext, SASL over TLS, TLS that wants a certificate of the client. */
export type ListenerName = 'OPEN' | 'SASL' | 'SASLTLS' | 'TLS'

/** A started broker. */
export interface SecureKafka extends AsyncDisposable {
  readonly bootstrap: Readonly<Record<ListenerName, string>>
  readonly ca: string
  /** Certificate and key of a client. */
  readonly cert: string
  readonly key: string
}

/** How long a session of PLAIN on the listener SASL lives. */
export const SESSION_MS = 3000

const protocols: Readonly<Record<ListenerName, string>> = { OPEN: 'PLAINTEXT', SASL: 'SASL_PLAINTEXT', SASLTLS: 'SASL_SSL', TLS: 'SSL' }
const names: readonly ListenerName[] = ['OPEN', 'SASL', 'SASLTLS', 'TLS']
const module = (name: string, rest = '') => `org.apache.kafka.common.security.${name} required ${rest};`

/** Makes an authority, and what it signs: broker.pem and client.pem with their keys. */
function certificates(folder: string): void {
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: folder, stdio: 'ignore' })
  const fresh = ['-newkey', 'rsa:2048', '-nodes', '-days', '30']
  openssl('req', '-x509', ...fresh, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=authority')
  for (const name of ['broker', 'client']) {
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
    openssl('req', ...fresh, '-keyout', `${name}.key`, '-out', `${name}.csr`, ...subject)
    const authority = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-copy_extensions', 'copyall']
    openssl('x509', '-req', '-in', `${name}.csr`, ...authority, '-out', `${name}.pem`, '-days', '30')
  }
  const text = (name: string) => readFileSync(join(folder, name), 'utf8')
  writeFileSync(join(folder, 'broker-store.pem'), text('broker.key') + text('broker.pem') + text('ca.pem'))
}

function settings(folder: string, ports: Readonly<Record<ListenerName, number>>, controller: number): Record<string, string> {
  const mechanisms: Record<string, string> = {}
  for (const listener of ['sasl', 'sasltls']) {
    const jaas = (mechanism: string) => `listener.name.${listener}.${mechanism}.sasl.jaas.config`
    mechanisms[jaas('plain')] = module('plain.PlainLoginModule', 'user_alice="alice-secret"')
    mechanisms[jaas('scram-sha-256')] = module('scram.ScramLoginModule')
    mechanisms[jaas('scram-sha-512')] = module('scram.ScramLoginModule')
    mechanisms[jaas('oauthbearer')] = module('oauthbearer.OAuthBearerLoginModule', 'unsecuredLoginStringClaim_sub="broker"')
  }
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'OPEN',
    listeners: [...names.map(name => `${name}://127.0.0.1:${ports[name]}`), `CONTROLLER://127.0.0.1:${controller}`].join(','),
    'listener.security.protocol.map': [...names.map(name => `${name}:${protocols[name]}`), 'CONTROLLER:PLAINTEXT'].join(','),
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': '1',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': join(folder, 'broker-store.pem'),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': join(folder, 'ca.pem'),
    'listener.name.tls.ssl.client.auth': 'required',
    'listener.name.sasl.plain.connections.max.reauth.ms': String(SESSION_MS),
    ...mechanisms,
  }
}

const answers = (port: number) =>
  new Promise<boolean>(resolve => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy() !== undefined))
    socket.on('error', () => resolve(false))
  })

/** Starts Apache Kafka with users `alice` (password `alice-secret`) of PLAIN and SCRAM, and unsecured tokens of OAUTHBEARER. */
export async function startSecureKafka(more: Readonly<Record<string, string>> = {}): Promise<SecureKafka> {
  const jars = kafkaJars()
  if (jars === undefined) throw new Error("Apache Kafka's jars are missing: .ci/run fetches them")
  const folder = mkdtempSync(join(tmpdir(), 'ottla-secure-kafka-'))
  certificates(folder)
  const ports = { OPEN: await freePort(), SASL: await freePort(), SASLTLS: await freePort(), TLS: await freePort() }
  const lines = { ...settings(folder, ports, await freePort()), ...more }
  const file = join(folder, 'server.properties')
  writeFileSync(
    file,
    Object.entries(lines)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  const words = ['-cp', join(jars, '*')]
  const users = ['256', '512'].flatMap(bits => ['--add-scram', `SCRAM-SHA-${bits}=[name=alice,password=alice-secret]`])
  const format = ['kafka.tools.StorageTool', 'format', '-t', 'AAAAAAAAAAAAAAAAAAAAAQ', '-c', file, ...users]
  execFileSync('java', [...words, ...format], { stdio: 'ignore' })
  const child = spawn('java', ['-Xmx512m', ...words, 'kafka.Kafka', file], { stdio: 'ignore' })
  const dispose = async (): Promise<void> => {
    const gone = child.exitCode === null ? once(child, 'exit') : Promise.resolve()
    child.kill('SIGKILL')
    await gone
    rmSync(folder, { recursive: true, force: true })
  }
  for (const name of names) {
    while (!(await answers(ports[name]))) {
      if (child.exitCode !== null) {
        await dispose()
        throw new Error('Apache Kafka did not start')
      }
      await sleep(100)
    }
  }
  const text = (name: string) => readFileSync(join(folder, name), 'utf8')
  const address = (name: ListenerName) => `127.0.0.1:${ports[name]}`
  return {
    bootstrap: { OPEN: address('OPEN'), SASL: address('SASL'), SASLTLS: address('SASLTLS'), TLS: address('TLS') },
    ca: text('ca.pem'),
    cert: text('client.pem'),
    key: text('client.key'),
    [Symbol.asyncDispose]: dispose,
  }
}
