// From keys to the offset of their last record, in one buffer of fixed size (Kafka's SkimpyOffsetMap): open addressing, 24 bytes a slot.
//
// A key of up to 15 bytes is kept as it is; of a longer one 127 bits of a hash (Kafka keeps the MD5 of each). Two long keys with the same
// hash would be taken for one and the older record lost. With a hash whose key is new for each map nobody can look for such a pair, and by
// chance there is none: among 2^32 keys one time in 2^64.
//
// The place of a slot comes from a mixture with a seed, so that nobody can choose keys that all fall on one place.

import { KeyHash, type KeyWords } from './key-hash.ts'

/** Four words of key, two of the offset plus one: an offset word pair of zeros is an empty slot. */
const SLOT_WORDS = 6
/** Bytes that one key takes. */
export const SLOT_BYTES = SLOT_WORDS * 4
const KEY_BYTES = 16
const HIGH = 2 ** 32
/** The uppermost bit of the last byte says that this is a hash: the length of a short key is below it. */
const HASHED = 1 << 31

export interface KeyOffsetMapOptions {
  /** Memory for all slots; at least one is made. The system provides pages of it as they are used. */
  readonly bytes: number
  /** How full it may become, 0 to 1: `log.cleaner.io.buffer.load.factor`. */
  readonly loadFactor: number
  /** Secret and new each time: any 128 bits. */
  readonly seed: KeyWords
}

const isPrime = (value: number): boolean => {
  if (value % 2 === 0) return value === 2
  for (let divisor = 3; divisor * divisor <= value; divisor += 2) if (value % divisor === 0) return false
  return value > 1
}

/** With a prime number of slots every step comes by all of them. */
const primeUpTo = (value: number): number => {
  let candidate = Math.max(2, value)
  while (!isPrime(candidate)) candidate--
  return candidate
}

const mix = (state: number, word: number): number => {
  const mixed = Math.imul(state ^ word, 0xcc9e2d51)
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
}

/** See the top of the file. */
export class KeyOffsetMap {
  readonly slots: number
  /** The most keys it takes. */
  readonly maxKeys: number
  /** Up to here the log is in the map; -1 before anything is. Set by whoever fills it. */
  latestOffset = -1
  readonly #words: Int32Array
  readonly #seed: number
  readonly #hash: KeyHash
  readonly #keyBytes = new Uint8Array(KEY_BYTES)
  readonly #key = new Int32Array(this.#keyBytes.buffer)
  #size = 0

  constructor(options: KeyOffsetMapOptions) {
    this.slots = primeUpTo(Math.floor(options.bytes / SLOT_BYTES))
    this.maxKeys = Math.max(1, Math.min(this.slots - 1, Math.floor(this.slots * options.loadFactor)))
    this.#words = new Int32Array(this.slots * SLOT_WORDS)
    this.#seed = options.seed[0] | 0
    this.#hash = new KeyHash(options.seed, this.#key)
  }

  /** Keys in the map. */
  get size(): number {
    return this.#size
  }

  /** Whether another key may not fit. */
  get isFull(): boolean {
    return this.#size >= this.maxKeys
  }

  /** Enters the key at [at, at + length) with its newest offset. False when it is full and does not know the key: nothing changed. */
  put(bytes: Buffer, range: { at: number; length: number }, offset: number): boolean {
    const word = this.#find(bytes, range.at, range.length)
    const words = this.#words
    if (words[word + 4] === 0 && words[word + 5] === 0) {
      if (this.isFull) return false
      words.set(this.#key, word)
      this.#size++
    }
    const stored = offset + 1
    words[word + 4] = stored
    words[word + 5] = Math.floor(stored / HIGH)
    return true
  }

  /** The newest offset of a key, -1 for one that was not entered. */
  get(bytes: Buffer, at: number, length: number): number {
    const word = this.#find(bytes, at, length)
    const words = this.#words
    return (words[word + 5] ?? 0) * HIGH + ((words[word + 4] ?? 0) >>> 0) - 1
  }

  /** The word where the slot of a key begins, or the empty one where it would go: there always is one. */
  #find(bytes: Buffer, at: number, length: number): number {
    this.#encode(bytes, at, length)
    const words = this.#words
    const key = this.#key
    const a = key[0] ?? 0
    const b = key[1] ?? 0
    const c = key[2] ?? 0
    const d = key[3] ?? 0
    let mixed = mix(mix(mix(mix(this.#seed, a), b), c), d)
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    let slot = ((mixed ^ (mixed >>> 16)) >>> 0) % this.slots
    const step = 1 + ((Math.imul(mixed, 0x9e3779b1) >>> 0) % (this.slots - 1))
    for (;;) {
      const word = slot * SLOT_WORDS
      if (words[word + 4] === 0 && words[word + 5] === 0) return word
      if (words[word] === a && words[word + 1] === b && words[word + 2] === c && words[word + 3] === d) return word
      slot += step
      if (slot >= this.slots) slot -= this.slots
    }
  }

  #encode(bytes: Buffer, at: number, length: number): void {
    const target = this.#keyBytes
    if (length < KEY_BYTES) {
      target.fill(0)
      for (let index = 0; index < length; index++) target[index] = bytes[at + index] ?? 0
      target[KEY_BYTES - 1] = length
      return
    }
    this.#hash.hash(bytes, at, length)
    this.#key[3]! |= HASHED
  }
}
