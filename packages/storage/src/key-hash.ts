// Chaskey (Mouha et al. 2014), a keyed hash of 128 bits made for processors of 32 bits, which is what a number in a bitwise expression is:
// for a short text it takes a fraction of what a call of node:crypto does, and it allocates nothing. Who does not know the key cannot find
// two texts with the same hash; the key must be random, new each time, and never leave the process, nor may the hashes.

/** Four words, 128 bits. */
export type KeyWords = readonly [number, number, number, number]

const BLOCK_BYTES = 16
const ROUNDS = 8
const PADDING = 1

/** A subkey: twice the last one, in the field with 2^128 elements. */
const doubled = ([a, b, c, d]: KeyWords): KeyWords => [
  (a << 1) ^ (d < 0 ? 0x87 : 0),
  (b << 1) | (a >>> 31),
  (c << 1) | (b >>> 31),
  (d << 1) | (c >>> 31),
]

/** Hashes into the four words of `into`. */
export class KeyHash {
  readonly into: Int32Array
  readonly #key: KeyWords
  /** Of a last block that is full, and of one that is padded. */
  readonly #full: KeyWords
  readonly #padded: KeyWords

  constructor(key: KeyWords, into: Int32Array) {
    this.into = into
    this.#key = [key[0] | 0, key[1] | 0, key[2] | 0, key[3] | 0]
    this.#full = doubled(this.#key)
    this.#padded = doubled(this.#full)
  }

  /** Hashes [start, start + length) of `bytes`, which must lie within them. */
  hash(bytes: Uint8Array, start: number, length: number): void {
    const { into } = this
    const key = this.#key
    into[0] = key[0]
    into[1] = key[1]
    into[2] = key[2]
    into[3] = key[3]
    const end = start + length
    let at = start
    for (; at + BLOCK_BYTES < end; at += BLOCK_BYTES) {
      this.#mixIn(bytes, at)
      this.#permute()
    }
    const isFull = end - at === BLOCK_BYTES
    const last = isFull ? this.#full : this.#padded
    if (isFull) this.#mixIn(bytes, at)
    else {
      for (let index = 0; at < end; index++) into[index >> 2]! ^= bytes[at++]! << ((index & 3) << 3)
      const index = length & (BLOCK_BYTES - 1)
      into[index >> 2]! ^= PADDING << ((index & 3) << 3)
    }
    this.#add(last)
    this.#permute()
    this.#add(last)
  }

  #add(words: KeyWords): void {
    const { into } = this
    into[0]! ^= words[0]
    into[1]! ^= words[1]
    into[2]! ^= words[2]
    into[3]! ^= words[3]
  }

  #mixIn(bytes: Uint8Array, at: number): void {
    const { into } = this
    into[0]! ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    into[1]! ^= bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24)
    into[2]! ^= bytes[at + 8]! | (bytes[at + 9]! << 8) | (bytes[at + 10]! << 16) | (bytes[at + 11]! << 24)
    into[3]! ^= bytes[at + 12]! | (bytes[at + 13]! << 8) | (bytes[at + 14]! << 16) | (bytes[at + 15]! << 24)
  }

  #permute(): void {
    const { into } = this
    let a = into[0]!
    let b = into[1]!
    let c = into[2]!
    let d = into[3]!
    for (let round = 0; round < ROUNDS; round++) {
      a = (a + b) | 0
      b = ((b << 5) | (b >>> 27)) ^ a
      a = (a << 16) | (a >>> 16)
      c = (c + d) | 0
      d = ((d << 8) | (d >>> 24)) ^ c
      a = (a + d) | 0
      d = ((d << 13) | (d >>> 19)) ^ a
      c = (c + b) | 0
      b = ((b << 7) | (b >>> 25)) ^ c
      c = (c << 16) | (c >>> 16)
    }
    into[0] = a
    into[1] = b
    into[2] = c
    into[3] = d
  }
}
