// ConsumerGroupDescribe, versions 0 and 1: state and members of groups of the new consumer protocol (KIP-848), in version 1 with the
// protocol that each member speaks (KIP-1099). UNSUPPORTED_VERSION where that protocol is off.
import { consumerGroupDescribeApi, type ConsumerGroupDescribeResponseInit, ErrorCode } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import { GROUP_OPERATIONS } from './authorized-operations.ts'
import { type GroupParts, knowsConsumerGroups, shortened } from './group-calls.ts'
import { askByCoordinator } from './groups-by-coordinator.ts'

type Described = ConsumerGroupDescribeResponseInit['groups'][number]

const refuse = (groupId: string, errorCode: number): Described => ({
  errorCode,
  groupId,
  groupState: '',
  groupEpoch: 0,
  assignmentEpoch: 0,
  assignorName: '',
  members: [],
})

/** Serves ConsumerGroupDescribe. */
export function consumerGroupDescribe(parts: GroupParts): Handler<typeof consumerGroupDescribeApi> {
  return handler({
    api: consumerGroupDescribeApi,
    versions: [0, 1],
    async handle({ groupIds, includeAuthorizedOperations }) {
      if (!knowsConsumerGroups(parts))
        return { throttleTimeMs: 0, groups: groupIds.map(groupId => refuse(groupId, ErrorCode.UNSUPPORTED_VERSION)) }
      const groups = await askByCoordinator<Described>(parts, {
        groupIds,
        mayBeEmpty: false,
        ask: (state, ids) => state.administration.describeConsumer(ids),
        failed: (groupId, { code }) => refuse(groupId, code),
        shown: group => {
          if (group.errorCode !== ErrorCode.NONE) return { ...group, errorMessage: shortened(group.errorMessage ?? '') || null }
          return includeAuthorizedOperations ? { ...group, authorizedOperations: GROUP_OPERATIONS } : group
        },
      })
      return { throttleTimeMs: 0, groups }
    },
    onError: (code, { groupIds }) => ({ throttleTimeMs: 0, groups: groupIds.map(groupId => refuse(groupId, code)) }),
  })
}
