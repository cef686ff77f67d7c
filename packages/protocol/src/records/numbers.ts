// Big-endian numbers of batch headers, read and written without a DataView a batch. 64-bit values are doubles, clamped to
// the safe integers: no offset or time that a log can hold comes near.

/** The signed 32-bit number at `at`. */
export const int32At = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!

/** The signed 16-bit number at `at`. */
export const int16At = (bytes: Uint8Array, at: number): number => ((bytes[at]! << 24) >> 16) | bytes[at + 1]!

/** `value` within the safe integers. */
export const clampInt64 = (value: number): number =>
  value > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : value < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : value

/** The signed 64-bit number at `at`, clamped to the safe integers. */
export const int64At = (bytes: Uint8Array, at: number): number =>
  clampInt64(int32At(bytes, at) * 4_294_967_296 + (int32At(bytes, at + 4) >>> 0))

/** Writes the low 32 bits of `value`. */
export const putInt32 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/** Writes the low 16 bits of `value`. */
export const putInt16 = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

/** Writes a safe integer as a signed 64-bit number. */
export const putInt64 = (bytes: Uint8Array, at: number, value: number): void => {
  putInt32(bytes, at, Math.floor(value / 4_294_967_296))
  putInt32(bytes, at + 4, value % 4_294_967_296)
}
