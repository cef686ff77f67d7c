// SyncGroup, versions 0 to 5: the leader of a classic group hands in the assignment, the members wait for theirs. From version 5 on
// protocol type and name must be there (KIP-559).
import { ErrorCode, syncGroupApi, type SyncGroupResponseInit } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import { attempt, callerOf, groupIdError, type GroupParts } from './group-calls.ts'

const refuse = (errorCode: number): SyncGroupResponseInit => ({ throttleTimeMs: 0, errorCode, assignment: Buffer.alloc(0) })

/** Serves SyncGroup. */
export function syncGroup({ groups, logger }: GroupParts): Handler<typeof syncGroupApi> {
  return handler({
    api: syncGroupApi,
    versions: [0, 5],
    handle(request, context) {
      const isNameless = request.protocolType === null || request.protocolName === null
      if (context.apiVersion >= 5 && isNameless) return refuse(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
      const wrong = groupIdError(request.groupId)
      if (wrong !== ErrorCode.NONE) return refuse(wrong)
      return attempt<SyncGroupResponseInit>(
        logger,
        () => groups.run(request.groupId, state => state.sync(request, callerOf(context))),
        ({ code }) => refuse(code),
      )
    },
    onError: refuse,
  })
}
