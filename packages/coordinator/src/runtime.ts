// Runs the state machines of a coordinator, one per partition of its internal topic (class CoordinatorRuntime): decide, append, replay, and
// answer once it is committed. Groups and transactions run on it.

import { type Clock, type CompressionName, ErrorCode, KafkaError, type Logger } from '@ottla/protocol'
import type { CoordinatorLog } from './coordinator-log.ts'
import type { Decision } from './decision.ts'
import { LedPartition, type LedStatus, type RunOptions } from './led-partition.ts'
import { RecordDecoder } from './record.ts'
import type { RuntimeWorld } from './runtime-world.ts'
import type { CoordinatorState, TransactionalProducer } from './state.ts'
import { TimerWheel } from './timer-wheel.ts'
import type { Timers } from './timers.ts'
import { Turns } from './turns.ts'

/** What a runtime is made of. */
export interface RuntimeOptions<S extends CoordinatorState> {
  /** The internal topic, by which records are known. */
  readonly topic: '__consumer_offsets' | '__transaction_state' | '__share_group_state'
  readonly clock: Clock
  readonly logger: Logger
  /** An empty state of a partition. It is thrown away with its timers when the partition is not led any more. */
  readonly create: (partition: number, timers: Timers) => S
  /** How batches are compressed from now on; not at all by default. */
  readonly compression?: () => { readonly compression: CompressionName; readonly compressionLevel?: number }
  /** How long an append may take to be committed, in ms (`offsets.commit.timeout.ms`); 5 seconds by default. */
  readonly writeTimeoutMs?: () => number
  /** Calls what it is given in a later turn of the event loop; `setImmediate` by default. */
  readonly later?: (run: () => void) => void
}

const uncompressed = { compression: 'none' } as const
const WRITE_TIMEOUT_MS = 5000

/** See the top of the file. */
export class CoordinatorRuntime<S extends CoordinatorState> {
  readonly #world: RuntimeWorld<S>
  readonly #partitions = new Map<number, LedPartition<S>>()

  constructor(options: RuntimeOptions<S>) {
    const { topic, clock, logger, create, compression = () => uncompressed, later = setImmediate } = options
    const { writeTimeoutMs = () => WRITE_TIMEOUT_MS } = options
    const wheel = new TimerWheel(clock)
    this.#world = {
      topic,
      clock,
      logger,
      create,
      compression,
      turns: new Turns(clock, later),
      writeTimeoutMs,
      wheel,
      decoder: new RecordDecoder(topic),
    }
  }

  /** Numbers of the partitions that are led, loading ones included. */
  get partitions(): Iterable<number> {
    return this.#partitions.keys()
  }

  /** How many timers there are. */
  get timerCount(): number {
    return this.#world.wheel.size
  }

  /** How far a partition is; undefined for one that is not led. */
  status(partition: number): LedStatus | undefined {
    return this.#partitions.get(partition)?.status
  }

  /** This broker leads a partition in this epoch: loads it. What it had of an earlier epoch is given up. */
  lead(partition: number, leaderEpoch: number, log: CoordinatorLog): void {
    this.resign(partition)
    this.#partitions.set(partition, new LedPartition({ partition, leaderEpoch }, log, this.#world))
  }

  /** The partition is led no more: whoever waits is told to look for the coordinator. */
  resign(partition: number): void {
    this.#partitions.get(partition)?.close(ErrorCode.NOT_COORDINATOR)
    this.#partitions.delete(partition)
  }

  /** Resolves once a partition is not loading any more. */
  async loaded(partition: number): Promise<void> {
    await this.#partitions.get(partition)?.loaded
  }

  /**
   * Decides. The records are appended as one batch and replayed at once; the reply is given out when they, and all that was appended before,
   * are committed: as it is where that is so already, as a promise else.
   * @throws KafkaError, or rejects with it: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, MESSAGE_TOO_LARGE for
   * more than a batch can hold, UNKNOWN_SERVER_ERROR for mistakes in here, and the errors of `decide`.
   */
  run<R>(partition: number, decide: (state: S) => Decision<R>, options: RunOptions = {}): R | Promise<R> {
    return this.#led(partition).run(decide, options)
  }

  /** Writes that the transaction of a producer has ended in this partition. Throws as `run`. */
  endTransaction(
    partition: number,
    producer: TransactionalProducer,
    end: { readonly committed: boolean; readonly coordinatorEpoch: number },
  ): void | Promise<void> {
    return this.#led(partition).endTransaction(producer, end)
  }

  /** Gives everything up. */
  close(): void {
    for (const partition of this.#partitions.keys()) this.resign(partition)
  }

  #led(partition: number): LedPartition<S> {
    const led = this.#partitions.get(partition)
    if (led === undefined) throw new KafkaError(ErrorCode.NOT_COORDINATOR)
    return led
  }
}
