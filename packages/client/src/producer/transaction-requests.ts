// The requests of a transactional producer, tried again until they are answered for good (the handlers of class TransactionManager).
import {
  type AnyApi,
  addOffsetsToTxnApi,
  addPartitionsToTxnApi,
  apiVersionsApi,
  ErrorCode,
  endTxnApi,
  errorOf,
  initProducerIdApi,
  txnOffsetCommitApi,
} from '@ottla/protocol'
import type { BodyFor, Cluster, Destination } from '../cluster/cluster.ts'
import { KafkaJSProtocolError, protocolError } from '../errors/index.ts'
import { delay, isRetriable } from '../retry.ts'
import type { ProducerName } from './partition-queue.ts'
import type { ConsumerGroupMetadata, Offsets } from './types.ts'

/** Versions from which on APIs are about transactions of the second kind (KIP-890); with a cluster of the first they are not used. */
const LAST_OF_V1 = { txnOffsetCommit: 4, endTxn: 4, addPartitionsToTxn: 3 } as const
/** The last version of Produce that takes no part in transactions by itself. */
export const LAST_PRODUCE_OF_V1 = 11

const FIRST_WAIT_MS = 20
const LONGEST_WAIT_MS = 1_000

/** What a transactional id asks of brokers. */
export class TransactionRequests {
  readonly #cluster: Cluster
  readonly #transactionalId: string
  readonly #maxBlockMs: number
  readonly #signal: AbortSignal

  /** @param signal Ends everything that is still being tried. */
  constructor(
    cluster: Cluster,
    { transactionalId, maxBlockMs, signal }: { transactionalId: string; maxBlockMs: number; signal: AbortSignal },
  ) {
    this.#cluster = cluster
    this.#transactionalId = transactionalId
    this.#maxBlockMs = maxBlockMs
    this.#signal = signal
  }

