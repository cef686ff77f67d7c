// The mechanism AWS of brokers with Amazon's IAM plug-in, as KafkaJS has it: one message with four fields, separated by NUL.
import type { Exchange } from './exchange.ts'
import { invalid, named } from './exchange.ts'

/** Credentials of AWS, as a program gave them. */
export interface AwsCredentials {
  readonly authorizationIdentity?: string | null
  readonly accessKeyId?: string | null
  readonly secretAccessKey?: string | null
  readonly sessionToken?: string | null
}

/** Authenticates with an access key. */
export async function authenticateAws(credentials: AwsCredentials, exchange: Exchange): Promise<void> {
  const { authorizationIdentity, accessKeyId, secretAccessKey, sessionToken } = credentials
  if (!authorizationIdentity) throw invalid('SASL AWS-IAM: Missing authorizationIdentity')
  if (!accessKeyId) throw invalid('SASL AWS-IAM: Missing accessKeyId')
  if (!secretAccessKey) throw invalid('SASL AWS-IAM: Missing secretAccessKey')
  await named('AWS-IAM', async () => {
    await exchange.send(Buffer.from([authorizationIdentity, accessKeyId, secretAccessKey, sessionToken ?? ''].join('\0')))
  })
}
