// What other protocols look like where Kafka's length prefix should be.

const HTTP_STARTS = ['GET ', 'POST', 'PUT ', 'HEAD', 'DELE', 'OPTI', 'PATC', 'CONN', 'TRAC', 'PRI ']

/** A protocol that is not Kafka's, by the first four bytes of a connection. */
export type Foreign = 'TLS' | 'HTTP'

/**
 * Names the protocol whose first four bytes, read as a big-endian int32, are `prefix`: a TLS handshake record (RFC 8446,
 * type 22 and major version 3) or a method of HTTP. Null where the bytes may be a length.
 */
export function foreignProtocol(prefix: number): Foreign | null {
  if (prefix >>> 16 === 0x1603) return 'TLS'
  const text = String.fromCharCode((prefix >>> 24) & 0xff, (prefix >>> 16) & 0xff, (prefix >>> 8) & 0xff, prefix & 0xff)
  return HTTP_STARTS.includes(text) ? 'HTTP' : null
}

/** What to tell whoever reads the log. */
export function foreignAdvice(foreign: Foreign, listener: string): string {
  return foreign === 'TLS'
    ? `TLS handshake on the plaintext listener ${listener}: set security.protocol=PLAINTEXT in the client, or map the listener to SSL in listener.security.protocol.map`
    : `HTTP request on the Kafka listener ${listener}: this port speaks the Kafka protocol only, point the HTTP client at an HTTP port`
}
