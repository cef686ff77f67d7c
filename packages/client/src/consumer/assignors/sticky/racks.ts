// Racks in a sticky assignment (KIP-881): whether they matter, and who is near to what.
import { type AssignableMember, type AssignablePartition, type GroupInput, racksMatter } from '../group-input.ts'

/** The racks of a group. */
export interface Racks {
  readonly matter: boolean
  /** Whether a member's rack has no replica of the partition; false where racks do not matter. */
  mismatch(memberId: string, partition: AssignablePartition): boolean
  /** Index of the first of these members, from `start` on and around, whose rack has a replica; -1: none. */
  nextNear(partition: AssignablePartition, memberIds: readonly string[], start: number): number
  /** Rack of a member, undefined where racks do not matter. */
  of(memberId: string): string | undefined
  /** Members near to few come first. */
  sorted(partitions: readonly AssignablePartition[]): AssignablePartition[]
}

/** Looks at a group. */
export function racksOf({ members, topics }: GroupInput): Racks {
  const matter = racksMatter(members, [...topics.values()].flat())
  const racks = new Map(matter ? members.flatMap(({ memberId, rackId }) => (rackId === null ? [] : [[memberId, rackId] as const])) : [])
  const population = new Map<string, number>()
  for (const rack of racks.values()) population.set(rack, (population.get(rack) ?? 0) + 1)
  const near = ({ racks: replicas }: AssignablePartition): number =>
    [...replicas].reduce((count, rack) => count + (population.get(rack) ?? 0), 0)
  return {
    matter,
    mismatch: (memberId, partition) => {
      const rack = racks.get(memberId)
      return rack !== undefined && !partition.racks.has(rack)
    },
    nextNear: (partition, memberIds, start) => {
      for (let step = 0; step < memberIds.length; step++) {
        const index = (start + step) % memberIds.length
        const rack = racks.get(memberIds[index] ?? '')
        if (rack !== undefined && partition.racks.has(rack)) return index
      }
      return -1
    },
    of: memberId => racks.get(memberId),
    sorted: partitions => (matter ? partitions.toSorted((one, other) => near(one) - near(other)) : [...partitions]),
  }
}

/** Whether all members subscribe the same topics. */
export function sameSubscriptions(members: readonly AssignableMember[]): boolean {
  const first = new Set(members[0]?.topics)
  return members.every(({ topics }) => new Set(topics).size === first.size && topics.every(topic => first.has(topic)))
}
