// What all SASL mechanisms share: one step of an exchange, and errors that name the mechanism.
import type { Random } from '@ottla/protocol'
import { KafkaJSProtocolError, KafkaJSSASLAuthenticationError } from '../../errors/index.ts'
import { asError } from '../as-error.ts'

/** What a mechanism works with. */
export interface Exchange {
  /** Sends a message of the client and resolves with that of the broker. Rejects with protocol errors. */
  send(message: Buffer): Promise<Buffer>
  readonly random: Random
}

/** An error of what the program gave. */
export const invalid = (text: string): KafkaJSSASLAuthenticationError => new KafkaJSSASLAuthenticationError(text)

/** Runs an exchange; what the broker or the mechanism found wrong becomes an error that names the mechanism. Errors of the network stay what they are. */
export async function named(mechanism: string, run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof KafkaJSProtocolError || error instanceof ExchangeError)) throw error
    const cause = asError(error)
    throw new KafkaJSSASLAuthenticationError(`SASL ${mechanism} authentication failed: ${cause.message}`, { cause })
  }
}

/** Something in a message of the broker is wrong. */
export class ExchangeError extends Error {}
