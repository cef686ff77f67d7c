// The addresses that a client begins with.
import { KafkaJSConnectionError, KafkaJSNonRetriableError } from '../errors/index.ts'
import type { NetworkOptions } from '../network/options.ts'

/** Resolves `brokers` to addresses. Throws what KafkaJS throws for a list that is none. */
export async function bootstrapAddresses(brokers: NetworkOptions['brokers']): Promise<{ host: string; port: number }[]> {
  const list: unknown = typeof brokers === 'function' ? await called(brokers) : brokers
  if (list === null || list === undefined) throw new KafkaJSNonRetriableError('Failed to connect: brokers should not be null')
  if (!Array.isArray(list)) throw new KafkaJSNonRetriableError('Failed to connect: brokers should be an array of "host:port"')
  if (list.length === 0) throw new KafkaJSNonRetriableError('Failed to connect: brokers array is empty')
  return list.map(parsed)
}

async function called(brokers: () => unknown): Promise<unknown> {
  try {
    return await brokers()
  } catch (cause) {
    throw new KafkaJSConnectionError(`Failed to connect: "config.brokers" threw: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

/** host:port, [IPv6]:port, also with a scheme such as PLAINTEXT:// before it. */
function parsed(broker: unknown, index: number): { host: string; port: number } {
  if (typeof broker !== 'string' || broker === '')
    throw new KafkaJSNonRetriableError(`Failed to connect: broker at index ${index} is invalid "${typeof broker}"`)
  const address = broker.slice(broker.indexOf('://') < 0 ? 0 : broker.indexOf('://') + 3)
  const colon = address.lastIndexOf(':')
  const port = Number(address.slice(colon + 1))
  const host = address.slice(0, Math.max(0, colon)).replace('[', '').replace(']', '')
  if (host === '' || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new KafkaJSNonRetriableError(`Failed to connect: broker at index ${index} is "${broker}", but "host:port" is expected`)
  return { host, port }
}
