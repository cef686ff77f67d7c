// gzip, by Node's zlib.
import { promisify } from 'node:util'
import { constants, gunzipSync, gzip as gzipInPool, gzipSync } from 'node:zlib'
import { malformed, tooLarge } from './failures.ts'

/** gzip as one member. `level` -1 to 9. */
export const gzip = (bytes: Uint8Array, level: number = constants.Z_DEFAULT_COMPRESSION): Buffer => gzipSync(bytes, { level })

const inPool = promisify<Uint8Array, { level: number }, Buffer>(gzipInPool)

/** The same in a thread of Node's pool; the bytes must not be changed meanwhile. */
export const gzipAside = async (bytes: Uint8Array, level: number = constants.Z_DEFAULT_COMPRESSION): Promise<Buffer> =>
  inPool(bytes, { level })

/** zlib's output grows by pieces of this size at least; more is believed of a member's own word, up to so many times its bytes. */
const SMALLEST_PIECE_BYTES = 1024
const BELIEVED_RATIO = 16

/** What the last member says of its length, plus one, so that the end is found in the same piece: then nothing is put together. */
const pieceBytes = (bytes: Uint8Array, maxOutputLength: number): number => {
  const at = bytes.length - 4
  const length = at < 0 ? 0 : new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true)
  return Math.max(SMALLEST_PIECE_BYTES, Math.min(length + 1, maxOutputLength, bytes.length * BELIEVED_RATIO))
}

/** Reads one or several gzip members. */
export const gunzip = (bytes: Uint8Array, maxOutputLength: number): Buffer => {
  try {
    return gunzipSync(bytes, { maxOutputLength: Math.max(1, maxOutputLength), chunkSize: pieceBytes(bytes, maxOutputLength) })
  } catch (error) {
    throw error instanceof RangeError ? tooLarge('gzip', maxOutputLength) : malformed('gzip', error)
  }
}
