// What those who call handlers share: what they need of the run, and what became of what they were given.
import type { EventEmitter } from '../../events/emitter.ts'
import type { Logger } from '../../logger.ts'
import type { KafkaMessage } from '../fetch/message.ts'
import type { FetchedRecords } from '../parts.ts'
import type { Offsets } from '../types.ts'
import type { Clock } from '@ottla/protocol'
import type { OwnedPartition } from './owned.ts'
import type { Hold, PollWatch } from './poll-watch.ts'

/** Records in hand. */
export interface Work {
  readonly taken: FetchedRecords
  readonly messages: KafkaMessage[]
  readonly owned: OwnedPartition
  /** `owned.version` when they were taken. */
  readonly version: number
  /** Takes signs of progress, where `maxPollInterval` is set. */
  readonly hold: Hold | null
}

/**
 * What became of work that did not fail: `done`, or `left` where it was stopped before its end (a pause), so that the rest has to be
 * read again.
 */
export type Outcome = 'done' | 'left'

/** What handlers' callers need of the run. */
export interface WorkWorld {
  readonly clock: Clock
  readonly events: EventEmitter
  readonly logger: Logger
  readonly groupId: string
  isRunning(): boolean
  heartbeat(): Promise<void>
  pause(owned: OwnedPartition): () => void
  /** Commits if `autoCommitInterval` or `autoCommitThreshold` say so; undefined when there is nothing to wait for. */
  commitIfDue(): Promise<void> | undefined
  /** As above, whether or not autoCommit is on. */
  commitIfNecessary(offsets?: Offsets): Promise<void>
  /** Commits all that is resolved. */
  commit(): Promise<void>
  uncommitted(): Offsets
  /** Whether handlers take too long; null where nobody asks. */
  readonly polls: PollWatch | null
}

/** Whether a handler is not done yet; promises of other makers count too. */
export const isThenable = (outcome: unknown): outcome is PromiseLike<unknown> =>
  typeof outcome === 'object' && outcome !== null && 'then' in outcome && typeof outcome.then === 'function'
