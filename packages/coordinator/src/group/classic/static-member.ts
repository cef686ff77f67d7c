// A static member comes back under a new member id: its group.instance.id takes the place, and with it the assignment, of the id that had it
// before (updateStaticMemberThenRebalanceOrCompleteJoin of Kafka). In a stable group whose protocol stays the same nobody else notices.

import type { KafkaError } from '@ottla/protocol'
import type { ClassicGroup } from './classic-group.ts'
import type { ClassicMember, MemberTerms } from './classic-member.ts'
import { type ClassicParts, type ClassicRebalances, joinAnswer, membersOf, type Stored } from './classic-rebalances.ts'
import { groupMetadataOf } from './group-metadata.ts'
import { causeOf, type Join } from './join-cause.ts'
import { joinError, storeError } from './waiting.ts'

/** From this version on a leader is told the members, and that it need not assign. */
const SKIP_ASSIGNMENT_VERSION = 9

interface Replacement {
  readonly former: ClassicMember
  readonly memberId: string
}

/** Lets a static member join in the place of its former id. */
export const joinStaticMember = ({ world, rebalances }: ClassicParts, join: Join, replacement: Replacement): Stored | null => {
  const { group, terms, waiting } = join
  const { former, memberId } = replacement
  const formerLeaderId = group.leaderId
  const formerTerms = former.terms
  world.logger.info(
    { groupId: group.groupId, groupInstanceId: former.groupInstanceId, memberId, formerMemberId: former.memberId },
    'a static member is back under a new id',
  )
  world.timers.cancel(former.sessionKey)
  const member = group.replaceStatic(former, memberId)
  group.update(member, terms)
  group.waitForJoin(member, waiting)
  rebalances.watch(group, member)
  switch (group.state) {
    case 'Stable':
      if (group.electProtocol() !== group.protocolName)
        return rebalances.prepare(group, causeOf(join, 'a static member came back and changes the protocol', memberId))
      return {
        records: [groupMetadataOf(group, ({ assignment }) => assignment)],
        settled: error => {
          const kept = { group, member, waiting, formerLeaderId }
          if (error === null) answerInPlace(kept, join.caller.apiVersion)
          else revert({ ...kept, rebalances, formerMemberId: former.memberId, formerTerms, error })
        },
      }
    case 'CompletingRebalance':
      // The leader may have been told the former id, and would assign to that.
      return rebalances.prepare(group, causeOf(join, 'a static member came back during a rebalance', memberId))
    default:
      return rebalances.completeIfNotInitial(group)
  }
}

interface Kept {
  readonly group: ClassicGroup
  readonly member: ClassicMember
  readonly waiting: Join['waiting']
  readonly formerLeaderId: string | null
}

/** Answers the member that came back. Should a rebalance have begun since, it waits for the end of that like everybody. */
const answerInPlace = ({ group, member, waiting, formerLeaderId }: Kept, apiVersion: number): void => {
  if (group.state !== 'Stable' || member.waitingJoin !== waiting) return
  const isLeader = group.isLeader(member.memberId)
  const canSkip = apiVersion >= SKIP_ASSIGNMENT_VERSION
  group.answerJoin(member, {
    ...joinAnswer(group, member),
    // Older clients assign when they are called the leader; so they are told the id that they had.
    leader: (canSkip ? group.leaderId : formerLeaderId) ?? '',
    skipAssignment: canSkip && isLeader,
    members: canSkip && isLeader ? membersOf(group) : [],
  })
  group.renewSession(member)
}

interface Reversal extends Kept {
  readonly rebalances: ClassicRebalances
  readonly formerMemberId: string
  readonly formerTerms: MemberTerms
  readonly error: KafkaError
}

/** The new id could not be written: the member has its former one again. */
const revert = ({ group, member, waiting, formerLeaderId, rebalances, formerMemberId, formerTerms, error }: Reversal): void => {
  if (group.state !== 'Stable' || member.waitingJoin !== waiting) return
  group.answerJoin(member, {
    ...joinError(storeError(error.code), ''),
    generationId: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: formerLeaderId ?? '',
  })
  const former = group.replaceStatic(member, formerMemberId)
  group.update(former, formerTerms)
  rebalances.watch(group, former)
}
