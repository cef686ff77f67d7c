// The sticky assignment of a group whose members all subscribe the same topics: everybody ends up with the same number of partitions, or one more, so that it
// is known beforehand how much of what one owned can be kept. What is over goes round among those that have room.
import { type AssignablePartition, emptyOutput, type GroupInput, type GroupOutput } from '../group-input.ts'
import { compareStrings } from '../topic-partitions.ts'
import { type Claims, remove } from './claims.ts'
import type { Racks } from './racks.ts'

/** The assignment, and what of it others may still hold: partition to its new member. */
export interface ConstrainedResult {
  readonly output: GroupOutput
  readonly moving: ReadonlyMap<AssignablePartition, string>
}

/** Assigns. */
export function assignConstrained(input: GroupInput, claims: Claims, racks: Racks): ConstrainedResult {
  return new Constrained(input, claims, racks).run()
}

class Constrained {
  readonly #input: GroupInput
  readonly #claims: Claims
  readonly #racks: Racks
  readonly #output: GroupOutput
  readonly #moving = new Map<AssignablePartition, string>()
  /** Who had to give up a partition. */
  readonly #givenUp = new Map<AssignablePartition, string>()
  readonly #least: number
  readonly #most: number
  /** How many members may still get one more than the least. */
  #extras: number
  /** Members below the least. */
  readonly #below: string[] = []
  /** Members at the least, of which some will get one more. */
  #atLeast: string[] = []

  constructor(input: GroupInput, claims: Claims, racks: Racks) {
    this.#input = input
    this.#claims = claims
    this.#racks = racks
    this.#output = emptyOutput(input)
    const total = [...input.topics.values()].reduce((sum, partitions) => sum + partitions.length, 0)
    const count = Math.max(1, input.members.length)
    this.#least = Math.floor(total / count)
    this.#most = Math.ceil(total / count)
    this.#extras = total % count
  }

  run(): ConstrainedResult {
    for (const [memberId, owned] of this.#claims.owned) this.#keep(memberId, owned)
    const assigned = new Set([...this.#output.values()].flat())
    const topics = [...this.#input.topics.keys()].toSorted()
    const left = topics.flatMap(topic => this.#input.topics.get(topic) ?? []).filter(partition => !assigned.has(partition))
    this.#below.sort()
    this.#atLeast.sort()
    const sorted = this.#racks.sorted(left)
    this.#deal(this.#racks.matter ? sorted.filter(partition => !this.#giveNear(partition)) : sorted)
    return { output: this.#output, moving: this.#moving }
  }

  /** Lets a member keep what it owned, as much as its share is. */
  #keep(memberId: string, owned: readonly AssignablePartition[]): void {
    const near = owned.filter(partition => !this.#racks.mismatch(memberId, partition))
    for (const partition of owned) if (this.#racks.mismatch(memberId, partition)) this.#givenUp.set(partition, memberId)
    near.sort((one, other) => one.partition - other.partition || compareStrings(one.topic, other.topic))
    const getsExtra = near.length >= this.#most && this.#extras > 0
    const share = getsExtra ? this.#most : this.#least
    this.#output.get(memberId)?.push(...near.slice(0, share))
    for (const partition of near.slice(share)) this.#givenUp.set(partition, memberId)
    if (near.length < this.#least) this.#below.push(memberId)
    else if (getsExtra) this.#useExtra()
    else if (this.#extras > 0) this.#atLeast.push(memberId)
  }

  #useExtra(): void {
    this.#extras--
    if (this.#extras === 0) this.#atLeast = []
  }

  #nextNear = 0

  /** Gives a partition to a member in a rack of its replicas that has room. */
  #giveNear(partition: AssignablePartition): boolean {
    const index = this.#racks.nextNear(partition, this.#below, this.#nextNear)
    const memberId = this.#below[index]
    if (memberId !== undefined) {
      const count = this.#give(partition, memberId)
      if (count >= this.#least) {
        remove(this.#below, memberId)
        if (count < this.#most && this.#extras > 0) this.#atLeast.push(memberId)
      }
      const next = count >= this.#least ? index : index + 1
      this.#nextNear = this.#below.length === 0 ? 0 : next % this.#below.length
      return true
    }
    const other = this.#atLeast[this.#racks.nextNear(partition, this.#atLeast, 0)]
    if (other === undefined) return false
    if (this.#give(partition, other) === this.#most) {
      remove(this.#atLeast, other)
      this.#useExtra()
    }
    return true
  }

  /** Deals out what is left: first to those below the least, in turns, then one more to some. */
  #deal(partitions: readonly AssignablePartition[]): void {
    let turn = 0
    for (const partition of partitions) {
      if (turn >= this.#below.length) turn = 0
      const memberId = this.#below[turn] ?? this.#atLeast.shift()
      if (memberId === undefined) throw new Error('A sticky assignment has more partitions than members have room for')
      if (this.#give(partition, memberId) === this.#least) {
        this.#below.splice(turn, 1)
        this.#atLeast.push(memberId)
      } else turn++
    }
  }

  #give(partition: AssignablePartition, memberId: string): number {
    const partitions = this.#output.get(memberId) ?? []
    partitions.push(partition)
    const before = this.#givenUp.get(partition)
    if ((before !== undefined && before !== memberId) || this.#claims.disputed.has(partition)) this.#moving.set(partition, memberId)
    return partitions.length
  }
}
