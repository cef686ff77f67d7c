import { expect, it } from 'vitest'
import type { Family, Sample } from './family.ts'
import { registryOf } from './render.ts'

const family = (samples: readonly Sample[], more: Partial<Family> = {}): Family => ({
  name: 'kafka_test',
  help: 'For a test',
  type: 'gauge',
  labels: ['a', 'b'],
  samples: () => samples,
  ...more,
})
const linesOf = async (families: readonly Family[]) =>
  (await registryOf(families).metrics()).split('\n').filter(line => line.includes('kafka'))

it('numbers are written as Prometheus reads them', async () => {
  const values = [0, 1.5, -2, 1e21, Infinity, -Infinity, Number.NaN]
  expect(
    await linesOf([
      family(
        values.map(value => ({ labels: {}, value })),
        { help: 'a\nb\\c' },
      ),
    ]),
  ).toEqual([
    '# HELP kafka_test a\\nb\\\\c',
    '# TYPE kafka_test gauge',
    ...['0', '1.5', '-2', '1e+21', '+Inf', '-Inf', 'NaN'].map(value => `kafka_test ${value}`),
  ])
})

it('labels may have anything in them', async () => {
  const labels = { a: 'plain', b: 'a"b\\c\nd' }
  expect(await linesOf([family([{ labels, value: 1 }])])).toContain('kafka_test{a="plain",b="a\\"b\\\\c\\nd"} 1')
})

it('a family is refreshed before it is read, and the loop is not held for long', async () => {
  let isFresh = false
  const many = Array.from({ length: 5_000 }, (_, index) => ({ labels: { a: String(index) }, value: index }))
  const samples = (): Sample[] => (isFresh ? many : [])
  const refresh = async (): Promise<void> => void (isFresh = true)
  let turns = 0
  const turn = (): void => {
    turns += 1
    if (turns < 1_000) setImmediate(turn)
  }
  setImmediate(turn)
  expect(await linesOf([family([], { samples, refresh })])).toHaveLength(5_002)
  expect(turns).toBeGreaterThanOrEqual(4)
  turns = 1_000
})
