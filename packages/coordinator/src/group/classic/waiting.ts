// Answers of classic groups, and members that wait for theirs.

import { ErrorCode, type JoinGroupResponseInit, type SyncGroupResponseInit } from '@ottla/protocol'

/** The answer that a member waits for. Answering twice changes nothing. */
export class Waiting<R> {
  readonly promise: Promise<R>
  #resolve: (answer: R) => void = () => {}

  constructor() {
    this.promise = new Promise(resolve => {
      this.#resolve = resolve
    })
  }

  answer(answer: R): void {
    this.#resolve(answer)
  }
}

/** A JoinGroup that waits, and the version that its sender speaks. */
export class WaitingJoin extends Waiting<JoinGroupResponseInit> {
  readonly apiVersion: number

  constructor(apiVersion: number) {
    super()
    this.apiVersion = apiVersion
  }

  override answer(answer: JoinGroupResponseInit): void {
    super.answer(inVersion(answer, this.apiVersion))
  }
}

export type WaitingSync = Waiting<SyncGroupResponseInit>

/** Before version 7 a missing protocol name is empty, since then it is null (class JoinGroupResponse). */
export const inVersion = (answer: JoinGroupResponseInit, apiVersion: number): JoinGroupResponseInit => {
  const missing = apiVersion < 7 ? '' : null
  return answer.protocolName === '' || answer.protocolName === null ? { ...answer, protocolName: missing } : answer
}

/** A JoinGroup that comes to nothing, with the member id that its sender shall use next. */
export const joinError = (errorCode: number, memberId: string): JoinGroupResponseInit => ({
  errorCode,
  generationId: -1,
  protocolType: null,
  protocolName: null,
  leader: '',
  skipAssignment: false,
  memberId,
  members: [],
})

/** A SyncGroup that comes to nothing. */
export const syncError = (errorCode: number): SyncGroupResponseInit => ({
  errorCode,
  protocolType: null,
  protocolName: null,
  assignment: Buffer.alloc(0),
})

/** What a member is told when the group's record could not be written (appendGroupMetadataErrorToResponseError of Kafka). */
export const storeError = (code: number): number => {
  switch (code) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
    case ErrorCode.INVALID_FETCH_SIZE:
      return ErrorCode.UNKNOWN_SERVER_ERROR
    default:
      return code
  }
}
