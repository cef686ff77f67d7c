// Which partitions have moved from whom to whom while an assignment is balanced. When one is to go from A to B, and another of the same topic has gone from B to A, that one
// goes back instead: nothing moves that need not.
import type { AssignablePartition } from '../group-input.ts'

interface Movement {
  readonly from: string
  readonly to: string
}

/** The movements of one balancing. */
export class Movements {
  readonly #byPartition = new Map<AssignablePartition, Movement>()
  /** By topic and both members. */
  readonly #byPair = new Map<string, Set<AssignablePartition>>()

  /** Notes that a partition goes from one member to another; what came from there goes back, and has not moved. */
  move(partition: AssignablePartition, from: string, to: string): void {
    const before = this.#byPartition.get(partition)
    if (before !== undefined) {
      this.#byPartition.delete(partition)
      this.#byPair.get(keyOf(partition.topic, before))?.delete(partition)
    }
    const origin = before?.from ?? from
    if (origin === to) return
    const movement = { from: origin, to }
    this.#byPartition.set(partition, movement)
    const key = keyOf(partition.topic, movement)
    const pair = this.#byPair.get(key) ?? new Set()
    this.#byPair.set(key, pair)
    pair.add(partition)
  }

  /** The partition that should move, when this one is to. */
  insteadOf(partition: AssignablePartition, from: string, to: string): AssignablePartition {
    const origin = this.#byPartition.get(partition)?.from ?? from
    const [back] = this.#byPair.get(keyOf(partition.topic, { from: to, to: origin })) ?? []
    return back ?? partition
  }
}

const keyOf = (topic: string, { from, to }: Movement): string => JSON.stringify([topic, from, to])
