import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import type { AnyApi } from '@ottla/protocol'
import { ManualClock, metadataApi, saslAuthenticateApi, saslHandshakeApi } from '@ottla/protocol'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createCluster } from '../../cluster/create-cluster.ts'
import type { NetworkOptions } from '../options.ts'
import { eventually, optionsFor, ScriptedBroker } from '../testing.ts'

const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()

/** What a broker makes of the client's messages: an answer, or an error. */
type Conversation = (message: string, turn: number) => string | { error: string }

async function brokerThat(converses: Conversation, lifetimeMs = 0): Promise<{ broker: ScriptedBroker; messages: string[] }> {
  const broker = await ScriptedBroker.listening()
  onTestFinished(() => broker[Symbol.asyncDispose]())
  const messages: string[] = []
  let turn = 0
  broker.on(saslHandshakeApi, () => {
    turn = 0
    return { errorCode: 0, mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'OAUTHBEARER', 'AWS', 'OWN'] }
  })
  broker.on(saslAuthenticateApi, ({ request }) => {
    messages.push(request.authBytes.toString())
    const answer = converses(request.authBytes.toString(), turn++)
    if (typeof answer !== 'string') return { errorCode: 58, errorMessage: answer.error, authBytes: Buffer.alloc(0) }
    return { errorCode: 0, errorMessage: null, authBytes: Buffer.from(answer), sessionLifetimeMs: lifetimeMs }
  })
  return { broker, messages }
}

function connecting(broker: ScriptedBroker, sasl: NetworkOptions['sasl'], more: Partial<NetworkOptions> = {}): Promise<unknown> {
  const cluster = createCluster(optionsFor(broker, { sasl, ...more }))
  onTestFinished(() => cluster.disconnect())
  return cluster.connect().then(
    () => cluster,
    (error: unknown) => error,
  )
}

/** The broker's end of SCRAM-SHA-256 for the user a=b,c with the password `pencil`. */
function scramServer(changes: { iterations?: number; nonce?: (client: string) => string; signature?: string } = {}): Conversation {
  const salt = Buffer.from('salt of the broker')
  const iterations = changes.iterations ?? 4096
  let clientFirst = ''
  let serverFirst = ''
  return (message, turn) => {
    if (turn === 0) {
      clientFirst = message.slice('n,,'.length)
      const nonce = clientFirst.slice(clientFirst.indexOf(',r=') + 3)
      serverFirst = `r=${(changes.nonce ?? (client => `${client}more`))(nonce)},s=${salt.toString('base64')},i=${iterations}`
      return serverFirst
    }
    const salted = pbkdf2Sync('pencil', salt, iterations, 32, 'sha256')
    const [clientFinal = '', proof = ''] = message.split(',p=')
    const transcript = `${clientFirst},${serverFirst},${clientFinal}`
    const clientKey = hmac(salted, 'Client Key')
    const signature = hmac(createHash('sha256').update(clientKey).digest(), transcript)
    const expected = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)))
    if (!Buffer.from(proof, 'base64').equals(expected)) return 'e=invalid-proof'
    return `v=${changes.signature ?? hmac(hmac(salted, 'Server Key'), transcript).toString('base64')}`
  }
}

const pencil = { mechanism: 'scram-sha-256', username: 'a=b,c', password: 'pencil' } as const

describe('SCRAM', () => {
  it('proves the password, and escapes the name', async () => {
    const { broker, messages } = await brokerThat(scramServer())
    expect(await connecting(broker, pencil)).toHaveProperty('clientId')
    expect(messages[0]).toMatch(/^n,,n=a=3Db=2Cc,r=[\w-]{32}$/)
  })

  it.each([
    ['a wrong password', { ...pencil, password: 'pen' }, scramServer(), 'invalid-proof'],
    [
      'a broker that does not know the password',
      pencil,
      scramServer({ signature: Buffer.alloc(32).toString('base64') }),
      'Invalid server signature',
    ],
    ['another nonce', pencil, scramServer({ nonce: () => 'other' }), 'Invalid server nonce'],
    ['the same nonce', pencil, scramServer({ nonce: client => client }), 'Invalid server nonce'],
    ['too few iterations', pencil, scramServer({ iterations: 4095 }), 'less than the minimum 4096'],
    ['too many iterations', pencil, scramServer({ iterations: 2_000_000_000 }), 'more than 1000000'],
    ['nonsense', pencil, () => 'what?', 'Invalid server nonce'],
    ['a refusal', pencil, () => ({ error: 'Go away' }), 'Go away'],
  ])('refuses %s', async (_what, sasl, server, words) => {
    const { broker } = await brokerThat(server)
    const error = await connecting(broker, sasl)
    expect(error).toMatchObject({ name: 'KafkaJSSASLAuthenticationError', retriable: false })
    expect(String(error)).toContain('SASL SCRAM SHA256 authentication failed: ')
    expect(String(error)).toContain(words)
  })
})

