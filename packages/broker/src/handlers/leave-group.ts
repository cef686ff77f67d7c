// LeaveGroup, versions 0 to 5: takes members out of a classic group, several from version 3 on (KIP-345), with the reason from version 5
// on (KIP-800). Before version 3 the one member's error is the answer's.
import { ErrorCode, leaveGroupApi, type LeaveGroupRequest, type LeaveGroupResponseInit } from '@ottla/protocol'
import { handler, type Handler, type RequestContext } from '../requests/handler.ts'
import { attempt, callerOf, type Failure, groupIdError, type GroupParts } from './group-calls.ts'

type LeftMember = NonNullable<LeaveGroupResponseInit['members']>[number]

const FIRST_OF_SEVERAL = 3
/** Members that leave by one decision; more leave as if by several requests. */
const LEAVING_AT_ONCE = 200

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
export function leaveGroup({ groups, slices, logger }: GroupParts): Handler<typeof leaveGroupApi> {
  const leaveOnce = (request: LeaveGroupRequest, context: RequestContext): LeaveGroupResponseInit | Promise<LeaveGroupResponseInit> =>
    attempt<LeaveGroupResponseInit>(
      logger,
      () => groups.run(request.groupId, state => state.leave(request, callerOf(context))),
      failure => failed(failure, request, context.apiVersion),
    )
  const leaveInPieces = async (request: LeaveGroupRequest, context: RequestContext): Promise<LeaveGroupResponseInit> => {
    const left: LeftMember[] = []
    for (let at = 0; at < request.members.length; at += LEAVING_AT_ONCE) {
      if (slices.isOver) await slices.pause()
      const members = request.members.slice(at, at + LEAVING_AT_ONCE)
      const answer = await leaveOnce({ ...request, members }, context)
      // What is wrong with the whole group is so from the first members on, but for one that ends meanwhile.
      if (answer.errorCode !== ErrorCode.NONE && at === 0) return answer
      const errors = members.map(({ memberId, groupInstanceId }) => ({ memberId, groupInstanceId, errorCode: answer.errorCode }))
      for (const member of answer.errorCode === ErrorCode.NONE ? (answer.members ?? []) : errors) left.push(member)
    }
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, members: left }
  }
  return handler({
    api: leaveGroupApi,
    versions: [0, 5],
    handle(request, context) {
      const wrong = groupIdError(request.groupId)
      if (wrong !== ErrorCode.NONE) return refuse(wrong)
      const isLarge = context.apiVersion >= FIRST_OF_SEVERAL && request.members.length > LEAVING_AT_ONCE
      return isLarge ? leaveInPieces(request, context) : leaveOnce(request, context)
    },
    onError: refuse,
  })
}
