// Clients are told the addresses of the listener that they came in on.
import type { BrokerImage, ClusterImage, Endpoint } from '@ottla/metadata'

/** A broker's address for clients of a listener, undefined where it has no such listener. */
export const endpointOf = (broker: BrokerImage | undefined, listener: string): Endpoint | undefined =>
  broker?.endpoints.find(({ name }) => name === listener)

/** Brokers that a client of a listener can reach, with their address: those alive, or all. */
export function brokersOn(image: ClusterImage, listener: string, fencedToo = false): { broker: BrokerImage; endpoint: Endpoint }[] {
  const found: { broker: BrokerImage; endpoint: Endpoint }[] = []
  for (const broker of image.brokers.values()) {
    const endpoint = endpointOf(broker, listener)
    if (endpoint && (fencedToo || !broker.fenced)) found.push({ broker, endpoint })
  }
  return found
}

/**
 * The broker that clients shall send administrative requests to: the controller if the client can reach it, else any that is
 * alive (every broker takes them), else -1.
 */
export function controllerOn(image: ClusterImage, listener: string): number {
  const brokers = brokersOn(image, listener)
  const controller = brokers.find(({ broker }) => broker.id === image.controllerId) ?? brokers[0]
  return controller?.broker.id ?? -1
}
