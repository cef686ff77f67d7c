// LeaveGroup, versions 0 to 5: takes members out of a classic group, several from version 3 on (KIP-345), with the reason from version 5
// on (KIP-800). Before version 3 the one member's error is the answer's.
import { ErrorCode, leaveGroupApi, type LeaveGroupRequest, type LeaveGroupResponseInit } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
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
  return handler({
    api: leaveGroupApi,
    versions: [0, 5],
    handle(request, context) {
      const wrong = groupIdError(request.groupId)
      if (wrong !== ErrorCode.NONE) return refuse(wrong)
      const caller = callerOf(context)
      const leave = (leaving: LeaveGroupRequest): LeaveGroupResponseInit | Promise<LeaveGroupResponseInit> =>
        attempt<LeaveGroupResponseInit>(
          logger,
          () => groups.run(leaving.groupId, state => state.leave(leaving, caller)),
          failure => failed(failure, leaving, context.apiVersion),
        )
      const { members } = request
      if (members.length <= LEAVING_AT_ONCE || context.apiVersion < FIRST_OF_SEVERAL) return leave(request)
      return (async () => {
        const left: LeftMember[] = []
        for (let at = 0; at < members.length; at += LEAVING_AT_ONCE) {
          if (slices.isOver) await slices.pause()
          const some = members.slice(at, at + LEAVING_AT_ONCE)
          const answer = await leave({ ...request, members: some })
          // What is wrong with the whole group is so from the first members on, but for one that ends meanwhile.
          if (answer.errorCode !== ErrorCode.NONE && at === 0) return answer
          const errors = some.map(({ memberId, groupInstanceId }) => ({ memberId, groupInstanceId, errorCode: answer.errorCode }))
          for (const member of answer.errorCode === ErrorCode.NONE ? (answer.members ?? []) : errors) left.push(member)
        }
        return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, members: left }
      })()
    },
    onError: refuse,
  })
}
