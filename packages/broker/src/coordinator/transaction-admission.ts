// Before a transaction writes into a partition, its coordinator must know that it has to end it there (classes AddPartitionsToTxnManager and
// ReplicaManager; KIP-890). Producers of before have added the partition, which is verified; those of transactions version 2 leave that to
// the broker, with what they produce. Once a transaction has written into a partition nobody is asked again.
import { additionResult, type TransactionAddition } from '@ottla/coordinator'
import { type Clock, ErrorCode, KafkaError, type Logger } from '@ottla/protocol'
import type { Verification } from '@ottla/storage'
import type { BrokerConfig } from '../config/index.ts'
import type { Partition } from '../replica/partition.ts'
import type { TransactionService } from './transaction-coordinator.ts'

/** What a client knows: `add` begins with Produce 12 and TxnOffsetCommit 5, `abortable` is one version below. */
export type TransactionSupport = 'verify' | 'abortable' | 'add'

/** What is about to be written. */
export interface AdmissionRequest {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly support: TransactionSupport
  /** Sequence of what is to be written, -1 for offsets. */
  readonly partitions: readonly { readonly partition: Partition; readonly sequence: number }[]
}

/** Whether it may be: what an append has to come with, see AppendRequest.verification. */
export interface Admission {
  readonly errorCode: number
  readonly verification?: Verification | null
}

/** What it is made of. */
export interface TransactionAdmissionParts {
  readonly transactions: TransactionService
  readonly config: BrokerConfig
  readonly clock: Clock
  readonly logger: Logger
}

const ADMITTED: Admission = { errorCode: ErrorCode.NONE }
/** The version in which brokers ask each other. */
const API_VERSION = 5

/** See the top of the file. */
export class TransactionAdmission {
  readonly #parts: TransactionAdmissionParts

  constructor(parts: TransactionAdmissionParts) {
    this.#parts = parts
  }

  /** One admission for each partition of the request; at once where the coordinator need not be waited for. */
  admit(request: AdmissionRequest): readonly Admission[] | Promise<readonly Admission[]> {
    const isChecked = this.#parts.config.value('transaction.partition.verification.enable')
    if (request.support !== 'add' && !isChecked) return request.partitions.map(() => ADMITTED)
    const nowMs = this.#parts.clock.now()
    const admissions = request.partitions.map(place => start(place, request, nowMs))
    const asked = request.partitions.filter((_, at) => admissions[at]?.errorCode === ErrorCode.NONE && admissions[at].verification !== null)
    const answer = (codes: ReadonlyMap<Partition, number> | null): readonly Admission[] =>
      admissions.map((admission, at) => {
        const partition = request.partitions[at]?.partition
        const errorCode = (partition === undefined ? undefined : codes?.get(partition)) ?? ErrorCode.NONE
        if (errorCode !== ErrorCode.NONE) return { errorCode }
        return isChecked || admission.errorCode !== ErrorCode.NONE ? admission : ADMITTED
      })
    if (asked.length === 0) return answer(null)
    const codes = this.#ask(
      request,
      asked.map(({ partition }) => partition),
    )
    return codes instanceof Promise ? codes.then(answer) : answer(codes)
  }

  /** As `admit`; where the transaction before is still being ended, again for a short time: to send records again costs a client more. */
  async admitPatiently(request: AdmissionRequest, first: readonly Admission[]): Promise<readonly Admission[]> {
    const { clock, config } = this.#parts
    const until = clock.monotonic() + config.value('add.partitions.to.txn.retry.backoff.max.ms')
    let admissions = first
    // Markers of this broker's own partitions take less than a millisecond.
    for (let waitMs = 1; isConcurrent(admissions) && clock.monotonic() < until; waitMs *= 2) {
      const backoffMs = Math.min(waitMs, config.value('add.partitions.to.txn.retry.backoff.ms'))
      await new Promise<void>(resolve => {
        clock.after(backoffMs, resolve)
      })
      admissions = await this.admit(request)
    }
    return admissions
  }

  #ask(
    request: AdmissionRequest,
    partitions: readonly Partition[],
  ): ReadonlyMap<Partition, number> | Promise<ReadonlyMap<Partition, number>> {
    const { transactionalId, producerId, producerEpoch, support } = request
    const numbers = new Map<string, Set<number>>()
    for (const { topic, index } of partitions) {
      const known = numbers.get(topic)
      if (known === undefined) numbers.set(topic, new Set([index]))
      else known.add(index)
    }
    const topics = Array.from(numbers, ([name, indexes]) => ({ name, partitions: [...indexes] }))
    const addition: TransactionAddition = { transactionalId, producerId, producerEpoch, verifyOnly: support !== 'add', topics }
    const read = ({ topicResults }: ReturnType<typeof additionResult>): ReadonlyMap<Partition, number> => {
      const codes = new Map<string, ReadonlyMap<number, number>>()
      for (const { name, resultsByPartition: results } of topicResults)
        codes.set(name, new Map(results.map(({ partitionErrorCode, partitionIndex }) => [partitionIndex, partitionErrorCode])))
      return new Map(
        partitions.map(partition => {
          const code = codes.get(partition.topic)?.get(partition.index) ?? ErrorCode.UNKNOWN_SERVER_ERROR
          return [partition, asProducersKnow(code, support)]
        }),
      )
    }
    const failed = (error: unknown) => read(additionResult(addition, this.#codeOf(error)))
    try {
      const added = this.#parts.transactions.run(transactionalId, state => state.addPartitions(addition, { apiVersion: API_VERSION }))
      return added instanceof Promise ? added.then(read, failed) : read(added)
    } catch (error) {
      return failed(error)
    }
  }

  #codeOf(error: unknown): number {
    if (error instanceof KafkaError) return error.code
    this.#parts.logger.error({ err: error }, 'the transaction coordinator failed')
    return ErrorCode.UNKNOWN_SERVER_ERROR
  }
}

/** Whether somebody should ask again. */
export const isConcurrent = (admissions: readonly Admission[]): boolean =>
  admissions.some(({ errorCode }) => errorCode === ErrorCode.CONCURRENT_TRANSACTIONS)

type Place = AdmissionRequest['partitions'][number]

const start = ({ partition, sequence }: Place, { producerEpoch, producerId, support }: AdmissionRequest, nowMs: number): Admission => {
  try {
    const { producers } = partition.leaderLog()
    const verification = producers.startVerification({ producerId, producerEpoch, sequence, bumpsEpoch: support === 'add', nowMs })
    return { errorCode: ErrorCode.NONE, verification }
  } catch (error) {
    if (error instanceof KafkaError) return { errorCode: error.code }
    throw error
  }
}

const asProducersKnow = (code: number, support: TransactionSupport): number => {
  if (code === ErrorCode.PRODUCER_FENCED) return ErrorCode.INVALID_PRODUCER_EPOCH
  return code === ErrorCode.TRANSACTION_ABORTABLE && support === 'verify' ? ErrorCode.INVALID_TXN_STATE : code
}
