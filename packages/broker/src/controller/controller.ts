// The broker that is the controller at the moment: it lets brokers in and settles their partitions.
import {
  type BrokerImage,
  type Check,
  type ClusterImage,
  decodeRegistration,
  encodeController,
  encodePartition,
  encodeState,
  keys,
  MAX_OPERATIONS,
  type Metadata,
  type MetadataStore,
  type RegistrationValue,
  StoreError,
} from '@ottla/metadata'
import type { Clock, Logger, Timer } from '@ottla/protocol'
import { type PartitionUpdate, planReturn } from './leadership.ts'
import { removeUnfinishedTopics } from './unfinished-topics.ts'

export interface ControllerOptions {
  readonly store: MetadataStore
  readonly metadata: Metadata
  readonly clock: Clock
  readonly logger: Logger
  readonly brokerId: number
  readonly leaseMs: number
}

/** Rounds in which partitions are planned anew because somebody else changed one of them. */
const ROUNDS = 20

/**
 * The broker that lets others in. Every broker stands for it; the one that makes the leased controller key is it until the
 * lease ends, and compares the revision at which it made the key in all it writes (R15). It has nothing in memory that the
 * store does not have, so that any other can go on at any point.
 */
export class Controller {
  readonly #options: ControllerOptions
  readonly #stopListening: () => void
  #lease: string | undefined
  /** Controller epoch for which unfinished topics were removed. */
  #tidiedEpoch = 0
  #timer: Timer | undefined
  #work: Promise<void> = Promise.resolve()
  #working = false
  #again = false
  #closed = false

  constructor(options: ControllerOptions) {
    this.#options = options
    this.#stopListening = options.metadata.onChange(changes => {
      if (changes.brokersChanged.length > 0 || changes.controllerChanged) this.#wake()
    })
    this.#wake()
  }

  /** Stands down. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    this.#stopListening()
    await this.#work
    if (this.#lease !== undefined) await this.#options.store.revokeLease(this.#lease)
  }

  /** Looks at the cluster, now or once the look in progress is over. */
  #wake(): void {
    this.#again = true
    if (this.#working || this.#closed) return
    this.#working = true
    this.#work = this.#run()
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false
      try {
        await this.#look()
      } catch (error) {
        this.#options.logger.warn({ err: error }, 'the controller could not do its work, it will try again')
        this.#retryLater()
      }
    }
    this.#working = false
  }

  #retryLater(): void {
    if (this.#closed) return
    this.#timer?.cancel()
    this.#timer = this.#options.clock.after(this.#options.leaseMs / 3, () => {
      this.#renew().then(
        () => this.#wake(),
        (error: unknown) => {
          this.#options.logger.warn({ err: error }, 'could not renew the lease of the controller')
          this.#retryLater()
        },
      )
    })
  }

  async #renew(): Promise<void> {
    if (this.#lease === undefined) return
    try {
      await this.#options.store.keepAlive(this.#lease)
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'lease-not-found') throw error
      this.#lease = undefined
    }
    this.#retryLater()
  }

  async #look(): Promise<void> {
    const { metadata, brokerId } = this.#options
    if (metadata.image.controllerId === -1) await this.#stand()
    if (metadata.image.controllerId !== brokerId || this.#lease === undefined) return
    for (const broker of metadata.image.brokers.values()) {
      if (broker.isNew) await this.#letIn(broker)
    }
    const { controllerEpoch: epoch } = metadata.image
    if (epoch === this.#tidiedEpoch || metadata.image.controllerId !== brokerId) return
    await removeUnfinishedTopics(this.#options, epoch)
    this.#tidiedEpoch = epoch
  }

  /** Tries to become the controller. */
  async #stand(): Promise<void> {
    const { store, metadata, brokerId, leaseMs, logger } = this.#options
    if (this.#lease !== undefined) await store.revokeLease(this.#lease)
    const { id: lease } = await store.grantLease(leaseMs)
    const { succeeded, revision } = await store.commit({
      checks: [{ key: keys.controller, createRevision: 0 }],
      writes: [{ key: keys.controller, value: encodeController({ broker: brokerId }), lease }],
    })
    if (succeeded) {
      this.#lease = lease
      this.#retryLater()
      logger.info({ broker: brokerId, epoch: revision }, 'this broker is the controller')
    } else await store.revokeLease(lease)
    await metadata.applied(revision)
  }

  /** Settles the partitions of a broker that has started, then lets it lead. */
  async #letIn(broker: BrokerImage): Promise<void> {
    const { store, metadata, logger } = this.#options
    const entry = await store.get(keys.registration(broker.id))
    if (entry?.modRevision !== broker.epoch) return
    const clean = isClean(decodeRegistration(entry.value))
    const epoch = metadata.image.controllerEpoch
    for (let round = 0; round < ROUNDS; round++) {
      const updates = planReturn(metadata.image, { id: broker.id, clean })
      if (updates.length === 0 || (await this.#commit(updates, { epoch, broker }))) break
    }
    const { succeeded, revision } = await store.commit({
      checks: [guard(epoch), { key: keys.registration(broker.id), modRevision: broker.epoch }],
      writes: [{ key: keys.state(broker.id), value: encodeState({ epoch: broker.epoch, state: 'active' }) }],
    })
    await metadata.applied(revision)
    if (succeeded) logger.info({ broker: broker.id, epoch: broker.epoch, clean }, 'the broker is part of the cluster')
  }

  /** Writes partitions, many to a transaction; false when one of the transactions was refused. */
  async #commit(updates: readonly PartitionUpdate[], from: { epoch: number; broker: BrokerImage }): Promise<boolean> {
    const { store, metadata } = this.#options
    const always: Check[] = [guard(from.epoch), { key: keys.registration(from.broker.id), modRevision: from.broker.epoch }]
    const size = MAX_OPERATIONS - always.length
    const batches = Array.from({ length: Math.ceil(updates.length / size) }, (_, at) => updates.slice(at * size, (at + 1) * size))
    const outcomes = await Promise.all(
      batches.map(batch =>
        store.commit({
          checks: [
            ...always,
            ...batch.map(({ topicId, partition, before }) => unchanged(keys.partition(topicId, partition), before.partitionEpoch)),
          ],
          writes: batch.map(({ topicId, partition, after }) => ({
            key: keys.partition(topicId, partition),
            value: encodePartition(after),
          })),
        }),
      ),
    )
    await metadata.applied(Math.max(...outcomes.map(({ revision }) => revision)))
    return outcomes.every(({ succeeded }) => succeeded)
  }
}

const guard = (epoch: number): Check => ({ key: keys.controller, createRevision: epoch })

const unchanged = (key: string, modRevision: number): Check => ({ key, modRevision })

/** Whether the broker's folders say that it shut down cleanly in the epoch before (R12); one that is new lost nothing. */
const isClean = ({ previousEpoch, cleanShutdownEpoch }: RegistrationValue): boolean =>
  previousEpoch === -1 || cleanShutdownEpoch === previousEpoch

/** Resolves once the cluster has let a broker in, in this epoch. */
export function letIn(metadata: Metadata, broker: { id: number; epoch: number }): Promise<void> {
  const isIn = (image: ClusterImage): boolean => {
    const now = image.brokers.get(broker.id)
    return now?.epoch === broker.epoch && !now.fenced
  }
  if (isIn(metadata.image)) return Promise.resolve()
  return new Promise(resolve => {
    const stop = metadata.onChange((_, image) => {
      if (!isIn(image)) return
      stop()
      resolve()
    })
  })
}
