// The sticky assignment of a group whose members subscribe different topics. What members own and still subscribe stays; what nobody has goes to who has least
// and may have it; then partitions move from who has more to who has less, as long as that makes the assignment more even.
import type { AssignableMember, AssignablePartition, GroupInput, GroupOutput } from '../group-input.ts'
import { compareStrings } from '../topic-partitions.ts'
import { type Claims, remove } from './claims.ts'
import { MemberOrder } from './member-order.ts'
import { Movements } from './movements.ts'
import type { Racks } from './racks.ts'

/** Assigns. */
export function assignGeneral(input: GroupInput, claims: Claims, racks: Racks): GroupOutput {
  return new General(input, claims, racks).run()
}

class General {
  readonly #input: GroupInput
  readonly #racks: Racks
  readonly #current: GroupOutput
  readonly #owners = new Map<AssignablePartition, string>()
  readonly #topicsOf = new Map<string, readonly string[]>()
  readonly #takersOf = new Map<string, string[]>()
  readonly #order: MemberOrder
  readonly #movements = new Movements()
  /** Who had a partition in an earlier generation than the latest. */
  readonly #before: ReadonlyMap<AssignablePartition, string>
  #mustRevoke = false

  constructor(input: GroupInput, claims: Claims, racks: Racks) {
    this.#input = input
    this.#racks = racks
    this.#current = new Map([...claims.owned].map(([memberId, owned]) => [memberId, [...owned]]))
    this.#order = new MemberOrder(memberId => this.#current.get(memberId)?.length ?? 0)
    for (const topic of input.topics.keys()) this.#takersOf.set(topic, [])
    for (const { memberId, topics } of input.members) {
      const there = topics.filter(topic => input.topics.has(topic))
      this.#topicsOf.set(memberId, there)
      for (const topic of there) this.#takersOf.get(topic)?.push(memberId)
    }
    this.#before = earlierOwners(input.members, claims.maxGeneration)
  }

