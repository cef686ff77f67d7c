// What all partitions of one coordinator share.

import type { Clock, CompressionName, Logger } from '@ottla/protocol'
import type { RecordDecoder } from './record.ts'
import type { CoordinatorState } from './state.ts'
import type { TimerWheel } from './timer-wheel.ts'
import type { Timers } from './timers.ts'
import type { Turns } from './turns.ts'

/** A timer whose decision could not be written is tried again after this time, as in Kafka. */
export const RETRY_MS = 500

/** See the top of the file. */
export interface RuntimeWorld<S extends CoordinatorState> {
  readonly topic: string
  readonly clock: Clock
  readonly logger: Logger
  readonly decoder: RecordDecoder
  readonly wheel: TimerWheel
  /** What all loads share. */
  readonly turns: Turns
  /** How batches are compressed from now on. */
  readonly compression: () => { readonly compression: CompressionName; readonly compressionLevel?: number }
  /** How long an append may take to be committed, in ms, before who asked for it is told COORDINATOR_NOT_AVAILABLE. */
  readonly writeTimeoutMs: () => number
  /** An empty state of a partition. */
  readonly create: (partition: number, timers: Timers) => S
}
