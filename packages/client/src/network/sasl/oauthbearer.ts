// SASL OAUTHBEARER (RFC 7628, KIP-255, KIP-342): one message with the token and extensions. A broker that does not accept the token says why,
// in JSON, and fails once the client has acknowledged that.
import type { Exchange } from './exchange.ts'
import { ExchangeError, invalid, named } from './exchange.ts'
import type { OauthbearerProviderResponse } from './options.ts'

const SEPARATOR = '\u0001'

/** Credentials of OAUTHBEARER, as a program gave them. */
export interface OauthbearerCredentials {
  readonly oauthBearerProvider?: (() => Promise<OauthbearerProviderResponse>) | null
  readonly authorizationIdentity?: string | null
}

/** Authenticates with a token that the program provides. */
export async function authenticateOauthbearer(credentials: OauthbearerCredentials, exchange: Exchange): Promise<void> {
  const { oauthBearerProvider, authorizationIdentity } = credentials
  if (typeof oauthBearerProvider !== 'function') throw invalid('SASL OAUTHBEARER: Missing OAuth bearer token provider')
  const token: Partial<OauthbearerProviderResponse> | null | undefined = await oauthBearerProvider()
  if (typeof token?.value !== 'string' || token.value === '') throw invalid('SASL OAUTHBEARER: Invalid OAuth bearer token')
  const extensions = Object.entries(token.extensions ?? {}).map(([name, value]) => `${name}=${value}`)
  const fields = [`auth=Bearer ${token.value}`, ...extensions]
  if (fields.some(field => field.includes(SEPARATOR)))
    throw invalid('SASL OAUTHBEARER: Invalid OAuth bearer token: it has control characters')
  const identity = authorizationIdentity ? `a=${authorizationIdentity}` : ''
  const message = `n,${identity},${SEPARATOR}${fields.join(SEPARATOR)}${SEPARATOR}${SEPARATOR}`
  await named('OAUTHBEARER', async () => {
    const refusal = await exchange.send(Buffer.from(message))
    if (refusal.length === 0) return
    await exchange.send(Buffer.from(SEPARATOR))
    throw new ExchangeError(`the broker does not accept the token: ${refusal.toString().slice(0, 500)}`)
  })
}
