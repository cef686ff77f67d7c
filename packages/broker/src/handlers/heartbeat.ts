// Heartbeat, versions 0 to 4: a member of a classic group lives, and learns whether the group rebalances. While the coordinator still
// loads its groups every heartbeat is answered well, so that nobody leaves over it.
import { ErrorCode, heartbeatApi } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import { attempt, groupIdError, type GroupParts } from './group-calls.ts'

const answer = (errorCode: number) => ({ throttleTimeMs: 0, errorCode })

/** Serves Heartbeat. */
export function heartbeat({ groups, logger }: GroupParts): Handler<typeof heartbeatApi> {
  return handler({
    api: heartbeatApi,
    versions: [0, 4],
    handle(request) {
      const wrong = groupIdError(request.groupId)
      if (wrong !== ErrorCode.NONE) return answer(wrong)
      return attempt(
        logger,
        () => groups.run(request.groupId, state => state.heartbeat(request)),
        ({ code }) => answer(code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? ErrorCode.NONE : code),
      )
    },
    onError: answer,
  })
}
