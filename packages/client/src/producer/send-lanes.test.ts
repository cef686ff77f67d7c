// The order of sends that cannot go at once.
import { expect, test } from 'vitest'
import { withResolvers } from './delivery.ts'
import { SendLanes } from './send-lanes.ts'

test('sends for a topic go one after the other, others need not wait for them, whatever becomes of them', async () => {
  const lanes = new SendLanes()
  const gate = withResolvers<void>()
  const seen: string[] = []
  const first = lanes.enter(['a', 'b'], async () => {
    await gate.promise
    seen.push('first')
    throw new Error('first failed')
  })
  const second = lanes.enter(['b'], async () => void seen.push('second'))
  await lanes.enter(['c'], async () => void seen.push('other'))
  expect([lanes.isFree(['a']), lanes.isFree(['c']), lanes.isFree(['b', 'c'])]).toEqual([false, true, false])
  gate.resolve()
  await expect(first).rejects.toThrow('first failed')
  await second
  expect(seen).toEqual(['other', 'first', 'second'])
  expect(lanes.isFree(['a', 'b'])).toBe(true)
})

test('whoever waits for those before it does not wait for those that come later', async () => {
  const lanes = new SendLanes()
  const gates = [withResolvers<void>(), withResolvers<void>()]
  const [early, late] = gates.map(({ promise }) => lanes.enter(['a'], () => promise))
  const { promise: never } = withResolvers<void>()
  gates[0]?.resolve()
  await early
  let isPassed = false
  const passed = lanes.passed().then(() => (isPassed = true))
  void lanes.enter(['a'], () => never)
  expect(isPassed).toBe(false)
  gates[1]?.resolve()
  await late
  await passed
})
