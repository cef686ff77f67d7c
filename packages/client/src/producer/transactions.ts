// The transactions of one transactional id, one after the other (class TransactionManager). Of the second kind (KIP-890) partitions and
// offsets join a transaction by being written to, and each transaction has an epoch of its own; of the first kind they are added before. Which one it
// is, the cluster's feature transaction.version says.
import type { Cluster } from '../cluster/cluster.ts'
import { KafkaJSError, KafkaJSNonRetriableError } from '../errors/index.ts'
import type { Logger } from '../logger.ts'
import { asError } from '../network/as-error.ts'
import type { BufferMemory } from './buffer-memory.ts'
import type { Gate } from './gate.ts'
import { checkShape } from './messages.ts'
import type { PartitionQueue, ProducerName } from './partition-queue.ts'
import { Pipeline } from './pipeline.ts'
import type { ProducerBatch as ProducedBatch } from './batch.ts'
import { kindOf, type ProducerSettings } from './settings.ts'
import { isFatal, isInvalidState, isUnanswered, LAST_PRODUCE_OF_V1, TransactionRequests } from './transaction-requests.ts'
import type { ConsumerGroupMetadata, Offsets, ProducerBatch, ProducerRecord, RecordMetadata, Transaction } from './types.ts'

/** What transactions are made of. */
export interface TransactionsParts {
  readonly cluster: Cluster
  readonly settings: ProducerSettings
  readonly memory: BufferMemory
  readonly transactionalId: string
  readonly logger: Logger
  /** Throws while the producer takes no messages. */
  readonly checkStatus: () => void
}

/**
 * new: no id yet. ready: between transactions. open: in one. failed: in one that can only be aborted. fatal: nothing can be done any more.
 */
type State = 'new' | 'ready' | 'open' | 'failed' | 'fatal'

/** See the top of the file. */
export class Transactions implements Gate {
  readonly transactionalId: string
  readonly #parts: TransactionsParts
  readonly #requests: TransactionRequests
  readonly #pipeline: Pipeline
  #state: State = 'new'
  #error: Error | undefined
  #isSecondKind = false
  #name: ProducerName | undefined
  #current: OpenTransaction | undefined
  /** Partitions in the transaction, and those that are being added, as topic/partition. */
  readonly #added = new Set<string>()
  readonly #wanted = new Map<string, PartitionQueue>()
  /** What joins the transaction at this moment: it must not end before. */
  readonly #joining = new Set<Promise<void>>()
  #isAdding = false
  /** Whether it was tried to commit, and no answer came. */
  #isCommitting = false
  readonly #ending = new AbortController()
  #hasStarted = false
  #needsEpoch = false
  changed = (): void => {}
  broken = (_error: Error): void => {}

  constructor(parts: TransactionsParts) {
    const { cluster, settings, memory, transactionalId } = parts
    this.#parts = parts
    this.transactionalId = transactionalId
    this.#requests = new TransactionRequests(cluster, { transactionalId, maxBlockMs: settings.maxBlockMs, signal: this.#ending.signal })
    this.#pipeline = new Pipeline({ cluster, settings, memory, gate: this })
  }

  get maxProduceVersion(): number | undefined {
    return this.#isSecondKind ? undefined : LAST_PRODUCE_OF_V1
  }

