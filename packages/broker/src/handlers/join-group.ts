// JoinGroup, versions 0 to 9: a member enters a classic group and is answered when the group is complete, which may take the group's
// rebalance timeout. Until then, as in Kafka, no further request of its connection is served; if the connection ends, the member stays
// until its session does. From version 4 on who has no member id gets one first (KIP-394).
import { ErrorCode, joinGroupApi, type JoinGroupRequest, type JoinGroupResponseInit, KafkaError } from '@ottla/protocol'
import { topicValue } from '../config/index.ts'
import { handler, type Handler } from '../requests/handler.ts'
import { attempt, callerOf, groupIdError, type GroupParts } from './group-calls.ts'

/** What all protocols of a member may take together, in records of the largest size: only one of them is kept for long. */
const MAX_RECORDS = 4

/** Clients know two or three. */
const MAX_PROTOCOLS = 1000

const FIRST_WITHOUT_NAME = 7

/** The first versions have no null for the protocol's name. */
const refuse = (errorCode: number, memberId: string, apiVersion: number): JoinGroupResponseInit => ({
  throttleTimeMs: 0,
  errorCode,
  generationId: -1,
  protocolType: null,
  protocolName: apiVersion < FIRST_WITHOUT_NAME ? '' : null,
  leader: '',
  memberId,
  members: [],
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
      if (wrong !== ErrorCode.NONE) return refuse(wrong, request.memberId, apiVersion)
      return attempt<JoinGroupResponseInit>(
        logger,
        () => {
          ensureSmall(request, parts)
          return groups.run(request.groupId, state => state.join(request, callerOf(context)))
        },
        ({ code }) => refuse(code, nameless.includes(code) ? '' : request.memberId, apiVersion),
      )
    },
    onError: (code, request, { apiVersion }) => refuse(code, request.memberId, apiVersion),
  })
}

/** Throws where the group of such a member could not be written down, instead of holding on to what it brings, and for protocols without end. */
function ensureSmall({ protocols }: JoinGroupRequest, { metadata, config }: GroupParts): void {
  const maxBytes = topicValue('max.message.bytes', metadata.image.config('topic', '__consumer_offsets'), config)
  if (protocols.length > MAX_PROTOCOLS)
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `a member of a group knows ${protocols.length} protocols, at most ${MAX_PROTOCOLS} may be`,
    )
  let totalBytes = 0
  for (const { metadata: bytes } of protocols) {
    totalBytes += bytes.length
    if (bytes.length > maxBytes || totalBytes > MAX_RECORDS * maxBytes)
      throw new KafkaError(ErrorCode.MESSAGE_TOO_LARGE, `a member of a group brings more than a record of ${maxBytes} bytes holds`)
  }
}
