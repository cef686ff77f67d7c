// A broker's registration and the lease that shows it alive.
import {
  decodeRegistration,
  type Endpoint,
  encodeLive,
  encodeRegistration,
  keys,
  type MetadataStore,
  type RegistrationValue,
  StoreError,
} from '@ottla/metadata'
import type { Clock, Logger, Timer } from '@ottla/protocol'

export interface RegistrationOptions {
  readonly store: MetadataStore
  readonly clock: Clock
  readonly logger: Logger
  readonly id: number
  /** New for every start of the process. */
  readonly incarnation: string
  /** What clients are told, for every listener. */
  readonly endpoints: readonly Endpoint[]
  readonly rack: string | null
  /** Ids of the log directories. */
  readonly logDirs: readonly string[]
  /** The broker epoch in the clean-shutdown files, -1 where one of them is missing. */
  readonly cleanShutdownEpoch: number
  /** How long the cluster waits for a sign of life before it suspects this broker. */
  readonly leaseMs: number
}

/** Another process runs under the same broker id, as far as anybody knows. */
export class BrokerIdInUse extends Error {
  constructor(id: number) {
    super(`another broker with the id ${id} is running (or was, until a moment ago): give each broker its own node.id`)
    this.name = 'BrokerIdInUse'
  }
}

/**
 * This broker's place in the cluster: the registration, whose revision is the broker epoch, and a leased key that shows
 * that the process lives. When the lease is lost (a pause, a store that was away) the key is made again with the same
 * epoch: nothing is safe because of the lease, losing it is only slow (cluster rules, section 4).
 */
export class BrokerRegistration {
  readonly id: number
  /** Mod revision of the registration: tells this start of the broker from all others. */
  readonly epoch: number
  readonly #options: RegistrationOptions
  #lease: string | undefined
  #timer: Timer | undefined
  #closed = false
  #renewing: Promise<void> | undefined

  private constructor(options: RegistrationOptions, epoch: number) {
    this.id = options.id
    this.epoch = epoch
    this.#options = options
  }

  /** Registers and shows life. Rejects with BrokerIdInUse, or a StoreError. */
  static async register(options: RegistrationOptions): Promise<BrokerRegistration> {
    const { store, id, incarnation, endpoints, rack, logDirs, cleanShutdownEpoch } = options
    for (;;) {
      const before = await store.get(keys.registration(id))
      const live = await store.get(keys.live(id))
      const sameProcess = before !== undefined && decodeRegistration(before.value).incarnation === incarnation
      if (live && !sameProcess) throw new BrokerIdInUse(id)
      const previousEpoch = before?.modRevision ?? -1
      const value: RegistrationValue = { incarnation, endpoints, rack, logDirs, cleanShutdownEpoch, previousEpoch }
      const { succeeded, revision } = await store.commit({
        checks: [
          { key: keys.registration(id), modRevision: before?.modRevision ?? 0 },
          { key: keys.live(id), modRevision: live?.modRevision ?? 0 },
        ],
        writes: [{ key: keys.registration(id), value: encodeRegistration(value) }],
      })
      if (!succeeded) continue
      const registration = new BrokerRegistration(options, revision)
      await registration.#showLife()
      registration.#schedule()
      return registration
    }
  }

  /** Ends the signs of life; the registration stays for the next start to compare with. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.cancel()
    await this.#renewing
    if (this.#lease !== undefined) await this.#options.store.revokeLease(this.#lease)
  }

  async #showLife(): Promise<void> {
    const { store, id, leaseMs } = this.#options
    const lease = await store.grantLease(leaseMs)
    const { succeeded } = await store.commit({
      checks: [{ key: keys.registration(id), modRevision: this.epoch }],
      writes: [{ key: keys.live(id), value: encodeLive(this.epoch), lease: lease.id }],
    })
    if (!succeeded) {
      await store.revokeLease(lease.id)
      throw new BrokerIdInUse(id)
    }
    this.#lease = lease.id
  }

  #schedule(): void {
    if (this.#closed) return
    this.#timer = this.#options.clock.after(this.#options.leaseMs / 3, () => {
      this.#renewing = this.#renew().finally(() => this.#schedule())
    })
  }

  async #renew(): Promise<void> {
    const { store, logger, id } = this.#options
    try {
      if (this.#lease !== undefined) await store.keepAlive(this.#lease)
      else await this.#showLife()
    } catch (error) {
      if (error instanceof StoreError && error.kind === 'lease-not-found') {
        this.#lease = undefined
        logger.warn({ broker: id }, 'lost the lease that shows this broker alive, asking for a new one')
        await this.#showLife().catch((again: unknown) => logger.warn({ err: again, broker: id }, 'could not show this broker alive'))
      } else logger.warn({ err: error, broker: id }, 'could not show this broker alive')
    }
  }
}
