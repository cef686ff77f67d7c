// What members claim to own before a sticky assignment. Where two claim the same partition the later generation is right; in the same generation nobody is.
import type { AssignablePartition, GroupInput } from '../group-input.ts'

/** The claims of a group's members. */
export interface Claims {
  /** By member id; every member is there. */
  readonly owned: ReadonlyMap<string, AssignablePartition[]>
  /** Claimed by several in the same generation. */
  readonly disputed: ReadonlySet<AssignablePartition>
  /** The latest generation of any member, -1 when nobody is in one. */
  readonly maxGeneration: number
}

/** Settles the claims. */
export function claimsOf({ members }: GroupInput): Claims {
  const owned = new Map<string, AssignablePartition[]>()
  const owners = new Map<AssignablePartition, { memberId: string; generationId: number }>()
  const disputed = new Set<AssignablePartition>()
  let maxGeneration = -1
  for (const { memberId, owned: claimed, generationId = -1 } of members) {
    maxGeneration = Math.max(maxGeneration, generationId)
    const kept: AssignablePartition[] = []
    owned.set(memberId, kept)
    for (const partition of claimed) {
      const other = owners.get(partition)
      if (other !== undefined && other.generationId > generationId) continue
      if (other !== undefined) remove(owned.get(other.memberId), partition)
      owners.set(partition, { memberId, generationId })
      if (other?.generationId === generationId) disputed.add(partition)
      else kept.push(partition)
    }
  }
  return { owned, disputed, maxGeneration }
}

/** Takes one element out of a list. */
export function remove<T>(list: T[] | undefined, element: T): void {
  const index = list?.indexOf(element) ?? -1
  if (index >= 0) list?.splice(index, 1)
}
