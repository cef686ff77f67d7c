// Kafka's sticky assignment, of which `sticky` and `cooperative-sticky` are made: as even as can be, and of what members had, as much as that allows stays.
import type { AssignablePartition, GroupInput, GroupOutput } from '../group-input.ts'
import { claimsOf, remove } from './claims.ts'
import { assignConstrained } from './constrained.ts'
import { assignGeneral } from './general.ts'
import { racksOf, sameSubscriptions } from './racks.ts'

/** Assigns; partitions go to their new members at once, for members that have given up everything (eager). */
export const assignSticky = (input: GroupInput): GroupOutput => assign(input).output

/** The same without the partitions that others still have: they are given out in the next round, after those gave them up (KIP-429). */
export function assignCooperativeSticky(input: GroupInput): GroupOutput {
  const { output, moving } = assign(input)
  for (const [partition, memberId] of moving ?? movingIn(input, output)) remove(output.get(memberId), partition)
  return output
}

function assign(input: GroupInput): { output: GroupOutput; moving?: ReadonlyMap<AssignablePartition, string> } {
  const claims = claimsOf(input)
  const racks = racksOf(input)
  if (sameSubscriptions(input.members)) return assignConstrained(input, claims, racks)
  return { output: assignGeneral(input, claims, racks) }
}

/** Partitions that one member gets and another has. */
function movingIn({ members }: GroupInput, output: GroupOutput): Map<AssignablePartition, string> {
  const moving = new Map<AssignablePartition, string>()
  const givenUp = new Set<AssignablePartition>()
  for (const { memberId, owned } of members) {
    const kept = new Set(output.get(memberId))
    for (const partition of owned) if (!kept.has(partition)) givenUp.add(partition)
  }
  for (const { memberId, owned } of members) {
    const had = new Set(owned)
    for (const partition of output.get(memberId) ?? []) {
      if (!had.has(partition) && givenUp.has(partition)) moving.set(partition, memberId)
    }
  }
  return moving
}