  /** Whether the cluster has transactions of the second kind switched on. */
  async isSecondKind(): Promise<boolean> {
    const body = { clientSoftwareName: 'ottla', clientSoftwareVersion: '0.1.0' }
    return this.#insist(async () => {
      const answer = await this.#cluster.request(this.#here, apiVersionsApi, version => (version >= 3 ? body : {}))
      const level = answer.body.finalizedFeatures?.find(({ name }) => name === 'transaction.version')?.maxVersionLevel ?? 0
      return { code: answer.body.errorCode, value: level >= 2 }
    })
  }

  /** Gets a name, or with one a higher epoch. Transactions that the id had open are aborted, and who had it is fenced. */
  initProducerId(transactionTimeoutMs: number, current?: ProducerName): Promise<ProducerName> {
    const transactionalId = this.#transactionalId
    return this.#insist(async () => {
      const { body } = await this.#cluster.request(this.#here, initProducerIdApi, version => ({
        transactionalId,
        transactionTimeoutMs,
        ...(version >= 3 ? current : undefined),
      }))
      return { code: body.errorCode, value: { producerId: body.producerId, producerEpoch: body.producerEpoch } }
    })
  }

  /** Adds partitions to a transaction of the first kind. */
  addPartitions(name: ProducerName, topics: { name: string; partitions: number[] }[]): Promise<void> {
    const body = {
      transactions: [],
      v3AndBelowTransactionalId: this.#transactionalId,
      v3AndBelowProducerId: name.producerId,
      v3AndBelowProducerEpoch: name.producerEpoch,
      v3AndBelowTopics: topics,
    }
    return this.#insist(async () => {
      const answer = await this.#ask(this.#here, addPartitionsToTxnApi, body, LAST_OF_V1.addPartitionsToTxn)
      const results = answer.resultsByTopicV3AndBelow.flatMap(topic =>
        topic.resultsByPartition.map(({ partitionErrorCode }) => ({ topic: topic.name, code: partitionErrorCode })),
      )
      // Others of the request are told only that they were not tried.
      const bad = results.filter(({ code }) => code !== ErrorCode.NONE)
      const first = bad.find(({ code }) => code !== ErrorCode.OPERATION_NOT_ATTEMPTED) ?? bad[0]
      return { code: first?.code ?? ErrorCode.NONE, value: undefined, topic: first?.topic }
    })
  }

  /** Ends the transaction; the answer may have another name for the next one. */
  endTransaction(name: ProducerName, committed: boolean, isSecondKind: boolean): Promise<ProducerName> {
    const body = { transactionalId: this.#transactionalId, ...name, committed }
    return this.#insist(async () => {
      const answer = await this.#ask(this.#here, endTxnApi, body, isSecondKind ? undefined : LAST_OF_V1.endTxn)
      const { errorCode, producerId, producerEpoch } = answer
      return { code: errorCode, value: isSecondKind && producerId >= 0 ? { producerId, producerEpoch } : name }
    })
  }

  /** Makes a group's offsets part of the transaction. */
  async sendOffsets(
    name: ProducerName,
    { topics }: Offsets,
    { group, isSecondKind }: { group: ConsumerGroupMetadata; isSecondKind: boolean },
  ): Promise<void> {
    const { groupId, generationId, memberId, groupInstanceId } = group
    const transactionalId = this.#transactionalId
    if (!isSecondKind) {
      const body = { transactionalId, ...name, groupId }
      await this.#insist(async () => ({ code: (await this.#ask(this.#here, addOffsetsToTxnApi, body)).errorCode, value: undefined }))
    }
    const offsets = topics.map(({ topic, partitions }) => ({
      name: topic,
      partitions: partitions.map(({ partition, offset, metadata = null, leaderEpoch = -1 }) => ({
        partitionIndex: partition,
        committedOffset: Number(offset),
        committedLeaderEpoch: leaderEpoch,
        committedMetadata: metadata,
      })),
    }))
    const limit = isSecondKind ? undefined : LAST_OF_V1.txnOffsetCommit
    const options = limit === undefined ? {} : { maxVersion: limit }
    await this.#insist(
      async () => {
        const body: BodyFor<typeof txnOffsetCommitApi> = version => ({
          transactionalId,
          groupId,
          ...name,
          ...(version >= 3 ? { generationId, memberId, groupInstanceId } : undefined),
          topics: offsets,
        })
        const answer = (await this.#cluster.request({ group: groupId }, txnOffsetCommitApi, body, options)).body
        const bad = answer.topics.flatMap(topic => topic.partitions).find(({ errorCode }) => errorCode !== ErrorCode.NONE)
        return { code: bad?.errorCode ?? ErrorCode.NONE, value: undefined }
      },
      { group: groupId },
    )
  }

  get #here(): { readonly transaction: string } {
    return { transaction: this.#transactionalId }
  }

  async #ask<A extends AnyApi>(to: Destination, api: A, body: BodyFor<A>, limit?: number) {
    return (await this.#cluster.request(to, api, body, limit === undefined ? {} : { maxVersion: limit })).body
  }

  /** Tries until there is an answer that lasts. Throws the protocol error, fencing always by the name PRODUCER_FENCED. */
  async #insist<T>(
    attempt: () => Promise<{ readonly code: number; readonly value: T; readonly topic?: string | undefined }>,
    coordinator: { readonly group: string } | { readonly transaction: string } = this.#here,
  ): Promise<T> {
    const { clock } = this.#cluster
    const endMs = clock.monotonic() + this.#maxBlockMs
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      this.#signal.throwIfAborted()
      const error = await this.#tried(attempt)
      if (!(error instanceof Error)) return error.value
      const { code } = error instanceof KafkaJSProtocolError ? error : { code: ErrorCode.COORDINATOR_NOT_AVAILABLE }
      if (!isRetriable(error) || clock.monotonic() + waitMs > endMs) throw error
      if (code === ErrorCode.NOT_COORDINATOR || code === ErrorCode.COORDINATOR_NOT_AVAILABLE) this.#cluster.forgetCoordinator(coordinator)
      await delay(clock, code === ErrorCode.CONCURRENT_TRANSACTIONS ? FIRST_WAIT_MS : waitMs, this.#signal)
    }
  }

  async #tried<T>(
    attempt: () => Promise<{ readonly code: number; readonly value: T; readonly topic?: string | undefined }>,
  ): Promise<Error | { value: T }> {
    try {
      const { code, value, topic } = await attempt()
      if (code === ErrorCode.NONE) return { value }
      const named = code === ErrorCode.INVALID_PRODUCER_EPOCH ? ErrorCode.PRODUCER_FENCED : code
      return protocolError(named, undefined, { transactionalId: this.#transactionalId, topic })
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }
}

const fatalCodes: ReadonlySet<number> = new Set([
  ErrorCode.PRODUCER_FENCED,
  ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  ErrorCode.INVALID_TXN_STATE,
  ErrorCode.INVALID_PRODUCER_ID_MAPPING,
  ErrorCode.UNSUPPORTED_VERSION,
  ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT,
])

/** Whether a producer with this error can do nothing any more; after others the transaction can be aborted. */
export const isFatal = (error: Error): boolean => error instanceof KafkaJSProtocolError && fatalCodes.has(error.code)

/** Whether a broker said that the transaction is not in a state for this. */
export const isInvalidState = (error: Error): boolean => error instanceof KafkaJSProtocolError && error.code === ErrorCode.INVALID_TXN_STATE

/** Whether nothing is known of what became of a request. */
export const isUnanswered = (error: Error): boolean => !(error instanceof KafkaJSProtocolError) || errorOf(error.code).retriable
