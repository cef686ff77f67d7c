// ConsumerGroupHeartbeat, versions 0 and 1: joins, follows and leaves a group of the new consumer protocol (KIP-848). From version 1 on
// clients choose their member id, and may subscribe to a pattern. UNSUPPORTED_VERSION where that protocol is off.
import { consumerGroupHeartbeatApi, type ConsumerGroupHeartbeatResponseInit, ErrorCode } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import { attempt, callerOf, type Failure, type GroupParts, knowsConsumerGroups } from './group-calls.ts'

const refuse = ({ code, message }: Failure): ConsumerGroupHeartbeatResponseInit => ({
  throttleTimeMs: 0,
  errorCode: code,
  errorMessage: message,
  memberEpoch: 0,
  heartbeatIntervalMs: 0,
})

/** Serves ConsumerGroupHeartbeat. */
export function consumerGroupHeartbeat(parts: GroupParts): Handler<typeof consumerGroupHeartbeatApi> {
  const { groups, logger } = parts
  return handler({
    api: consumerGroupHeartbeatApi,
    versions: [0, 1],
    handle(request, context) {
      if (!knowsConsumerGroups(parts)) return refuse({ code: ErrorCode.UNSUPPORTED_VERSION, message: null })
      return attempt<ConsumerGroupHeartbeatResponseInit>(
        logger,
        () => groups.run(request.groupId, state => state.consumerHeartbeat(request, callerOf(context))),
        refuse,
      )
    },
    onError: code => refuse({ code, message: null }),
  })
}
