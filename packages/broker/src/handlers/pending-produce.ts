// A produce that was appended and waits for the acknowledgement of its partitions (class DelayedProduce).
import { ErrorCode } from '@ottla/protocol'
import type { RecordError } from '@ottla/storage'
import type { Appended, AppendRequest, Partition } from '../replica/partition.ts'
import type { Deadlines, OffsetWaiter } from '../replica/waiting.ts'
import { Waiter } from '../replica/waiting.ts'

const NO_ERRORS: readonly RecordError[] = []

/** One partition's part of the response, in the form of the response, and what it waits for. */
export class ProduceResult implements OffsetWaiter {
  readonly index: number
  errorCode: number = ErrorCode.NONE
  baseOffset = -1
  logAppendTimeMs = -1
  logStartOffset = -1
  recordErrors: readonly RecordError[] = NO_ERRORS
  errorMessage: string | null = null
  currentLeader: { leaderId: number; leaderEpoch: number } | undefined = undefined
  requiredOffset = -1
  settled = false
  readonly #pending: PendingProduce

  constructor(index: number, pending: PendingProduce) {
    this.index = index
    this.#pending = pending
  }

  /** The part has failed before anything was appended. */
  refuse(code: number, message: string | null): void {
    this.errorCode = code
    this.errorMessage = message
    this.settled = true
    this.#pending.hasFailed = true
  }

  /** As OffsetWaiter. */
  reached(): void {
    this.settled = true
    this.#pending.oneLess()
  }

  /** As OffsetWaiter. */
  failed(code: number, message: string | null): void {
    this.baseOffset = -1
    this.logAppendTimeMs = -1
    this.logStartOffset = -1
    this.refuse(code, message)
    this.#pending.oneLess()
  }
}

/** One request's parts that wait. */
export class PendingProduce extends Waiter {
  readonly append: AppendRequest
  hasFailed = false
  readonly #deadlines: Deadlines
  /** Parts whose acknowledgement, or whose validation, is still to come. */
  #waiting = 0
  #parts: ProduceResult[] | null = null
  #resolve: (() => void) | null = null
  #validations: Promise<void>[] | null = null

  constructor(append: AppendRequest, deadlines: Deadlines) {
    super()
    this.append = append
    this.#deadlines = deadlines
  }

  /** Settles when all batches have their places in the logs; null when they have them already. Never rejects. */
  get ordered(): Promise<void> | null {
    return this.#validations === null ? null : Promise.all(this.#validations).then(() => undefined)
  }

  /** A part's batch is in its log. */
  appended(result: ProduceResult, partition: Partition, appended: Appended): void {
    result.baseOffset = appended.baseOffset
    result.logAppendTimeMs = appended.logAppendTime
    result.logStartOffset = appended.logStartOffset
    if (this.append.acks === 0) return
    result.requiredOffset = appended.lastOffset + 1
    this.#waiting++
    ;(this.#parts ??= []).push(result)
    partition.awaitAcks(result, this.append.acks)
  }

  /** A part's batch is being validated elsewhere; `appended` resolves, never rejects, when it has its place or its error. */
  ordering(result: ProduceResult, appended: Promise<void>): void {
    this.#waiting++
    ;(this.#parts ??= []).push(result)
    ;(this.#validations ??= []).push(appended.then(() => this.oneLess()))
  }

  /** A part waits no longer. */
  oneLess(): void {
    this.#waiting--
    if (this.#waiting > 0 || this.#resolve === null) return
    this.#deadlines.remove(this)
    const resolve = this.#resolve
    this.#resolve = null
    resolve()
  }

  /** Resolves when no part waits any more; null when none does. After `timeoutMs` those that wait get REQUEST_TIMED_OUT. */
  settle(timeoutMs: number): Promise<void> | null {
    if (this.#waiting === 0) return null
    return new Promise(resolve => {
      this.#resolve = resolve
      this.#deadlines.add(this, timeoutMs)
    })
  }

  /** As Waiter. */
  expire(): void {
    for (const part of this.#parts ?? []) if (!part.settled) part.refuse(ErrorCode.REQUEST_TIMED_OUT, null)
    const resolve = this.#resolve
    this.#resolve = null
    resolve?.()
  }
}
