// The transaction coordinator of this broker: which partition of __transaction_state a transactional id belongs to, and the transactions of those
// that it leads (class TransactionCoordinator and, for its place in the broker, BrokerMetadataPublisher; KIP-98).
import {
  answered,
  CoordinatorRuntime,
  type Decision,
  type MarkerWriter,
  type OpenTransaction,
  type ProducerIdSource,
  TransactionPartition,
  type TransactionSettings,
  type TransactionWorld,
} from '@ottla/coordinator'
import { type Clock, KafkaError, type Logger } from '@ottla/protocol'
import type { BrokerConfig } from '../config/index.ts'
import type { ImageSource, Replicas } from '../replica/replicas.ts'
import { partitionOfKey } from './partition-of-key.ts'
import { LedPartitions } from './led-partitions.ts'

/** The internal topic of transactions. */
export const TRANSACTIONS_TOPIC = '__transaction_state'

/** What handlers see of it. */
export interface TransactionService {
  /** Partition of __transaction_state that a transactional id belongs to. */
  partitionOf(transactionalId: string): number
  /**
   * Decides for a transactional id; the reply is given out once everything it is based on is committed, at once where that is so already.
   * @throws KafkaError, or rejects with it: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, and what `decide` throws.
   */
  run<R>(transactionalId: string, decide: (transactions: TransactionPartition) => Decision<R>): R | Promise<R>
  /** Asks every partition that is led here when it is its turn; one that is still loading is a promise that rejects with COORDINATOR_LOAD_IN_PROGRESS. */
  eachLed<R>(decide: (transactions: TransactionPartition) => Decision<R>): Iterable<R | Promise<R>>
}

/** What a coordinator is made of. */
export interface TransactionCoordinatorParts {
  readonly metadata: ImageSource
  readonly replicas: Replicas
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
  readonly producerIds: ProducerIdSource
  readonly markers: MarkerWriter
}

/** See the top of the file. */
export class TransactionCoordinator implements TransactionService {
  readonly #parts: TransactionCoordinatorParts
  readonly #runtime: CoordinatorRuntime<TransactionPartition>
  readonly #led: LedPartitions
  /** Leader epochs of the partitions that are led here. */
  readonly #epochs = new Map<number, number>()

  constructor(parts: TransactionCoordinatorParts) {
    const { clock, config, logger, markers, metadata, producerIds, replicas } = parts
    this.#parts = parts
    const world = { clock, markers, producerIds, settings: transactionSettings(config, metadata) }
    const runtime: CoordinatorRuntime<TransactionPartition> = new CoordinatorRuntime({
      topic: TRANSACTIONS_TOPIC,
      clock,
      logger,
      writeTimeoutMs: () => config.value('request.timeout.ms'),
      create: (partition, timers) => {
        const own: TransactionWorld = {
          ...world,
          timers,
          logger: logger.child({ topic: TRANSACTIONS_TOPIC, partition }),
          coordinatorEpoch: this.#epochs.get(partition) ?? -1,
          run: decide => runtime.run(partition, decide),
        }
        return new TransactionPartition(own)
      },
    })
    this.#runtime = runtime
    const leads = {
      lead: (...[partition, leaderEpoch, log]: Parameters<typeof runtime.lead>) => {
        this.#epochs.set(partition, leaderEpoch)
        runtime.lead(partition, leaderEpoch, log)
      },
      resign: (partition: number) => {
        this.#epochs.delete(partition)
        runtime.resign(partition)
      },
    }
    this.#led = new LedPartitions({ topic: TRANSACTIONS_TOPIC, metadata, replicas, clock }, leads)
  }

  /** The transactions of every partition that is led and loaded, as they are now; for reading only, and right away. */
  get led(): TransactionPartition[] {
    const led: TransactionPartition[] = []
    for (const partition of this.#runtime.partitions) {
      if (this.#runtime.status(partition) !== 'active') continue
      const told = this.#runtime.run(partition, state => {
        led.push(state)
        return answered(undefined)
      })
      if (told instanceof Promise) told.catch(() => undefined)
    }
    return led
  }

  /** Transactions under way. */
  *open(): Generator<OpenTransaction> {
    for (const { open } of this.led) yield* open
  }

  partitionOf(transactionalId: string): number {
    const { config, metadata } = this.#parts
    const count = metadata.image.topic(TRANSACTIONS_TOPIC)?.partitions.length ?? config.value('transaction.state.log.num.partitions')
    return partitionOfKey(transactionalId, count)
  }

  run<R>(transactionalId: string, decide: (transactions: TransactionPartition) => Decision<R>): R | Promise<R> {
    return this.#runtime.run(this.partitionOf(transactionalId), decide)
  }

  *eachLed<R>(decide: (transactions: TransactionPartition) => Decision<R>): Generator<R | Promise<R>> {
    for (const partition of this.#runtime.partitions) yield this.#ask(partition, decide)
  }

  #ask<R>(partition: number, decide: (transactions: TransactionPartition) => Decision<R>): R | Promise<R> {
    try {
      return this.#runtime.run(partition, decide)
    } catch (error) {
      return Promise.reject<R>(error instanceof KafkaError ? error : new Error('transactions could not be asked', { cause: error }))
    }
  }

  /** Resolves once no partition is loading. */
  async loaded(): Promise<void> {
    for (const partition of this.#runtime.partitions) await this.#runtime.loaded(partition)
  }

  /** Gives all transactions up: whoever waits is told to look for the coordinator. */
  close(): void {
    this.#led.close()
    this.#runtime.close()
  }
}

/** Settings of transactions as they are now. */
export function transactionSettings(config: BrokerConfig, metadata: ImageSource): TransactionSettings {
  return {
    get transactionMaxTimeoutMs() {
      return config.value('transaction.max.timeout.ms')
    },
    get transactionalIdExpirationMs() {
      return config.value('transactional.id.expiration.ms')
    },
    get transactionAbortTimedOutTransactionCleanupIntervalMs() {
      return config.value('transaction.abort.timed.out.transaction.cleanup.interval.ms')
    },
    get transactionRemoveExpiredTransactionCleanupIntervalMs() {
      return config.value('transaction.remove.expired.transaction.cleanup.interval.ms')
    },
    get transactionTwoPhaseCommitEnable() {
      return config.value('transaction.two.phase.commit.enable')
    },
    get transactionVersion() {
      return metadata.image.features.get('transaction.version') ?? 0
    },
  }
}
