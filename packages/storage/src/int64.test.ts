import { expect, it } from 'vitest'
import { readInt64, writeInt64 } from './int64.ts'

const written = (value: number) => {
  const buffer = Buffer.alloc(8)
  writeInt64(buffer, value, 0)
  return buffer
}

it.each([0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 32, -(2 ** 32), 2 ** 40 + 7, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])(
  'keeps %d',
  value => {
    expect(readInt64(written(value), 0)).toBe(value)
    expect(written(value).readBigInt64BE(0)).toBe(BigInt(value))
  },
)

it('reads what no number holds as the safe one next to it, which can be written', () => {
  expect(readInt64(Buffer.from('7fffffffffffffff', 'hex'), 0)).toBe(Number.MAX_SAFE_INTEGER)
  expect(readInt64(Buffer.from('8000000000000000', 'hex'), 0)).toBe(Number.MIN_SAFE_INTEGER)
})
