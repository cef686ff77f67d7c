// TLS and SASL of the client against Apache Kafka itself: every mechanism, renewed sessions, and what is said of wrong ones.
import { setTimeout as sleep } from 'node:timers/promises'
import { describeClusterApi } from '@ottla/protocol'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Cluster } from '../../packages/client/src/cluster/cluster.ts'
import type { ClusterOptions } from '../../packages/client/src/cluster/create-cluster.ts'
import { createCluster } from '../../packages/client/src/cluster/create-cluster.ts'
import { createLogger, logLevel } from '../../packages/client/src/logger.ts'
import type { Mechanism, SASLOptions } from '../../packages/client/src/network/sasl/options.ts'
import { available, kafkaJars } from './programs.ts'
import type { ListenerName, SecureKafka } from './secure-kafka.ts'
import { SESSION_MS, startSecureKafka } from './secure-kafka.ts'

const there = available('security of the client', kafkaJars() === undefined ? 'the jars of Apache Kafka (.ci/run gets them)' : undefined)
const alice = { username: 'alice', password: 'alice-secret' }
const wrong = { username: 'alice', password: 'wrong' }

const asked = { includeClusterAuthorizedOperations: false }

/** One part of a token. */
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** An unsecured token (RFC 7515, appendix A.5), as test brokers accept it. */
function token(expiresInSeconds: number): string {
  const now = Math.floor(Date.now() / 1000)
  return `${part({ alg: 'none' })}.${part({ sub: 'alice', iat: now - 3600, exp: now + expiresInSeconds })}.`
}

const provider = (expiresInSeconds: number) => () => Promise.resolve({ value: token(expiresInSeconds), extensions: { traceId: '123' } })

/** PLAIN, written as KafkaJS's page on custom mechanisms shows it. */
const ownPlain: Mechanism = {
  mechanism: 'plain',
  authenticationProvider: ({ host, port, logger, saslAuthenticate }) => ({
    async authenticate() {
      logger.debug(`Authenticating with ${host}:${port}`)
      const text = `\0${alice.username}\0${alice.password}`
      const request = {
        encode() {
          const bytes = Buffer.alloc(4 + Buffer.byteLength(text))
          bytes.writeUInt32BE(Buffer.byteLength(text), 0)
          bytes.write(text, 4)
          return bytes
        },
      }
      const response = { decode: (raw: Buffer) => raw.subarray(4, 4 + raw.readInt32BE(0)), parse: (data: Buffer) => data.toString() }
      if ((await saslAuthenticate({ request, response })) !== '') throw new Error('The broker said something that was not expected')
    },
  }),
}

