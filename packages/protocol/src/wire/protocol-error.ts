/**
 * What is wrong with bytes, or with a value that was to become bytes:
 * `truncated` a length reaches past the end; `length` a length that cannot be; `null` where null is not allowed; `limit` more elements or
 * tags than are accepted; `varint` longer than its type; `value` a value its type cannot hold; `version` a field that the version lacks.
 */
export type ProtocolErrorKind = 'truncated' | 'length' | 'null' | 'limit' | 'varint' | 'value' | 'version'

/** Malformed bytes, or a message that cannot be written. */
export class ProtocolError extends Error {
  readonly kind: ProtocolErrorKind
  constructor(kind: ProtocolErrorKind, message: string) {
    super(message)
    this.name = 'ProtocolError'
    this.kind = kind
  }
}

/** Throws: for places where an expression is wanted. */
export function broken(kind: ProtocolErrorKind, message: string): never {
  throw new ProtocolError(kind, message)
}