  /** Begins a transaction. Gets an id first, if there is none. */
  async begin(): Promise<Transaction> {
    if (this.#current !== undefined) {
      throw new KafkaJSNonRetriableError(
        'There is already an ongoing transaction for this producer. Please end the transaction before beginning another.',
      )
    }
    if (this.#state === 'fatal') throw this.#error
    const current = new OpenTransaction(this)
    this.#current = current
    try {
      if (this.#state === 'new') {
        this.#isSecondKind = await this.#requests.isSecondKind()
        this.#name = await this.#requests.initProducerId(this.#parts.settings.transactionTimeoutMs)
        this.#state = 'ready'
      }
    } catch (error) {
      this.#current = undefined
      if (isFatal(asError(error))) this.#fail(asError(error))
      throw error
    }
    this.#state = 'open'
    this.#error = undefined
    return current
  }

  /** Why nothing can be done any more. */
  get fatalError(): Error | undefined {
    return this.#state === 'fatal' ? this.#error : undefined
  }

  /** Whether this is the transaction that goes on. */
  isCurrent(transaction: OpenTransaction): boolean {
    return this.#current === transaction
  }

  send(batch: ProducerBatch<unknown, unknown>): Promise<RecordMetadata[]> {
    const { topicMessages = [], ...options } = batch
    checkShape(topicMessages)
    const kind = kindOf(this.#parts.settings, options, true)
    this.#parts.checkStatus()
    this.#checkTaking()
    return this.#pipeline.send(topicMessages, kind, options.signal)
  }

  async sendOffsets({ topics }: Offsets, group: ConsumerGroupMetadata): Promise<void> {
    const name = this.#checkTaking()
    this.#hasStarted = true
    try {
      await this.#join(this.#requests.sendOffsets(name, { topics }, { group, isSecondKind: this.#isSecondKind }))
    } catch (error) {
      this.#fail(asError(error))
      throw error
    }
  }

  async commit(): Promise<void> {
    this.#checkOpen()
    await this.#settled()
    // What failed meanwhile is said to whoever sent it; a transaction without it must not be committed.
    const name = this.#checkOpen()
    this.#isCommitting = true
    if (this.#hasStarted) await this.#end(name, true)
    this.#done()
  }

  async abort(): Promise<void> {
    const name = this.#name
    if (this.#state === 'fatal' || name === undefined) throw this.#error
    this.#state = 'failed'
    this.#error ??= new KafkaJSNonRetriableError('The transaction was aborted')
    this.#pipeline.giveUp(this.#error)
    await this.#settled()
    if (this.#hasStarted) await this.#end(name, false)
    if (this.#needsEpoch && !this.#isSecondKind) {
      this.#name = await this.#requests.initProducerId(this.#parts.settings.transactionTimeoutMs, this.#name)
    }
    this.#done()
  }

  flush(): Promise<void> {
    return this.#pipeline.flush()
  }

  /** The producer disconnects: a transaction that goes on is aborted. */
  async end(): Promise<void> {
    try {
      if (this.#current !== undefined && (this.#state === 'open' || this.#state === 'failed')) await this.abort()
    } catch (error) {
      this.#parts.logger.warn('A transaction could not be aborted before disconnecting', { error: asError(error).message })
    } finally {
      const error = new KafkaJSError('The producer is disconnected')
      this.#pipeline.stop(error)
      this.#ending.abort(error)
    }
  }

  name(): ProducerName | undefined {
    return this.#name
  }

  admits(queue: PartitionQueue): boolean {
    if (this.#state !== 'open') return false
    if (this.#isSecondKind) return (this.#hasStarted = true)
    const key = `${queue.topic}/${queue.partition}`
    if (this.#added.has(key)) return true
    this.#wanted.set(key, queue)
    if (!this.#isAdding) void this.#join(this.#addWanted())
    return false
  }

  renew(): void {}

  stop(): void {}

  failed(error: Error, batch: ProducedBatch): void {
    if (batch.producer !== undefined) this.#needsEpoch = true
    // A leader that says so looked at a transaction that the coordinator ended meanwhile, and the next one can be begun.
    this.#fail(error, isFatal(error) && !isInvalidState(error))
  }

  /** What joins the transaction is waited for before that ends: afterwards it would begin another one. */
  async #join(joined: Promise<void>): Promise<void> {
    this.#joining.add(joined)
    try {
      await joined
    } finally {
      this.#joining.delete(joined)
    }
  }

  /** Resolves when nothing is on its way any more. */
  async #settled(): Promise<void> {
    await this.#pipeline.flush()
    await Promise.allSettled(this.#joining)
  }

  async #addWanted(): Promise<void> {
    this.#isAdding = true
    // All partitions of this turn of the event loop go in one request.
    await new Promise<void>(resolve => setImmediate(resolve))
    const keys = [...this.#wanted.keys()]
    const topics = new Map<string, number[]>()
    for (const { topic, partition } of this.#wanted.values()) topics.set(topic, [...(topics.get(topic) ?? []), partition])
    this.#wanted.clear()
    try {
      if (this.#name === undefined || this.#state !== 'open') return
      this.#hasStarted = true
      await this.#requests.addPartitions(
        this.#name,
        [...topics].map(([name, partitions]) => ({ name, partitions })),
      )
      for (const key of keys) this.#added.add(key)
    } catch (error) {
      this.#fail(asError(error))
    } finally {
      this.#isAdding = false
      this.changed()
    }
  }

  async #end(name: ProducerName, committed: boolean): Promise<void> {
    try {
      this.#name = await this.#requests.endTransaction(name, committed, this.#isSecondKind)
    } catch (error) {
      // Without an answer the same call may be made again; nothing else would be true whatever became of it.
      if (!isUnanswered(asError(error))) this.#fail(asError(error))
      throw error
    }
  }

  #done(): void {
    this.#state = 'ready'
    this.#error = undefined
    this.#current = undefined
    this.#hasStarted = false
    this.#needsEpoch = false
    this.#isCommitting = false
    this.#added.clear()
    this.#wanted.clear()
  }

  #fail(error: Error, fatal = isFatal(error)): void {
    if (this.#state === 'fatal' || (this.#state === 'failed' && !fatal)) return
    this.#state = fatal ? 'fatal' : 'failed'
    this.#error = error
    if (fatal) this.#current = undefined
    this.broken(error)
  }

  #checkTaking(): ProducerName {
    if (!this.#isCommitting) return this.#checkOpen()
    throw new KafkaJSNonRetriableError('The transaction is being committed: no answer came yet, call commit again')
  }

  #checkOpen(): ProducerName {
    if (this.#state === 'fatal') throw this.#error
    if (this.#state === 'failed') {
      const { message } = this.#error ?? { message: 'it failed' }
      throw new KafkaJSNonRetriableError(
        `The transaction can only be aborted: ${message}`,
        this.#error === undefined ? {} : { cause: this.#error },
      )
    }
    if (this.#state !== 'open' || this.#name === undefined)
      throw new KafkaJSNonRetriableError('Cannot continue to use transaction once ended')
    return this.#name
  }
}

/** Text, as KafkaJS has offsets, or a number. */
const isOffset = (offset: unknown): boolean =>
  ((typeof offset === 'string' && offset.trim() !== '') || typeof offset === 'number') && Number.isSafeInteger(Number(offset))

/** The transaction as the program has it in hand. */
class OpenTransaction implements Transaction {
  readonly #transactions: Transactions
  #ending: 'commit' | 'abort' | undefined

  constructor(transactions: Transactions) {
    this.#transactions = transactions
  }

  isActive(): boolean {
    return this.#transactions.isCurrent(this) && this.#ending === undefined
  }

  async send(record: ProducerRecord<unknown, unknown> | undefined): Promise<RecordMetadata[]> {
    this.#check()
    if (record === undefined) throw new KafkaJSNonRetriableError('Invalid topic')
    const { topic, messages, ...options } = record
    return this.#transactions.send({ ...options, topicMessages: [{ topic, messages }] })
  }

  async sendBatch(batch: ProducerBatch<unknown, unknown>): Promise<RecordMetadata[]> {
    this.#check()
    return this.#transactions.send(batch)
  }

  async sendOffsets({ topics, consumerGroupId, groupMetadata }: Parameters<Transaction['sendOffsets']>[0]): Promise<void> {
    this.#check()
    const group = groupMetadata ?? { groupId: consumerGroupId ?? '', generationId: -1, memberId: '', groupInstanceId: null }
    if (group.groupId === '' || !Array.isArray(topics)) throw new KafkaJSNonRetriableError('sendOffsets needs a consumerGroupId and topics')
    for (const { partition, offset } of topics.flatMap(({ partitions }) => partitions)) {
      if (!Number.isInteger(partition) || !isOffset(offset))
        throw new KafkaJSNonRetriableError(`Offset ${offset} of partition ${partition} is not a whole number`)
    }
    await this.#transactions.sendOffsets({ topics }, group)
  }

  commit(): Promise<void> {
    return this.#end('commit', () => this.#transactions.commit())
  }

  abort(): Promise<void> {
    return this.#end('abort', () => this.#transactions.abort())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isActive()) await this.abort()
  }

  async #end(how: 'commit' | 'abort', run: () => Promise<void>): Promise<void> {
    this.#check()
    this.#ending = how
    try {
      await run()
    } finally {
      this.#ending = undefined
    }
  }

  #check(): void {
    if (this.isActive()) return
    throw this.#transactions.fatalError ?? new KafkaJSNonRetriableError('Cannot continue to use transaction once ended')
  }
}
