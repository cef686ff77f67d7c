// CRC-32C (Castagnoli), the checksum of magic 2 batches. A call into native code costs about as much as checksumming
// a quarter of a kilobyte here, so short ranges take a table of slices (8 bytes a step) and long ones the native code.

import { crc32c as nativeCrc32c } from '@node-rs/crc32'

/** Below this many bytes the tables are as quick as the native code with its call. */
const NATIVE_FROM_BYTES = 256

const POLYNOMIAL = 0x82f63b78

/** Eight tables of 256 entries, one after the other: entry `k * 256 + b` is the checksum of byte `b` with `k` zeros behind it. */
const makeTables = (): Int32Array => {
  const tables = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
    tables[byte] = value
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256]!
    tables[at] = (before >>> 8) ^ tables[before & 0xff]!
  }
  return tables
}

const T = makeTables()

const byTables = (bytes: Uint8Array, from: number, end: number, initial: number): number => {
  let crc = ~initial
  let at = from
  for (const last = end - 7; at < last; at += 8) {
    const low = crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
    crc =
      T[1792 + (low & 0xff)]! ^
      T[1536 + ((low >>> 8) & 0xff)]! ^
      T[1280 + ((low >>> 16) & 0xff)]! ^
      T[1024 + (low >>> 24)]! ^
      T[768 + bytes[at + 4]!]! ^
      T[512 + bytes[at + 5]!]! ^
      T[256 + bytes[at + 6]!]! ^
      T[bytes[at + 7]!]!
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ T[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}

/**
 * CRC-32C of `bytes` from `at` up to `end`, as an unsigned 32-bit number. `initial` is the result for the bytes before, so
 * that a checksum can be made piece by piece.
 */
export const crc32c = (bytes: Uint8Array, at = 0, end = bytes.length, initial = 0): number => {
  if (end - at < NATIVE_FROM_BYTES) return byTables(bytes, at, end, initial)
  return nativeCrc32c(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end), initial)
}
