// DescribeGroups, versions 0 to 6: state and members of classic groups. A group that is not there, or is of another type, is a dead one;
// from version 6 on it has the error GROUP_ID_NOT_FOUND besides (KIP-1043). Who may do what is told where it is asked for (KIP-430).
import { describeGroupsApi, type DescribeGroupsResponseInit, ErrorCode } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import { GROUP_OPERATIONS } from './authorized-operations.ts'
import { type GroupParts, shortened } from './group-calls.ts'
import { askByCoordinator } from './groups-by-coordinator.ts'

type Described = DescribeGroupsResponseInit['groups'][number]

const FIRST_WITH_NOT_FOUND = 6

const refuse = (groupId: string, errorCode: number): Described => ({
  errorCode,
  groupId,
  groupState: '',
  protocolType: '',
  protocolData: '',
  members: [],
})

const forVersion = (group: Described, apiVersion: number): Described => {
  if (group.errorCode === ErrorCode.NONE) return group
  const { errorMessage, ...older } = group
  if (apiVersion >= FIRST_WITH_NOT_FOUND) return { ...older, errorMessage: shortened(errorMessage ?? '') || null }
  return group.errorCode === ErrorCode.GROUP_ID_NOT_FOUND ? { ...older, errorCode: ErrorCode.NONE } : older
}

/** Serves DescribeGroups. */
export function describeGroups(parts: GroupParts): Handler<typeof describeGroupsApi> {
  return handler({
    api: describeGroupsApi,
    versions: [0, 6],
    async handle({ groups: groupIds, includeAuthorizedOperations }, { apiVersion }) {
      const groups = await askByCoordinator<Described>(parts, {
        groupIds,
        mayBeEmpty: true,
        ask: (state, ids) => state.administration.describeClassic(ids),
        failed: (groupId, { code }) => refuse(groupId, code),
        shown: answer => {
          const group = forVersion(answer, apiVersion)
          const isTold = includeAuthorizedOperations && group.errorCode === ErrorCode.NONE
          return isTold ? { ...group, authorizedOperations: GROUP_OPERATIONS } : group
        },
      })
      return { throttleTimeMs: 0, groups }
    },
    onError: (code, request) => ({ throttleTimeMs: 0, groups: request.groups.map(groupId => refuse(groupId, code)) }),
  })
}
