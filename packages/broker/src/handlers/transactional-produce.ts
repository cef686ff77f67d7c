// What a Produce with batches of a transaction waits for before anything of it is appended: that the coordinator knows of its partitions
// (method ReplicaManager.handleProduceAppend; KIP-890).
import { ErrorCode, errorOf, KafkaError, type ProduceRequest, RecordBatch } from '@ottla/protocol'
import type { Admission, TransactionAdmission, TransactionSupport } from '../coordinator/transaction-admission.ts'
import { isConcurrent } from '../coordinator/transaction-admission.ts'
import type { AppendRequest, Partition } from '../replica/partition.ts'

type TopicData = ProduceRequest['topicData'][number]

const ATTRIBUTES_AT = 22
const TRANSACTIONAL_BIT = 0x10
const HEADER_BYTES = 61

/** Whether a batch is part of a transaction. */
export const isTransactional = (records: Buffer | null): boolean =>
  records !== null && records.length > ATTRIBUTES_AT && ((records[ATTRIBUTES_AT] ?? 0) & TRANSACTIONAL_BIT) !== 0

/** A partition that the transaction may not write into; its text goes to the client. */
export class NotAdmitted extends KafkaError {}

/** Which partitions of a request the transaction may write into. */
export class Admissions {
  readonly #admissions: ReadonlyMap<Partition, Admission>
  readonly #support: TransactionSupport

  constructor(admissions: ReadonlyMap<Partition, Admission>, support: TransactionSupport) {
    this.#admissions = admissions
    this.#support = support
  }

  /** What a partition's append is part of. Throws KafkaError where it is not let in. */
  requestFor(partition: Partition, append: AppendRequest): AppendRequest {
    const admission = this.#admissions.get(partition)
    if (admission === undefined) return append
    if (admission.errorCode === ErrorCode.NONE) return { ...append, verification: admission.verification }
    throw this.#errorOf(admission.errorCode)
  }

  /** Errors of the coordinator as producers know what to do about them: NOT_ENOUGH_REPLICAS makes them send again, and do nothing else. */
  #errorOf(code: number): KafkaError {
    switch (code) {
      case ErrorCode.INVALID_TXN_STATE:
        return new NotAdmitted(code, 'Partition was not added to the transaction')
      case ErrorCode.CONCURRENT_TRANSACTIONS:
        return this.#support === 'add' ? new KafkaError(code) : notVerified(code)
      case ErrorCode.NETWORK_EXCEPTION:
      case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
      case ErrorCode.COORDINATOR_NOT_AVAILABLE:
      case ErrorCode.NOT_COORDINATOR:
        return notVerified(code)
      default:
        return new KafkaError(code)
    }
  }
}

const notVerified = (code: number): KafkaError =>
  new NotAdmitted(
    ErrorCode.NOT_ENOUGH_REPLICAS,
    `Unable to verify the partition has been added to the transaction. Underlying error: ${errorOf(code).name}`,
  )

const supportOf = (apiVersion: number): TransactionSupport => (apiVersion > 11 ? 'add' : apiVersion > 10 ? 'abortable' : 'verify')

/** A Produce with a transactional id. */
export type TransactionalRequest = ProduceRequest & { readonly transactionalId: string }

interface AdmissionParts {
  readonly admission: Pick<TransactionAdmission, 'admit' | 'admitPatiently'>
  readonly apiVersion: number
  readonly locate: (topic: TopicData, index: number) => Partition | number
  /** Called where the records are needed after the handler has returned. */
  readonly keepRecords: () => void
}

/** Asks for all batches of a request that are part of its transaction; null when they are of more than one producer. */
export function admitTransaction(request: TransactionalRequest, parts: AdmissionParts): Admissions | Promise<Admissions> | null {
  const { admission, apiVersion, locate, keepRecords } = parts
  const partitions: { partition: Partition; sequence: number }[] = []
  let producer: { producerId: number; producerEpoch: number } | null = null
  for (const topic of request.topicData) {
    for (const { index, records } of topic.partitionData) {
      if (records === null || records.length < HEADER_BYTES || !isTransactional(records)) continue
      const { producerId, producerEpoch, baseSequence: sequence } = new RecordBatch(records)
      if (producerId < 0) continue
      producer ??= { producerId, producerEpoch }
      if (producer.producerId !== producerId || producer.producerEpoch !== producerEpoch) return null
      const partition = locate(topic, index)
      if (typeof partition !== 'number') partitions.push({ partition, sequence })
    }
  }
  const support = supportOf(apiVersion)
  if (producer === null || partitions.length === 0) return new Admissions(new Map(), support)
  const { transactionalId } = request
  const asked = { transactionalId, ...producer, support, partitions }
  const read = (admissions: readonly Admission[]): Admissions =>
    new Admissions(new Map(partitions.map(({ partition }, at) => [partition, admissions[at] ?? { errorCode: ErrorCode.NONE }])), support)
  const isPatient = support === 'add'
  const admitted = admission.admit(asked)
  if (!(admitted instanceof Promise) && !(isPatient && isConcurrent(admitted))) return read(admitted)
  keepRecords()
  const patiently = async (): Promise<Admissions> => {
    const first = await admitted
    return read(isPatient ? await admission.admitPatiently(asked, first) : first)
  }
  return patiently()
}
