// Answers of classic groups, and members that wait for theirs.

import { ErrorCode, type JoinGroupResponseInit, type SyncGroupResponseInit } from '@ottla/protocol'
import { coordinatorCode } from '../../runtime-errors.ts'

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

/** A SyncGroup that waits. */
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
export const storeError = (code: number): number => (tooLarge.has(code) ? ErrorCode.UNKNOWN_SERVER_ERROR : coordinatorCode(code))

const tooLarge: ReadonlySet<number> = new Set([ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.RECORD_LIST_TOO_LARGE, ErrorCode.INVALID_FETCH_SIZE])
