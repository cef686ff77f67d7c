// SASL PLAIN (RFC 4616): one message with authorization identity, name and password, separated by NUL.
import type { Exchange } from './exchange.ts'
import { invalid, named } from './exchange.ts'

/** Credentials of PLAIN, as a program gave them. */
export interface PlainCredentials {
  readonly username?: string | null
  readonly password?: string | null
  readonly authorizationIdentity?: string | null
}

/** Authenticates with name and password. */
export async function authenticatePlain(
  { username, password, authorizationIdentity }: PlainCredentials,
  exchange: Exchange,
): Promise<void> {
  if (typeof username !== 'string' || typeof password !== 'string') throw invalid('SASL Plain: Invalid username or password')
  const parts = [authorizationIdentity ?? '', username, password]
  if (parts.some(part => part.includes('\0'))) throw invalid('SASL Plain: username and password must not contain NUL')
  await named('PLAIN', async () => {
    await exchange.send(Buffer.from(parts.join('\0')))
  })
}
