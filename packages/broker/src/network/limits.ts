/** What connections and requests may take of this broker; in brackets the setting of Kafka that it comes from. */
export interface NetworkLimits {
  /** Largest request, without its length prefix [socket.request.max.bytes]. */
  requestMaxBytes: number
  /** Bytes of requests that have not arrived whole, or wait for their turn, over all connections [queued.max.request.bytes]. */
  queuedRequestBytes: number
  /** A connection without a byte in either direction for so long is closed; -1 never [connections.max.idle.ms]. */
  idleMs: number
  /** Connections over all listeners [max.connections]. */
  maxConnections: number
  /** Connections of one address [max.connections.per.ip]. */
  maxConnectionsPerIp: number
  /** The same for named addresses [max.connections.per.ip.overrides]. */
  maxConnectionsPerIpOverrides: ReadonlyMap<string, number>
  /** Requests of one connection that have begun and are not answered; beyond it nothing more is read from that connection. */
  inFlightRequests: number
  /** Bytes of replies that a client has not taken; beyond it nothing more is read from that connection. At least 64 KiB. */
  outputHighWaterBytes: number
  /** The same while all connections together have more than `crowdedOutputBytes`. At least 64 KiB: below it no socket tells that it was taken. */
  crowdedHighWaterBytes: number
  /** Bytes of replies over all connections, beyond which each may have but few. */
  crowdedOutputBytes: number
  /** Bytes of replies over all connections of the broker: beyond it, those that have not taken theirs for long are closed. */
  outputBytes: number
  /** How long requests may begin within one turn of the event loop; the others wait for the next. */
  turnMs: number
  /** How long a started request may take whatever its rate; after that it must average `slowFrameBytesPerSecond`. */
  slowFrameGraceMs: number
  slowFrameBytesPerSecond: number
}

const MIB = 1024 * 1024

/** Kafka's defaults where it has them. */
export const defaultLimits: Readonly<NetworkLimits> = {
  requestMaxBytes: 100 * MIB,
  queuedRequestBytes: 256 * MIB,
  idleMs: 600_000,
  maxConnections: 2_147_483_647,
  maxConnectionsPerIp: 2_147_483_647,
  maxConnectionsPerIpOverrides: new Map(),
  inFlightRequests: 100,
  outputHighWaterBytes: 16 * MIB,
  crowdedHighWaterBytes: MIB / 16,
  crowdedOutputBytes: 64 * MIB,
  outputBytes: 512 * MIB,
  turnMs: 5,
  slowFrameGraceMs: 30_000,
  slowFrameBytesPerSecond: 1024,
}
