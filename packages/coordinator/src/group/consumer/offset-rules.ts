// Who may commit and fetch offsets of a consumer group (class ConsumerGroup, validateOffsetCommit and validateOffsetFetch). Members of the
// classic protocol know generations where the others know epochs, so they get another error for the same.

import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { OffsetCaller } from '../group.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerGroupMember } from './member.ts'

/** First version of OffsetCommit that can tell members of the consumer protocol that their epoch is stale. */
const consumerProtocolVersion = 9

const staleError = (member: ConsumerGroupMember, message: string): KafkaError =>
  new KafkaError(member.classic === null ? ErrorCode.STALE_MEMBER_EPOCH : ErrorCode.ILLEGAL_GENERATION, message)

const epochWord = (member: ConsumerGroupMember): string => (member.classic === null ? 'member epoch' : 'generation id')

/** @throws KafkaError UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, ILLEGAL_GENERATION, UNSUPPORTED_VERSION */
export const ensureMayCommit = (group: ConsumerGroup, caller: OffsetCaller, isTransactional: boolean): void => {
  const epoch = caller.generationIdOrMemberEpoch
  // Administrators, and consumers that choose their partitions themselves, may use an empty group.
  if (epoch < 0 && group.memberCount === 0) return
  // Transactions only say who they are when they want to be checked.
  if (isTransactional && epoch === -1 && caller.memberId === '' && caller.groupInstanceId === null) return
  const member = group.memberOf(caller.memberId)
  if (!isTransactional && member.classic === null && caller.apiVersion < consumerProtocolVersion)
    throw new KafkaError(
      ErrorCode.UNSUPPORTED_VERSION,
      'OffsetCommit version 9 or above must be used by members using the consumer group protocol',
    )
  if (epoch === member.memberEpoch) return
  if (epoch > member.memberEpoch)
    throw staleError(member, `Received ${epochWord(member)} ${epoch} is newer than current member epoch ${member.memberEpoch}.`)
  if (caller.partitions === undefined)
    throw staleError(member, `Received ${epochWord(member)} ${epoch} is older than current member epoch ${member.memberEpoch}.`)
  for (const { topic, topicId, partition } of caller.partitions) {
    const since = member.assignedPartitions.get(topicId)?.get(partition) ?? member.partitionsPendingRevocation.get(topicId)?.get(partition)
    if (since === undefined) throw staleError(member, `Partition ${topic}-${partition} is not assigned or pending revocation for member.`)
    if (epoch < since)
      throw staleError(
        member,
        `Received ${epochWord(member)} ${epoch} is older than assignment epoch ${since} for partition ${topic}-${partition}.`,
      )
  }
}

/** @throws KafkaError UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, ILLEGAL_GENERATION */
export const ensureMayFetch = (group: ConsumerGroup, memberId: string, memberEpoch: number): void => {
  const member = group.memberOf(memberId)
  if (memberEpoch === member.memberEpoch) return
  throw staleError(
    member,
    member.classic === null
      ? `The received member epoch ${memberEpoch} does not match the expected member epoch ${member.memberEpoch}.`
      : `The received generation id ${memberEpoch} does not match the expected member epoch ${member.memberEpoch}.`,
  )
}