describe.runIf(there)('the client and secured listeners of Apache Kafka', () => {
  let kafka: SecureKafka
  beforeAll(async () => {
    kafka = await startSecureKafka()
  })
  afterAll(() => kafka?.[Symbol.asyncDispose]())

  function clusterOf(listener: ListenerName, options: Partial<ClusterOptions>): { cluster: Cluster; logged: string[] } {
    const logged: string[] = []
    const logger = createLogger({ level: logLevel.DEBUG, logCreator: () => entry => void logged.push(entry.log.message) })
    const cluster = createCluster({
      brokers: [kafka.bootstrap[listener]],
      logger,
      retry: { retries: 0 },
      connectionTimeout: 10_000,
      ...options,
    })
    onTestFinished(() => cluster.disconnect())
    return { cluster, logged }
  }

  async function failure(listener: ListenerName, options: Partial<ClusterOptions>): Promise<Error> {
    const startedMs = performance.now()
    const error: unknown = await clusterOf(listener, options)
      .cluster.connect()
      .catch((thrown: unknown) => thrown)
    expect(performance.now() - startedMs).toBeLessThan(3000)
    if (!(error instanceof Error)) throw new Error('It did not fail')
    return error
  }

  async function works(listener: ListenerName, options: Partial<ClusterOptions>): Promise<void> {
    const { cluster } = clusterOf(listener, options)
    await cluster.connect()
    const { body } = await cluster.request(1, describeClusterApi, asked)
    expect(body.brokers.length).toBe(1)
  }

  describe('TLS', () => {
    it('connects with a certificate', async () => {
      const { ca, cert, key } = kafka
      await works('TLS', { ssl: { ca, cert, key } })
    })

    it('says that the authority is not known', async () => {
      expect((await failure('TLS', { ssl: true })).message).toContain('ssl: { ca }')
    })

    it('says that a certificate is wanted', async () => {
      expect((await failure('TLS', { ssl: { ca: kafka.ca } })).message).toContain('ssl: { cert, key }')
    })

    it('says that the listener speaks TLS, or does not', async () => {
      expect((await failure('TLS', {})).message).toContain('set `ssl: true`')
      expect((await failure('OPEN', { ssl: true })).message).toContain('leave `ssl` out')
    })
  })

  describe('SASL', () => {
    it.each(['SASL', 'SASLTLS'] as const)('authenticates by every mechanism on the listener %s', async listener => {
      const ssl = listener === 'SASLTLS' ? { ca: kafka.ca } : undefined
      await works(listener, { ssl, sasl: { mechanism: 'plain', ...alice } })
      await works(listener, { ssl, sasl: { mechanism: 'scram-sha-256', ...alice } })
      await works(listener, { ssl, sasl: { mechanism: 'scram-sha-512', ...alice } })
      await works(listener, { ssl, sasl: { mechanism: 'oauthbearer', oauthBearerProvider: provider(3600) } })
      await works(listener, { ssl, sasl: ownPlain })
    })

    it.each<SASLOptions>([
      { mechanism: 'plain', ...wrong },
      { mechanism: 'scram-sha-256', ...wrong },
      { mechanism: 'scram-sha-512', ...wrong },
    ])('says that the password of $mechanism is wrong, and does not try again', async sasl => {
      const error = await failure('SASL', { sasl, retry: { retries: 5 } })
      expect(error).toMatchObject({ name: 'KafkaJSSASLAuthenticationError', retriable: false })
      expect(error.message).toMatch(/authentication failed: Authentication failed/)
    })

    it('says that a token has expired', async () => {
      const error = await failure('SASL', { sasl: { mechanism: 'oauthbearer', oauthBearerProvider: provider(-60) } })
      expect(error.message).toMatch(/SASL OAUTHBEARER authentication failed: .*invalid_token/)
    })

    it('names the mechanisms that there are', async () => {
      const sasl = { mechanism: 'aws', authorizationIdentity: 'a', accessKeyId: 'b', secretAccessKey: 'c' } as const
      const error = await failure('SASL', { sasl })
      expect(error.message).toMatch(/SASL AWS mechanism is not supported by the server: it offers .*SCRAM-SHA-512/)
    })

    it('says that the listener wants SASL, or does not', async () => {
      expect((await failure('SASL', {})).message).toContain('may require SASL (then set `sasl`)')
      expect((await failure('OPEN', { sasl: { mechanism: 'plain', ...alice } })).message).toContain('leave `sasl` out')
    })

    it('renews sessions on the same connection, while requests go on', { timeout: 30_000 }, async () => {
      const { cluster, logged } = clusterOf('SASL', { sasl: { mechanism: 'plain', ...alice }, reauthenticationThreshold: 1000 })
      await cluster.connect()
      const endMs = Date.now() + 2.5 * SESSION_MS
      for (; Date.now() < endMs; await sleep(50)) await Promise.all([1, 2, 3].map(() => cluster.request(1, describeClusterApi, asked)))
      expect(logged.filter(line => line === 'Connecting').length).toBe(1)
      expect(logged.filter(line => line.startsWith('SASL PLAIN authentication successful')).length).toBeGreaterThanOrEqual(4)
    })
  })
})
