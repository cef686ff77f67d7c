// The same groups as in Kafka 4.3.1 get the same assignments, partition by partition.
import { describe, expect, it } from 'vitest'
import { assignorVectors, partitionsOf } from './assignor-vectors.ts'
import { assignors } from './index.ts'

describe('assignments of Kafka', () => {
  it.each([...assignorVectors()])('%s', (name, rounds) => {
    const assignor = assignors.get(name.split(':')[1] ?? '')
    expect(rounds.length).toBeGreaterThan(100)
    for (const { group, topics, expected } of rounds) {
      const target = assignor?.assign(group, topics) ?? new Map()
      expect(Object.fromEntries([...target].map(([id, assignment]) => [id, partitionsOf(assignment).toSorted()]))).toEqual(expected)
    }
  })
})
