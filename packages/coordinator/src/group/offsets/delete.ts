// OffsetDelete (KIP-496): offsets of topics that the group does not use, while it lives on.

import { ErrorCode, KafkaError, type OffsetDeleteRequest, type OffsetDeleteResponseInit } from '@ottla/protocol'
import type { Decision } from '../../decision.ts'
import type { CoordinatorRecord } from '../../record.ts'
import type { Groups } from '../group.ts'
import { existingGroup } from './commit.ts'
import { offsetTombstone } from './committed-offset.ts'
import type { OffsetState } from './offset-state.ts'

/**
 * Deletes offsets. A partition without an offset is answered like one that had one.
 * @throws KafkaError INVALID_GROUP_ID, GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP
 */
export function deleteOffsets(
  { state, groups }: { readonly state: OffsetState; readonly groups: Groups },
  { groupId, topics }: OffsetDeleteRequest,
): Decision<OffsetDeleteResponseInit> {
  if (groupId === '') throw new KafkaError(ErrorCode.INVALID_GROUP_ID)
  const group = existingGroup(groups, groupId)
  group.ensureOffsetsMayBeDeleted()
  const records: CoordinatorRecord[] = []
  const answers = topics.map(({ name, partitions }) => {
    const errorCode = group.isSubscribedTo(name) ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE
    if (errorCode === ErrorCode.NONE)
      for (const { partitionIndex: partition } of partitions)
        if (state.committed.get(groupId, name, partition) !== undefined || state.pending.has(groupId, name, partition))
          records.push(offsetTombstone({ groupId, topic: name, partition }))
    return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) }
  })
  return { records, reply: { errorCode: ErrorCode.NONE, throttleTimeMs: 0, topics: answers } }
}
