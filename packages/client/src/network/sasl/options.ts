// What a program says about SASL, with KafkaJS's names and shapes.
import type { Logger } from '../../logger.ts'

/** What is sent as `auth_bytes`. */
export interface SaslAuthenticationRequest {
  encode: () => Buffer | Promise<Buffer>
}

/** What is made of the `auth_bytes` that came back. */
export interface SaslAuthenticationResponse<ParseResult> {
  decode: (rawResponse: Buffer) => Buffer | Promise<Buffer>
  parse: (data: Buffer) => ParseResult
}

/** Runs the exchange of a mechanism. */
export interface Authenticator {
  authenticate: () => Promise<void>
}

/** One step of the exchange. */
export interface SaslAuthenticateArgs<ParseResult> {
  request: SaslAuthenticationRequest
  response?: SaslAuthenticationResponse<ParseResult>
}

/** What a mechanism of one's own is given. */
export interface AuthenticationProviderArgs {
  host: string
  port: number
  logger: Logger
  saslAuthenticate: <ParseResult>(args: SaslAuthenticateArgs<ParseResult>) => Promise<ParseResult | void>
}

/** A mechanism of one's own. */
export interface Mechanism {
  mechanism: string
  authenticationProvider: (args: AuthenticationProviderArgs) => Authenticator
}

/** A bearer token, and what goes with it (RFC 7628). */
export interface OauthbearerProviderResponse {
  value: string
  extensions?: Readonly<Record<string, string>>
}

interface SASLMechanismOptionsMap {
  plain: { username: string; password: string; authorizationIdentity?: string }
  'scram-sha-256': { username: string; password: string }
  'scram-sha-512': { username: string; password: string }
  aws: { authorizationIdentity: string; accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  oauthbearer: { oauthBearerProvider: () => Promise<OauthbearerProviderResponse> }
}

/** Mechanisms that are built in. */
export type SASLMechanism = keyof SASLMechanismOptionsMap
type SASLMechanismOptions<T> = T extends SASLMechanism ? { mechanism: T } & SASLMechanismOptionsMap[T] : never
/** Credentials of a built-in mechanism. */
export type SASLOptions = SASLMechanismOptions<SASLMechanism>
