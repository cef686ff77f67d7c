// LeaveGroup, versions 0 to 5: takes members out of a classic group, several from version 3 on (KIP-345), with the reason from version 5
// on (KIP-800). Before version 3 the one member's error is the answer's.
import { ErrorCode, leaveGroupApi, type LeaveGroupRequest, type LeaveGroupResponseInit } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import { attempt, callerOf, type Failure, groupIdError, type GroupParts, afterwards } from './group-calls.ts'

const FIRST_OF_SEVERAL = 3

const refuse = (errorCode: number): LeaveGroupResponseInit => ({ throttleTimeMs: 0, errorCode, members: [] })

/** Nobody of a group that is not known is a member. */
const failed = ({ code }: Failure, { members }: LeaveGroupRequest): LeaveGroupResponseInit =>
  code === ErrorCode.UNKNOWN_MEMBER_ID
    ? {
        throttleTimeMs: 0,
        errorCode: ErrorCode.NONE,
        members: members.map(({ memberId, groupInstanceId }) => ({ memberId, groupInstanceId, errorCode: code })),
      }
    : refuse(code)

function forVersion(response: LeaveGroupResponseInit, apiVersion: number): LeaveGroupResponseInit {
  if (apiVersion >= FIRST_OF_SEVERAL) return response
  return refuse(response.errorCode === ErrorCode.NONE ? (response.members?.[0]?.errorCode ?? ErrorCode.NONE) : response.errorCode)
}

/** Serves LeaveGroup. */
export function leaveGroup({ groups, logger }: GroupParts): Handler<typeof leaveGroupApi> {
  return handler({
    api: leaveGroupApi,
    versions: [0, 5],
    handle(request, context) {
      const { apiVersion } = context
      const wrong = groupIdError(request.groupId)
      if (wrong !== ErrorCode.NONE) return refuse(wrong)
      const one = { memberId: request.memberId, groupInstanceId: null, reason: null }
      const whole = apiVersion >= FIRST_OF_SEVERAL ? request : { ...request, members: [one] }
      const outcome = attempt<LeaveGroupResponseInit>(
        logger,
        () => groups.run(request.groupId, state => state.leave(whole, callerOf(context))),
        failure => failed(failure, whole),
      )
      return afterwards(outcome, response => forVersion(response, apiVersion))
    },
    onError: refuse,
  })
}
