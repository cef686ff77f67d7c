// 64-bit integers of stored files as numbers, big-endian. Offsets, times and ids stay below 2^53; a value beyond that (Java's
// Long.MAX_VALUE, or damage) reads as the safe number next to it.
const HIGH = 2 ** 32

/** Signed 64-bit integer at a position. */
export const readInt64 = (buffer: Buffer, at: number): number => {
  const value = buffer.readInt32BE(at) * HIGH + buffer.readUInt32BE(at + 4)
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value))
}

/** Writes a signed 64-bit integer. */
export function writeInt64(buffer: Buffer, value: number, at: number): void {
  buffer.writeInt32BE(Math.floor(value / HIGH), at)
  buffer.writeUInt32BE(value >>> 0, at + 4)
}
