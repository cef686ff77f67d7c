// What the state machine of transactions knows of the world.

import type { Clock, Logger } from '@ottla/protocol'
import type { Decision } from '../decision.ts'
import type { Timers } from '../timers.ts'

/** Settings of the broker, by the names of server.properties in camelCase; looked up each time, as they may change. */
export interface TransactionSettings {
  readonly transactionMaxTimeoutMs: number
  readonly transactionalIdExpirationMs: number
  readonly transactionAbortTimedOutTransactionCleanupIntervalMs: number
  readonly transactionRemoveExpiredTransactionCleanupIntervalMs: number
  readonly transactionTwoPhaseCommitEnable: boolean
  /** Finalized level of the feature `transaction.version`: 0, 1 or 2. What is written, and how the coordinator itself aborts, follows it. */
  readonly transactionVersion: number
}

/** Partitions of topics. */
export type TopicPartitions = ReadonlyMap<string, ReadonlySet<number>>

/** The end of a transaction, as it is to be written into partitions. */
export interface EndMarkers {
  readonly producerId: number
  /** The epoch that the markers carry: with transactions version 2 one more than the producer wrote with. */
  readonly producerEpoch: number
  readonly committed: boolean
  /** Leader epoch of the coordinator's partition: a partition refuses the markers of an earlier coordinator. */
  readonly coordinatorEpoch: number
  /** Version of transactions that the producer speaks, 0 or 2: what a partition checks an epoch by (WriteTxnMarkers 2). */
  readonly transactionVersion: number
  readonly partitions: TopicPartitions
}

/** What became of the marker of one partition. */
export interface MarkerOutcome {
  readonly topic: string
  readonly partition: number
  /**
   * An error code as WriteTxnMarkers answers it. `gone`: the metadata have no such partition any more, nobody waits for its marker.
   * UNKNOWN_TOPIC_OR_PARTITION of a leader is not the same: the leader may only not have it yet.
   */
  readonly outcome: number | 'gone'
}

/** Writes markers into partitions wherever they are led. */
export interface MarkerWriter {
  /**
   * Writes one marker into each partition, and tells what became of each. A partition that is not told about, and all of them when the
   * promise is rejected, are tried again. Must come to an end: what is never answered is never tried again. `markers` is not kept.
   *
   * Markers must reach a partition in the order in which they were asked for, and none after its promise is settled: with transactions
   * before version 2 an epoch has many transactions, and a marker that comes late would end the next of them. A coordinator that reloads in
   * its leader epoch asks again for what is still on its way.
   */
  write(markers: EndMarkers): Promise<readonly MarkerOutcome[]>
}

/** Gives producer ids, each at most once in the life of a cluster. */
export interface ProducerIdSource {
  /** At once where one is at hand. Rejects with a KafkaError that the client is told. */
  next(): number | Promise<number>
}

/** What one partition of transactions lives in. */
export interface TransactionWorld {
  readonly clock: Clock
  /** Knows the partition. */
  readonly logger: Logger
  readonly timers: Timers
  readonly settings: TransactionSettings
  readonly producerIds: ProducerIdSource
  readonly markers: MarkerWriter
  /** Leader epoch of the coordinator's partition. */
  readonly coordinatorEpoch: number
  /** Runs a command in the coordinator's partition, for what goes on after a wait: `CoordinatorRuntime.run` of this partition. */
  run<R>(decide: () => Decision<R>): R | Promise<R>
}

/** Who sends a request. */
export interface TransactionCaller {
  readonly apiVersion: number
}
