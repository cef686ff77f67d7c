import { describe, expect, it } from 'vitest'
import { KeyHash } from './key-hash.ts'

/** Of the bytes 0, 1, 2... up to a length, from the authors' tables. */
const known: readonly [number, string][] = [
  [0, '792e8fe5 75ce87aa 2d1450b5 1191970b'],
  [1, '13a9307b 50e62c89 4577bd88 c0bbdc18'],
  [2, '55df8922 2c7ff577 73809ef4 4e5084c0'],
  [15, '51b94da4 efcc4de8 192412ea bbc170dd'],
  [16, '79271ca9 d66a1c71 81ca474e 49831cad'],
]

describe('the hash of keys', () => {
  const into = new Int32Array(4)
  const hash = new KeyHash([0x833d3433, 0x009f389f, 0x2398e64f, 0x417acf39], into)
  const text = (): string => Array.from(into, word => (word >>> 0).toString(16).padStart(8, '0')).join(' ')

  it.each(known)('is Chaskey (%i bytes)', (length, expected) => {
    const bytes = Uint8Array.from({ length: length + 10 }, (_, index) => (index - 5) & 0xff)
    hash.hash(bytes, 5, length)
    expect(text()).toBe(expected)
  })

  it('differs with every bit, with the length, and with the key', () => {
    const seen = new Set<string>()
    for (let length = 0; length < 70; length++) {
      const bytes = new Uint8Array(length)
      hash.hash(bytes, 0, length)
      seen.add(text())
      for (let bit = 0; bit < length * 8; bit++) {
        bytes[bit >> 3] = 1 << (bit & 7)
        hash.hash(bytes, 0, length)
        seen.add(text())
        bytes[bit >> 3] = 0
      }
    }
    expect(seen.size).toBe(70 + (8 * 69 * 70) / 2)
    new KeyHash([1, 2, 3, 4], into).hash(new Uint8Array(20), 0, 20)
    expect(seen.has(text())).toBe(false)
  })
})
