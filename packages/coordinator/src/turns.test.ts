import { expect, it } from 'vitest'
import { inTurns } from './turns.ts'

it('gives each a turn of its own, in the order in which they came', () => {
  const turns: (() => void)[] = []
  const later = inTurns(run => turns.push(run))
  const ran: number[] = []
  for (const number of [1, 2]) later(() => ran.push(number))
  later(() => {
    ran.push(3)
    later(() => ran.push(5))
  })
  later(() => ran.push(4))
  const seen: number[][] = []
  for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
    turn()
    seen.push([...ran])
  }
  expect(seen).toEqual([[1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 4, 5]])
  later(() => ran.push(6))
  expect(turns).toHaveLength(1)
})
