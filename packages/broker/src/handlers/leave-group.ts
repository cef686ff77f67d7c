// LeaveGroup, versions 0 to 5: takes members out of a classic group, several from version 3 on (KIP-345), with the reason from version 5
// on (KIP-800). Before version 3 the one member's error is the answer's.
import { ErrorCode, leaveGroupApi, type LeaveGroupRequest, type LeaveGroupResponseInit } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import { attempt, callerOf, type Failure, groupIdError, type GroupParts } from './group-calls.ts'

const FIRST_OF_SEVERAL = 3

const refuse = (errorCode: number): LeaveGroupResponseInit => ({ throttleTimeMs: 0, errorCode, members: [] })

/** Nobody of a group that is not known is a member. */
const failed = ({ code }: Failure, { members }: LeaveGroupRequest, apiVersion: number): LeaveGroupResponseInit =>
  code === ErrorCode.UNKNOWN_MEMBER_ID && apiVersion >= FIRST_OF_SEVERAL
    ? {
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        members: members.map(({ memberId, groupInstanceId }) => ({ memberId, groupInstanceId, errorCode: code })),
      }
    : refuse(code)

/** Serves LeaveGroup. */
export function leaveGroup({ groups, logger }: GroupParts): Handler<typeof leaveGroupApi> {
  return handler({
    api: leaveGroupApi,
    versions: [0, 5],
    handle(request, context) {
      const wrong = groupIdError(request.groupId)
      if (wrong !== ErrorCode.NONE) return refuse(wrong)
      return attempt<LeaveGroupResponseInit>(
        logger,
        () => groups.run(request.groupId, state => state.leave(request, callerOf(context))),
        failure => failed(failure, request, context.apiVersion),
      )
    },
    onError: refuse,
  })
}
