// The gate of an idempotent producer (KIP-98): it gets an id when the first batch wants to go, and raises its epoch by itself when a
// sequence was broken (KIP-360). Where idempotence was not asked for but is merely the default, a cluster that refuses it is written to without.
import { ErrorCode, initProducerIdApi } from '@ottla/protocol'
import type { Cluster } from '../cluster/cluster.ts'
import { KafkaJSProtocolError, KafkaJSServerDoesNotSupportApiKey, protocolError } from '../errors/index.ts'
import type { Logger } from '../logger.ts'
import { asError } from '../network/as-error.ts'
import { type RetrySettings, type RetryWorld, retrying } from '../retry.ts'
import type { Gate } from './gate.ts'
import type { ProducerName } from './partition-queue.ts'

const MAX_EPOCH = 0x7fff

/** The transactional time-out where there is no transaction, as Java's clients say it. */
const NO_TIMEOUT_MS = 0x7fffffff

/** See the top of the file. */
export class IdempotentGate implements Gate {
  readonly transactionalId = null
  readonly maxProduceVersion = undefined
  readonly #cluster: Cluster
  readonly #logger: Logger
  readonly #isRequired: boolean
  readonly #world: RetryWorld
  readonly #ending = new AbortController()
  #name: ProducerName | null | undefined
  #isAsking = false
  changed = (): void => {}
  broken = (_error: Error): void => {}

  /** @param isRequired Whether the program said `idempotent: true`. */
  constructor(cluster: Cluster, { logger, isRequired, retry }: { logger: Logger; isRequired: boolean; retry: RetrySettings }) {
    this.#cluster = cluster
    this.#logger = logger
    this.#isRequired = isRequired
    this.#world = { clock: cluster.clock, random: cluster.random, retry }
  }

  name(): ProducerName | null | undefined {
    if (this.#name === undefined) this.ask()
    return this.#name
  }

  /** Gets an id, if there is none. Failures are told to those whose batches wait. */
  ask(): void {
    if (this.#isAsking) return
    this.#isAsking = true
    void this.#ask().finally(() => {
      this.#isAsking = false
      this.changed()
    })
  }

  admits(): boolean {
    return true
  }

  renew(): void {
    const name = this.#name
    if (name === null || name === undefined) return
    if (name.producerEpoch >= MAX_EPOCH) this.#name = undefined
    else this.#name = { ...name, producerEpoch: name.producerEpoch + 1 }
  }

  failed(): void {}

  stop(): void {
    this.#ending.abort()
  }

  async #ask(): Promise<void> {
    try {
      const ask = async (): Promise<ProducerName> => {
        const body = { transactionalId: null, transactionTimeoutMs: NO_TIMEOUT_MS }
        const { body: answer } = await this.#cluster.request('any', initProducerIdApi, body)
        if (answer.errorCode !== ErrorCode.NONE) throw protocolError(answer.errorCode)
        return { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
      }
      this.#name = await retrying(this.#world, ask, this.#ending.signal)
    } catch (error) {
      if (this.#ending.signal.aborted) return
      if (this.#isRequired || !isRefused(error)) return this.broken(asError(error))
      this.#name = null
      this.#logger.warn('The cluster does not let this producer be idempotent; it goes on without', { error: asError(error).message })
    }
  }
}

const isRefused = (error: unknown): boolean =>
  error instanceof KafkaJSServerDoesNotSupportApiKey ||
  (error instanceof KafkaJSProtocolError && error.code === ErrorCode.CLUSTER_AUTHORIZATION_FAILED)

/** The gate of a producer that is not idempotent. */
export class OpenGate implements Gate {
  readonly transactionalId = null
  readonly maxProduceVersion = undefined
  changed = (): void => {}
  broken = (_error: Error): void => {}

  name(): null {
    return null
  }
  admits(): boolean {
    return true
  }
  renew(): void {}
  failed(): void {}
  stop(): void {}
}
