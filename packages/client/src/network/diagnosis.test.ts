// Each mistake that people make with addresses, listeners and credentials is named within 3 seconds, with what to do about it.
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import type { Server } from 'node:net'
import { createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Clock } from '@ottla/protocol'
import { heartbeatApi, metadataApi } from '@ottla/protocol'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ClusterOptions } from '../cluster/create-cluster.ts'
import { createCluster } from '../cluster/create-cluster.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { retrying } from '../retry.ts'
import type { Symptoms } from './diagnosis.ts'
import { diagnose } from './diagnosis.ts'
import { optionsFor, ScriptedBroker } from './testing.ts'
import { clientClock } from './world.ts'

function clusterOf(broker: ScriptedBroker | string, more: Partial<ClusterOptions> = {}): { cluster: Cluster; logged: string[] } {
  const options = optionsFor(broker, more)
  const cluster = createCluster(options)
  onTestFinished(() => cluster.disconnect())
  return { cluster, logged: options.logged }
}

/** Time that passes ten times as fast. */
const hurried: Clock = {
  now: () => clientClock.now(),
  monotonic: () => clientClock.monotonic() * 10,
  after: (delayMs, run) => clientClock.after(delayMs / 10, run),
}

/** What `work` rejects with, in time. */
async function failure(work: Promise<unknown>): Promise<Error> {
  const startedMs = clientClock.monotonic()
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(clientClock.monotonic() - startedMs).toBeLessThan(3000)
  if (!(error instanceof Error)) throw new Error('It did not fail')
  return error
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  return `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
}

describe('what is wrong is named', () => {
  it('a dead broker', async () => {
    const broker = await ScriptedBroker.listening()
    await broker[Symbol.asyncDispose]()
    const { cluster, logged } = clusterOf(broker)
    const error = await failure(cluster.connect())
    expect(error).toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      cause: { code: 'ECONNREFUSED', broker: `127.0.0.1:${broker.port}` },
    })
    expect(error.message).toContain('Nothing listens there: look whether the broker runs')
    expect(logged.filter(line => line.startsWith('ERROR'))).toHaveLength(1)
  })

  it('a broker that hangs', async () => {
    const address = await listening(createServer(() => undefined))
    const { cluster } = clusterOf(address, { clock: hurried })
    expect((await failure(cluster.connect())).message).toMatch(
      /within 2000 ms before it had said which versions it serves\..*the broker hangs/,
    )
  })

  it('an HTTP server', async () => {
    const address = await listening(createHttpServer((_request, response) => response.end('hello')))
    const { cluster } = clusterOf(address)
    expect((await failure(cluster.connect())).message).toContain('An HTTP server listens there')
  })

  it('another server', async () => {
    const address = await listening(createServer(socket => void socket.write('SSH-2.0-OpenSSH_9.6\r\n')))
    const { cluster } = clusterOf(address)
    expect((await failure(cluster.connect())).message).toMatch(/not the Kafka protocol, it begins with "SSH-2.0-OpenSSH_9.6"/)
  })

  it('a name with several addresses where nobody listens', async () => {
    const { cluster } = clusterOf('localhost:1')
    expect((await failure(cluster.connect())).message).toMatch(/^Connection error: connect ECONNREFUSED .*Nothing listens there/)
  })

  it('a TLS listener without `ssl`', async () => {
    const address = await listening(createTlsServer({}))
    const { cluster } = clusterOf(address)
    expect((await failure(cluster.connect())).message).toMatch(/set `ssl: true`/)
  })

  it('`ssl` on a plaintext listener that closes, and on one that waits', async () => {
    for (const handle of [true, false]) {
      const address = await listening(createServer(socket => void (handle ? socket.once('data', () => socket.destroy()) : socket.resume())))
      const { cluster } = clusterOf(address, { ssl: true })
      expect((await failure(cluster.connect())).message).toContain('The listener may not speak TLS: leave `ssl` out')
    }
  })

  it('a listener that requires SASL', async () => {
    await using broker = await ScriptedBroker.listening()
    broker.on(metadataApi, ({ stream }) => {
      stream.destroy()
      return null
    })
    const { cluster } = clusterOf(broker)
    expect((await failure(cluster.connect())).message).toMatch(
      /closed it after Metadata\. The listener may require SASL \(then set `sasl`\)/,
    )
  })

  it('`sasl` on a listener without', async () => {
    await using broker = await ScriptedBroker.listening()
    const { cluster } = clusterOf(broker, { sasl: { mechanism: 'plain', username: 'a', password: 'b' } })
    const error = await failure(cluster.connect())
    expect(error).toMatchObject({ name: 'KafkaJSSASLAuthenticationError', retriable: false })
    expect(error.message).toContain('does not want SASL: leave `sasl` out')
  })

  it('a host name that does not resolve', async () => {
    const { cluster } = clusterOf('nowhere.invalid:9092')
    expect((await failure(cluster.connect())).message).toMatch(/nowhere\.invalid (does not resolve here|could not be resolved)/)
  })

  it('an advertised address that does not resolve, and one that nobody listens on', async () => {
    for (const [host, words] of [
      ['nowhere.invalid', 'nowhere.invalid'],
      ['127.0.0.1', 'Nothing listens there'],
    ] as const) {
      await using broker = await ScriptedBroker.listening()
      const bootstrap = `127.0.0.1:${broker.port}`
      broker.on(metadataApi, () => ({ ...broker.metadata([]), brokers: [{ nodeId: 1, host, port: 1 }] }))
      const { cluster } = clusterOf(bootstrap)
      await cluster.connect()
      const error = await failure(cluster.request(1, heartbeatApi, { groupId: 'g', generationId: 1, memberId: 'm' }))
      expect(error.message).toContain(words)
      expect(error.message).toContain(`The cluster advertises ${host}:1 for node 1`)
      expect(error.message).toContain('advertised.listeners')
    }
  })

  it('a topic that is not there', async () => {
    await using broker = await ScriptedBroker.listening()
    const { cluster, logged } = clusterOf(broker, { clock: hurried, retry: { retries: 3, initialRetryTime: 300, factor: 0 } })
    const error = await failure(retrying(cluster, () => cluster.topics(['absent'])))
    expect(error).toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      cause: { type: 'UNKNOWN_TOPIC_OR_PARTITION', code: 3, topic: 'absent' },
    })
    expect(error.message).toContain('absent')
    expect(logged.some(line => line.startsWith('WARN') && line.includes('absent'))).toBe(true)
  })

  it('brokers that are none', async () => {
    for (const [brokers, words] of [
      [[], 'brokers array is empty'],
      [['localhost'], 'is "localhost", but "host:port" is expected'],
      [['localhost:99999'], '"host:port" is expected'],
      [() => Promise.reject(new Error('no registry')), '"config.brokers" threw: no registry'],
    ] as const) {
      const { cluster } = clusterOf('', { brokers })
      expect((await failure(cluster.connect())).message).toContain(words)
    }
  })
})

describe('diagnose', () => {
  const symptoms: Symptoms = {
    host: 'broker',
    port: 9092,
    nodeId: null,
    tls: true,
    sasl: false,
    reached: true,
    answered: false,
    phase: 'connecting',
    kind: 'error',
  }

  it.each([
    ['SELF_SIGNED_CERT_IN_CHAIN', 'ssl: { ca }'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'ssl: { ca }'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'servername'],
    ['CERT_HAS_EXPIRED', 'not valid today'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'certificate of the client'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'may not speak TLS'],
    ['EHOSTUNREACH', 'no way to broker'],
    ['ETIMEDOUT', 'does not answer'],
  ])('%s', (code, words) => {
    expect(diagnose({ ...symptoms, code, message: code }).text).toContain(words)
  })

  it('says of a connection that was lost later only that it was lost', () => {
    const { text } = diagnose({ ...symptoms, tls: false, phase: 'ready', kind: 'closed', asked: 'Fetch', answered: true, nodeId: 3 })
    expect(text).toBe(
      'Closed connection: broker:9092 closed it after Fetch. The broker was stopped or the network interrupted; the client connects again by itself.',
    )
  })
})