  run(): GroupOutput {
    this.#keep()
    const all = this.#sortedPartitions()
    const left = all.filter(partition => !this.#owners.has(partition))
    for (const memberId of this.#current.keys()) this.#order.add(memberId)
    this.#balance(all, left)
    return this.#current
  }

  /** Of what members own, that which they still subscribe and are near to. */
  #keep(): void {
    for (const [memberId, partitions] of this.#current) {
      const topics = new Set(this.#topicsOf.get(memberId))
      const kept = partitions.filter(partition => topics.has(partition.topic) && !this.#racks.mismatch(memberId, partition))
      if (kept.length < partitions.length) this.#mustRevoke = true
      this.#current.set(memberId, kept)
      for (const partition of kept) this.#owners.set(partition, memberId)
    }
  }

  /** Partitions that few may have come first. */
  #sortedPartitions(): AssignablePartition[] {
    const takers = (topic: string): number => this.#takersOf.get(topic)?.length ?? 0
    const topics = [...this.#input.topics.keys()].toSorted((one, other) => takers(one) - takers(other) || compareStrings(one, other))
    return topics.flatMap(topic => this.#input.topics.get(topic) ?? [])
  }

  #balance(all: readonly AssignablePartition[], left: readonly AssignablePartition[]): void {
    const fromNothing = this.#sizeOf(this.#order.all.at(-1)) === 0
    const far = this.#racks.matter ? left.filter(partition => !this.#giveToLeast(partition, true)) : left
    for (const partition of far) this.#giveToLeast(partition, false)
    const movable = (partition: AssignablePartition): boolean => (this.#takersOf.get(partition.topic)?.length ?? 0) >= 2
    const fixed = this.#takeFixed()
    const before = new Map([...this.#current].map(([memberId, partitions]) => [memberId, [...partitions]]))
    const scoreBefore = unevenness(this.#current)
    if (!this.#mustRevoke) this.#reassign(left.filter(movable))
    const moved = this.#reassign(all.filter(movable))
    const better = !moved || fromNothing || unevenness(this.#current) < scoreBefore
    if (!better) for (const [memberId, partitions] of before) this.#current.set(memberId, partitions)
    for (const [memberId, partitions] of fixed) this.#current.set(memberId, partitions)
  }

  #giveToLeast(partition: AssignablePartition, near: boolean): boolean {
    const takers = new Set(this.#takersOf.get(partition.topic))
    const taker = this.#order.all.find(memberId => takers.has(memberId) && !(near && this.#racks.mismatch(memberId, partition)))
    if (taker === undefined) return false
    this.#order.moving([taker], () => this.#current.get(taker)?.push(partition))
    this.#owners.set(partition, taker)
    return true
  }

  /** Takes out the members that no movement can change: those that have all they may have, of which nobody else may have anything. */
  #takeFixed(): GroupOutput {
    const fixed: GroupOutput = new Map()
    for (const [memberId, partitions] of this.#current) {
      const alone = partitions.every(({ topic }) => (this.#takersOf.get(topic)?.length ?? 0) < 2)
      if (partitions.length < this.#mostOf(memberId) || !alone) continue
      fixed.set(memberId, partitions)
      this.#order.remove(memberId)
      this.#current.delete(memberId)
    }
    return fixed
  }

  /** Moves partitions until none is left whose movement helps. Each movement makes two members more alike, so that it comes to an end. */
  #reassign(partitions: readonly AssignablePartition[]): boolean {
    let moved = false
    for (let again = true; again; ) {
      again = false
      for (const partition of partitions) {
        if (this.#isEven()) break
        const to = this.#betterOwner(partition)
        if (to === undefined) continue
        this.#move(partition, to)
        again = true
        moved = true
      }
    }
    return moved
  }

  /** Who should have it instead: who had it before, or else whoever has least. */
  #betterOwner(partition: AssignablePartition): string | undefined {
    const size = this.#sizeOf(this.#owners.get(partition))
    const takers = (this.#takersOf.get(partition.topic) ?? []).filter(
      memberId => this.#current.has(memberId) && size > this.#sizeOf(memberId) + 1,
    )
    if (takers.length === 0) return undefined
    const previous = this.#before.get(partition)
    if (previous !== undefined && takers.includes(previous)) return previous
    const may = new Set(takers)
    return this.#order.all.find(memberId => may.has(memberId))
  }

  #move(wanted: AssignablePartition, to: string): void {
    const from = this.#owners.get(wanted) ?? ''
    const partition = this.#movements.insteadOf(wanted, from, to)
    const owner = this.#owners.get(partition) ?? from
    this.#order.moving([to, owner], () => {
      this.#movements.move(partition, owner, to)
      remove(this.#current.get(owner), partition)
      this.#current.get(to)?.push(partition)
      this.#owners.set(partition, to)
    })
  }

  /** Whether no single movement can help. */
  #isEven(): boolean {
    const sorted = this.#order.all
    if (this.#sizeOf(sorted[0]) >= this.#sizeOf(sorted.at(-1)) - 1) return true
    const largest = new Map<string, number>()
    for (const partitions of this.#current.values()) {
      for (const { topic } of partitions) largest.set(topic, Math.max(largest.get(topic) ?? 0, partitions.length))
    }
    return sorted.every(memberId => {
      const size = this.#sizeOf(memberId)
      return (this.#topicsOf.get(memberId) ?? []).every(topic => size + 1 >= (largest.get(topic) ?? 0))
    })
  }

  #sizeOf(memberId: string | undefined): number {
    return memberId === undefined ? 0 : (this.#current.get(memberId)?.length ?? 0)
  }

  #mostOf(memberId: string): number {
    return (this.#topicsOf.get(memberId) ?? []).reduce((sum, topic) => sum + (this.#input.topics.get(topic)?.length ?? 0), 0)
  }
}

/** The latest of the earlier claims to each partition. */
function earlierOwners(members: readonly AssignableMember[], maxGeneration: number): ReadonlyMap<AssignablePartition, string> {
  const claims = new Map<AssignablePartition, { memberId: string; generationId: number }>()
  for (const { memberId, owned, generationId = -1 } of members) {
    if (generationId >= maxGeneration) continue
    for (const partition of owned) {
      if (generationId > (claims.get(partition)?.generationId ?? -2)) claims.set(partition, { memberId, generationId })
    }
  }
  return new Map([...claims].map(([partition, { memberId }]) => [partition, memberId]))
}

/** Sum of the differences of all pairs of members; 0 is perfectly even. */
function unevenness(assignment: GroupOutput): number {
  const sizes = [...assignment.values()].map(({ length }) => length).toSorted((one, other) => one - other)
  return sizes.reduce((sum, size, index) => sum + size * (2 * index - sizes.length + 1), 0)
}
