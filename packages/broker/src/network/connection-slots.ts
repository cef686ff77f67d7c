import type { NetworkLimits } from './limits.ts'

/** Counts the connections of a broker against its limits. */
export class ConnectionSlots {
  readonly #limits: Readonly<NetworkLimits>
  readonly #byAddress = new Map<string, number>()
  total = 0

  constructor(limits: Readonly<NetworkLimits>) {
    this.#limits = limits
  }

  /** Takes a place for a connection from `address`, or says why there is none. Each place taken is given back by `give`. */
  take(address: string): string | null {
    const { maxConnections, maxConnectionsPerIp, maxConnectionsPerIpOverrides } = this.#limits
    const here = this.#byAddress.get(address) ?? 0
    const most = maxConnectionsPerIpOverrides.get(address) ?? maxConnectionsPerIp
    if (here >= most) return `${address} already has the ${most} connections that max.connections.per.ip allows`
    if (this.total >= maxConnections) return `the broker already has the ${maxConnections} connections that max.connections allows`
    this.#byAddress.set(address, here + 1)
    this.total++
    return null
  }

  give(address: string): void {
    const left = (this.#byAddress.get(address) ?? 0) - 1
    if (left > 0) this.#byAddress.set(address, left)
    else this.#byAddress.delete(address)
    this.total--
  }
}

/** An address as it is written in settings and logs: IPv4 in its own form also where the socket is an IPv6 one. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  return address.startsWith('::ffff:') ? address.slice(7) : address
}
