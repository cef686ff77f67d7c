// What the assigners that Java's consumers also have decide from: members with their subscriptions, and the partitions of all topics that some member
// subscribes and that are there.
import { partitionKey } from './topic-partitions.ts'

/** A partition that can be given to members; one object per partition, so that it can be a key. */
export interface AssignablePartition {
  readonly topic: string
  readonly partition: number
  /** Racks that have a replica (KIP-881), offline ones too: they will come back. */
  readonly racks: ReadonlySet<string>
}

/** A member that wants partitions. */
export interface AssignableMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly topics: readonly string[]
  readonly rackId: string | null
  /** What it had, of what is still there; without what was no longer there for it. */
  readonly owned: readonly AssignablePartition[]
  /** Generation in which it had that, undefined when it did not say. */
  readonly generationId: number | undefined
}

/** Members in the order in which the coordinator told them. */
export interface GroupInput {
  readonly members: readonly AssignableMember[]
  /** By partition number. Topics without partitions are not in it. */
  readonly topics: ReadonlyMap<string, readonly AssignablePartition[]>
}

/** Partitions by member id; every member is there. */
export type GroupOutput = Map<string, AssignablePartition[]>

/** Finds the partitions' objects. */
export function partitionIndex(topics: GroupInput['topics']): ReadonlyMap<string, AssignablePartition> {
  const index = new Map<string, AssignablePartition>()
  for (const partitions of topics.values()) for (const partition of partitions) index.set(partitionKey(partition), partition)
  return index
}

/** Nobody has anything yet. */
export const emptyOutput = ({ members }: GroupInput): GroupOutput => new Map(members.map(({ memberId }) => [memberId, []]))

/** Static members come first, by instance id: so their order outlives restarts. */
export function compareMembers(one: AssignableMember, other: AssignableMember): number {
  if ((one.groupInstanceId === null) !== (other.groupInstanceId === null)) return one.groupInstanceId === null ? 1 : -1
  const [first, second] = [one.groupInstanceId ?? one.memberId, other.groupInstanceId ?? other.memberId]
  return first < second ? -1 : first > second ? 1 : 0
}

/**
 * Whether racks make a difference: some member is in a rack that has replicas, and not every partition has replicas in all racks.
 */
export function racksMatter(members: readonly AssignableMember[], partitions: Iterable<AssignablePartition>): boolean {
  const memberRacks = new Set(members.flatMap(({ rackId }) => rackId ?? []))
  if (memberRacks.size === 0) return false
  const all = new Set<string>()
  const sizes = new Set<number>()
  for (const { racks } of partitions) {
    sizes.add(racks.size)
    for (const rack of racks) all.add(rack)
  }
  if ([...memberRacks].every(rack => !all.has(rack))) return false
  return sizes.size > 1 || !sizes.has(all.size)
}
