// JoinGroup, versions 0 to 9: a member enters a classic group and is answered when the group is complete, which may take the group's
// rebalance timeout. Until then, as in Kafka, no further request of its connection is served; if the connection ends, the member stays
// until its session does. Version 0 has no rebalance timeout of its own; from version 4 on who has no member id gets one first (KIP-394).
import { ErrorCode, joinGroupApi, type JoinGroupRequest, type JoinGroupResponseInit, KafkaError } from '@ottla/protocol'
import { topicValue } from '../config/index.ts'
import { handler, type Handler } from '../requests/handler.ts'
import { attempt, callerOf, groupIdError, type GroupParts, afterwards } from './group-calls.ts'

/** What all protocols of a member may take together, in records of the largest size: only one of them is kept for long. */
const MAX_RECORDS = 4

const refuse = (errorCode: number, memberId: string): JoinGroupResponseInit => ({
  throttleTimeMs: 0,
  errorCode,
  generationId: -1,
  protocolType: null,
  protocolName: '',
  leader: '',
  memberId,
  members: [],
})

/** The first versions have no null for the protocol's name, the others no empty one. */
const named = (response: JoinGroupResponseInit, apiVersion: number): JoinGroupResponseInit => ({
  ...response,
  protocolName: apiVersion < 7 ? (response.protocolName ?? '') : response.protocolName === '' ? null : response.protocolName,
})

/** Errors of the coordinator itself, and of a full group, say nothing about the member. */
const nameless: readonly number[] = [
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.GROUP_MAX_SIZE_REACHED,
]

/** Serves JoinGroup. */
export function joinGroup(parts: GroupParts): Handler<typeof joinGroupApi> {
  const { groups, logger } = parts
  return handler({
    api: joinGroupApi,
    versions: [0, 9],
    handle(request, context) {
      const { apiVersion } = context
      const wrong = groupIdError(request.groupId)
      if (wrong !== ErrorCode.NONE) return named(refuse(wrong, request.memberId), apiVersion)
      const whole = apiVersion === 0 ? { ...request, rebalanceTimeoutMs: request.sessionTimeoutMs } : request
      const outcome = attempt<JoinGroupResponseInit>(
        logger,
        () => {
          ensureSmall(request, parts)
          return groups.run(request.groupId, state => state.join(whole, callerOf(context)))
        },
        ({ code }) => refuse(code, nameless.includes(code) ? '' : request.memberId),
      )
      return afterwards(outcome, response => named(response, apiVersion))
    },
    onError: (code, request, { apiVersion }) => named(refuse(code, request.memberId), apiVersion),
  })
}

/** Throws where the group of such a member could not be written down, instead of holding on to what it brings. */
function ensureSmall({ protocols }: JoinGroupRequest, { metadata, config }: GroupParts): void {
  const maxBytes = topicValue('max.message.bytes', metadata.image.config('topic', '__consumer_offsets'), config)
  let totalBytes = 0
  for (const { metadata: bytes } of protocols) {
    totalBytes += bytes.length
    if (bytes.length > maxBytes || totalBytes > MAX_RECORDS * maxBytes)
      throw new KafkaError(ErrorCode.MESSAGE_TOO_LARGE, `a member of a group brings more than a record of ${maxBytes} bytes holds`)
  }
}