describe('other mechanisms', () => {
  it('PLAIN sends its three fields', async () => {
    const { broker, messages } = await brokerThat(() => '')
    await connecting(broker, { mechanism: 'plain', username: 'u', password: 'p', authorizationIdentity: 'z' })
    expect(messages).toEqual(['z\0u\0p'])
  })

  it('AWS sends its four fields', async () => {
    const { broker, messages } = await brokerThat(() => '')
    await connecting(broker, { mechanism: 'aws', authorizationIdentity: 'i', accessKeyId: 'k', secretAccessKey: 's' })
    expect(messages).toEqual(['i\0k\0s\0'])
  })

  it('OAUTHBEARER sends token and extensions, and acknowledges a refusal', async () => {
    const { broker, messages } = await brokerThat((_message, turn) =>
      turn === 0 ? '{"status":"invalid_token"}' : { error: '{"status":"invalid_token"}' },
    )
    const error = await connecting(broker, {
      mechanism: 'oauthbearer',
      oauthBearerProvider: () => Promise.resolve({ value: 'T', extensions: { a: '1', b: '2' } }),
    })
    expect(messages).toEqual(['n,,\u0001auth=Bearer T\u0001a=1\u0001b=2\u0001\u0001', '\u0001'])
    expect(String(error)).toContain('SASL OAUTHBEARER authentication failed: {"status":"invalid_token"}')
  })

  it('says which credentials are missing', async () => {
    const { broker } = await brokerThat(() => '')
    for (const [sasl, words] of [
      [{ mechanism: 'plain', username: 'nul\0', password: 'p' }, 'must not contain NUL'],
      [
        { mechanism: 'aws', authorizationIdentity: '', accessKeyId: 'k', secretAccessKey: 's' },
        'SASL AWS-IAM: Missing authorizationIdentity',
      ],
      [{ mechanism: 'oauthbearer', oauthBearerProvider: () => Promise.resolve({ value: '' }) }, 'Invalid OAuth bearer token'],
    ] as const)
      expect(String(await connecting(broker, sasl))).toContain(words)
  })

  it('a mechanism of the program fails with its own error', async () => {
    const { broker } = await brokerThat(() => 'no')
    const mine = new Error('I do not like that answer')
    const error = await connecting(broker, {
      mechanism: 'own',
      authenticationProvider: ({ saslAuthenticate }) => ({
        async authenticate() {
          const answer = await saslAuthenticate({
            request: { encode: () => Buffer.from([0, 0, 0, 2, 104, 105]) },
            response: { decode: raw => raw.subarray(4), parse: data => data.toString() },
          })
          if (answer === 'no') throw mine
        },
      }),
    })
    expect(error).toBe(mine)
  })
})

describe('a session', () => {
  it('is renewed before a request once its time is nearly over; requests wait for that', async () => {
    const { broker, messages } = await brokerThat(() => '', 1300)
    const cluster = createCluster(
      optionsFor(broker, { sasl: { mechanism: 'plain', username: 'u', password: 'p' }, reauthenticationThreshold: 200 }),
    )
    onTestFinished(() => cluster.disconnect())
    await cluster.connect()
    await cluster.refresh()
    expect(messages.length).toBe(1)
    await new Promise(resolve => setTimeout(resolve, 1150))
    await Promise.all([1, 2].map(() => cluster.request('any', metadataApi, { topics: [] })))
    expect(messages.length).toBe(2)
    expect(broker.asked.slice(-4)).toEqual(['SaslHandshake', 'SaslAuthenticate', 'Metadata', 'Metadata'])
    expect(broker.connections).toBe(1)
  })

  it('that has not begun keeps nobody waiting once the client is disconnected', async () => {
    const { broker } = await brokerThat(() => '')
    const clock = new ManualClock()
    let asked = 0
    const oauthBearerProvider = (): Promise<never> => {
      asked++
      return new Promise(() => undefined)
    }
    const cluster = createCluster(optionsFor(broker, { clock, sasl: { mechanism: 'oauthbearer', oauthBearerProvider } }))
    const attempt = cluster.connect()
    attempt.catch(() => undefined)
    await eventually(() => asked === 1)
    await cluster.disconnect()
    await expect(attempt).rejects.toThrow('disconnected')
    expect(clock.pending).toBe(0)
  })

  it('that takes too long to begin is given up', async () => {
    const { broker } = await brokerThat(() => '')
    const silent: AnyApi = saslAuthenticateApi
    broker.on(silent, () => null)
    const error = await connecting(broker, { mechanism: 'plain', username: 'u', password: 'p' }, { authenticationTimeout: 100 })
    expect(String(error)).toContain('took longer than 100 ms')
    await eventually(() => broker.connections === 0)
  })
})
