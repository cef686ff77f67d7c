import { describe, expect, it } from 'vitest'
import { seededRandom } from '@ottla/protocol'
import { KeyOffsetMap, SLOT_BYTES } from './key-offset-map.ts'

const put = (map: KeyOffsetMap, key: string, offset: number): boolean => {
  const bytes = Buffer.from(`<${key}>`)
  return map.put(bytes, { at: 1, length: bytes.length - 2 }, offset)
}

const get = (map: KeyOffsetMap, key: string): number => map.get(Buffer.from(key), 0, Buffer.byteLength(key))

describe('the map from keys to offsets', () => {
  it('agrees with a plain map, for keys of every length', () => {
    const random = seededRandom(1)
    const map = new KeyOffsetMap({ bytes: SLOT_BYTES * 3000, loadFactor: 0.9, seed: [17, 2, 3, 4] })
    const plain = new Map<string, number>()
    let offset = 0
    for (let step = 0; step < 20_000 && !map.isFull; step++) {
      const key = String(random.below(2000)).padStart(random.below(2) === 0 ? 0 : random.below(60), 'x')
      offset += 1 + random.below(random.below(50) === 0 ? 2 ** 40 : 10)
      expect(put(map, key, offset)).toBe(true)
      plain.set(key, offset)
    }
    expect(map.size).toBe(plain.size)
    for (const [key, known] of plain) expect([key, get(map, key)]).toEqual([key, known])
    expect(get(map, 'nobody')).toBe(-1)
    expect(get(map, '')).toBe(plain.get('') ?? -1)
  })

  it('tells keys apart that differ only in zeros at their end', () => {
    const map = new KeyOffsetMap({ bytes: SLOT_BYTES * 50, loadFactor: 0.9, seed: [1, 2, 3, 4] })
    const keys = Array.from({ length: 20 }, (_, length) => Buffer.alloc(length))
    for (const [index, key] of keys.entries()) expect(map.put(key, { at: 0, length: key.length }, index)).toBe(true)
    expect(keys.map(key => map.get(key, 0, key.length))).toEqual(keys.map((_, index) => index))
  })

  it('takes no new key when it is full, and still the ones it knows', () => {
    const map = new KeyOffsetMap({ bytes: SLOT_BYTES * 101, loadFactor: 0.5, seed: [-3, 2, 3, 4] })
    expect([map.slots, map.maxKeys]).toEqual([101, 50])
    for (let key = 0; key < 50; key++) expect(put(map, `k${key}`, key)).toBe(true)
    expect(map.isFull).toBe(true)
    expect(put(map, 'one more', 100)).toBe(false)
    expect(put(map, 'k7', 101)).toBe(true)
    expect([get(map, 'one more'), get(map, 'k7'), get(map, 'k8'), map.size]).toEqual([-1, 101, 8, 50])
  })

  it('works in the least memory, and with the load factor of one', () => {
    for (const bytes of [0, 24, 100]) {
      const map = new KeyOffsetMap({ bytes, loadFactor: 1, seed: [5, 2, 3, 4] })
      let keys = 0
      while (put(map, `key-${keys}`, keys)) keys++
      expect(keys).toBe(map.maxKeys)
      expect(get(map, 'another')).toBe(-1)
    }
  })
})
