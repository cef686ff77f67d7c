// Mechanisms of programs, with KafkaJS's contract: `encode` gives `auth_bytes` with their length before them, `decode` is given the
// broker's in the same form.
import { KafkaJSConnectionError } from '../../errors/index.ts'
import type { Logger } from '../../logger.ts'
import type { Exchange } from './exchange.ts'
import type { Mechanism, SaslAuthenticateArgs } from './options.ts'

const PREFIX_BYTES = 4

/** Runs a mechanism of the program. */
export async function authenticateCustom(
  mechanism: Mechanism,
  exchange: Exchange,
  about: { readonly host: string; readonly port: number; readonly logger: Logger },
): Promise<void> {
  async function saslAuthenticate<T>({ request, response }: SaslAuthenticateArgs<T>): Promise<T | void> {
    const answer = await exchange.send(unprefixed(await request.encode()))
    if (response === undefined) return undefined
    return response.parse(await response.decode(prefixed(answer)))
  }
  const { host, port } = about
  const logger = about.logger.namespace(`SaslAuthenticator-${mechanism.mechanism.toUpperCase()}`)
  const authenticator = mechanism.authenticationProvider({ host, port, logger, saslAuthenticate })
  await authenticator.authenticate()
}

function unprefixed(encoded: Buffer): Buffer {
  if (!Buffer.isBuffer(encoded)) throw new KafkaJSConnectionError('The encode() of a SASL request has to return a Buffer')
  const hasPrefix = encoded.length >= PREFIX_BYTES && encoded.readInt32BE(0) === encoded.length - PREFIX_BYTES
  return hasPrefix ? encoded.subarray(PREFIX_BYTES) : encoded
}

function prefixed(bytes: Buffer): Buffer {
  const buffer = Buffer.allocUnsafe(PREFIX_BYTES + bytes.length)
  buffer.writeInt32BE(bytes.length, 0)
  bytes.copy(buffer, PREFIX_BYTES)
  return buffer
}
