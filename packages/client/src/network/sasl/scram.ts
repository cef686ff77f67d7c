// SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677) without channel binding: the password is proven, not sent, and the broker proves that it
// knows it too.
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { Exchange } from './exchange.ts'
import { ExchangeError, invalid, named } from './exchange.ts'

const GS2_HEADER = 'n,,'
const NONCE_BYTES = 24
/** Fewer would let whoever listens guess the password; more would keep this machine busy for a broker that is none. */
const LEAST_ITERATIONS = 4096
const MOST_ITERATIONS = 1_000_000
const derive = promisify(pbkdf2)

const digests = {
  'SCRAM-SHA-256': { hash: 'sha256', label: 'SHA256', bytes: 32 },
  'SCRAM-SHA-512': { hash: 'sha512', label: 'SHA512', bytes: 64 },
} as const

/** Credentials of SCRAM, as a program gave them. */
export interface ScramCredentials {
  readonly username?: string | null
  readonly password?: string | null
}

/** Authenticates with name and password. */
export async function authenticateScram(mechanism: keyof typeof digests, credentials: ScramCredentials, exchange: Exchange): Promise<void> {
  const { hash, label, bytes } = digests[mechanism]
  const { username, password } = credentials
  if (typeof username !== 'string' || typeof password !== 'string')
    throw invalid(`SASL SCRAM ${label} authentication: Invalid username or password`)
  await named(`SCRAM ${label}`, async () => {
    const nonce = exchange.random.bytes(NONCE_BYTES).toString('base64url')
    const clientFirst = `n=${escaped(username)},r=${nonce}`
    const serverFirst = (await exchange.send(Buffer.from(GS2_HEADER + clientFirst))).toString()
    const { salt, iterations, combinedNonce } = readServerFirst(serverFirst, nonce)
    const salted = await derive(password, salt, iterations, bytes, hash)
    const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest()
    const clientKey = hmac(salted, 'Client Key')
    const storedKey = createHash(hash).update(clientKey).digest()
    const clientFinal = `c=${Buffer.from(GS2_HEADER).toString('base64')},r=${combinedNonce}`
    const transcript = `${clientFirst},${serverFirst},${clientFinal}`
    const signature = hmac(storedKey, transcript)
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))).toString('base64')
    const serverFinal = fieldsOf((await exchange.send(Buffer.from(`${clientFinal},p=${proof}`))).toString())
    const refusal = serverFinal.get('e')
    if (refusal !== undefined) throw new ExchangeError(refusal)
    const told = Buffer.from(serverFinal.get('v') ?? '', 'base64')
    const expected = hmac(hmac(salted, 'Server Key'), transcript)
    if (told.length !== expected.length || !timingSafeEqual(told, expected))
      throw new ExchangeError('Invalid server signature in server final message: whoever answered does not know the password')
  })
}

function readServerFirst(message: string, nonce: string): { salt: Buffer; iterations: number; combinedNonce: string } {
  const fields = fieldsOf(message)
  const refusal = fields.get('e')
  if (refusal !== undefined) throw new ExchangeError(refusal)
  const combinedNonce = fields.get('r') ?? ''
  if (!combinedNonce.startsWith(nonce) || combinedNonce.length === nonce.length)
    throw new ExchangeError('Invalid server nonce, it does not start with the client nonce')
  const iterations = Number(fields.get('i'))
  if (!Number.isInteger(iterations) || iterations < LEAST_ITERATIONS)
    throw new ExchangeError(`Requested iterations ${iterations} is less than the minimum ${LEAST_ITERATIONS}`)
  if (iterations > MOST_ITERATIONS) throw new ExchangeError(`Requested iterations ${iterations} is more than ${MOST_ITERATIONS}`)
  const salt = Buffer.from(fields.get('s') ?? '', 'base64')
  if (salt.length === 0) throw new ExchangeError('The broker sent no salt')
  return { salt, iterations, combinedNonce }
}

/** name=value, separated by commas. */
function fieldsOf(message: string): Map<string, string> {
  return new Map(message.split(',').map(field => [field.slice(0, 1), field.slice(2)]))
}

/** A name as it stands in messages (RFC 5802, 5.1). */
const escaped = (name: string): string => name.replaceAll('=', '=3D').replaceAll(',', '=2C')
