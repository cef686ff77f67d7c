import { describe, expect, it } from 'vitest'
import { defaultLimits } from './limits.ts'
import type { OutputOwner } from './output-budget.ts'
import { OutputBudget } from './output-budget.ts'

/** A budget of 1,000 bytes and connections that owe, at a time of 100,000 ms. */
function budgetOf(owing: readonly { name: string; bytes: number; ageMs: number }[]) {
  const closed: string[] = []
  const owners = owing.map(
    ({ name, bytes, ageMs }): OutputOwner => ({
      waitingBytes: bytes,
      owingSinceMs: 100_000 - ageMs,
      closeUnread: (size, age) => closed.push(`${name} ${size} ${age}`),
    }),
  )
  const budget = new OutputBudget({ ...defaultLimits, outputBytes: 1000 }, owners, () => 100_000)
  for (const { bytes } of owing) budget.add(bytes)
  return { budget, closed }
}

const recent = (bytes: number) => ['a', 'b', 'c'].map((name, index) => ({ name, bytes: bytes + index, ageMs: 1000 }))

describe('OutputBudget', () => {
  it('closes nobody within the limit', async () => {
    const { budget, closed } = budgetOf([{ name: 'a', bytes: 1000, ageMs: 1_000_000 }])
    await Promise.resolve()
    budget.enforce()
    expect(closed).toEqual([])
  })

  it('closes those that hold most for longest, and no more than it has to', async () => {
    const { closed } = budgetOf([
      { name: 'small and old', bytes: 100, ageMs: 50_000 },
      { name: 'large and new', bytes: 800, ageMs: 10 },
      { name: 'large and old', bytes: 600, ageMs: 50_000 },
    ])
    expect(closed).toEqual([])
    await new Promise<void>(resolve => setImmediate(resolve))
    expect(closed).toEqual(['large and old 600 50000'])
  })

  it('gives new ones time, unless the limit is passed twice over', () => {
    const some = budgetOf(recent(400))
    some.budget.enforce()
    expect(some.closed).toEqual([])
    const many = budgetOf(recent(900))
    many.budget.enforce()
    expect(many.closed).toEqual(['c 902 1000'])
  })

  it('is crowded while all have more than the smaller limit, and counts anew what was taken', () => {
    let now = 100_000
    const owner = { waitingBytes: 0, owingSinceMs: now, closeUnread: () => undefined }
    const budget = new OutputBudget({ ...defaultLimits, crowdedOutputBytes: 100 }, [owner], () => now)
    const add = (bytes: number) => {
      owner.waitingBytes += bytes
      budget.add(bytes)
    }
    add(100)
    expect(budget.isCrowded).toBe(false)
    add(1)
    expect(budget.isCrowded).toBe(true)
    owner.waitingBytes = 50
    now += 9
    expect(budget.isCrowded).toBe(true)
    now += 1
    expect(budget.isCrowded).toBe(false)
  })
})
