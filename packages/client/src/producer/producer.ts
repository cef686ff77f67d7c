// The producer: KafkaJS's API over a pipeline that batches, keeps order and sends again. Idempotent unless told otherwise; what goes with other acks
// than -1 goes without, as in KafkaJS.
import type { Cluster } from '../cluster/cluster.ts'
import { KafkaJSError, KafkaJSNonRetriableError } from '../errors/index.ts'
import type { InstrumentationEvent } from '../events/emitter.ts'
import type { Logger } from '../logger.ts'
import { BufferMemory } from './buffer-memory.ts'
import { eventNames, innerName, producerEvents } from './events.ts'
import { IdempotentGate, OpenGate } from './idempotence.ts'
import { checkShape } from './messages.ts'
import { abortable, Pipeline } from './pipeline.ts'
import type { ProducerSerializers } from './serializers.ts'
import { kindOf, type ProducerSettings, producerSettings } from './settings.ts'
import { Transactions } from './transactions.ts'
import type { Producer, ProducerBatch, ProducerConfig, ProducerRecord, RecordMetadata, RemoveListener, Transaction } from './types.ts'

/** Makes a producer of a cluster, which is its own. */
export function createProducer<S extends ProducerSerializers = ProducerSerializers>(
  cluster: Cluster,
  config: ProducerConfig<S> = {},
): Producer<S> {
  return new ClusterProducer(cluster, config)
}

type Status = 'disconnected' | 'connected' | 'disconnecting'

class ClusterProducer implements Producer {
  readonly events = producerEvents
  readonly #cluster: Cluster
  readonly #settings: ProducerSettings
  readonly #logger: Logger
  readonly #memory: BufferMemory
  #status: Status = 'disconnected'
  #pipeline: Pipeline | undefined
  #transactions: Transactions | undefined
  #ending: Promise<void> | undefined

  constructor(cluster: Cluster, config: ProducerConfig) {
    this.#cluster = cluster
    this.#settings = producerSettings(cluster, config)
    this.#logger = cluster.logger.namespace('Producer')
    const { bufferMemory, maxBlockMs } = this.#settings
    this.#memory = new BufferMemory(cluster.clock, { limit: bufferMemory, maxBlockMs })
  }

  async connect(): Promise<void> {
    await this.#ending
    await this.#cluster.connect()
    if (this.#status === 'connected') return
    this.#status = 'connected'
    this.#pipeline = this.#newPipeline()
    this.#cluster.events.emit(producerEvents.CONNECT, null)
  }

  disconnect(): Promise<void> {
    this.#ending ??= this.#disconnect().finally(() => {
      this.#ending = undefined
    })
    return this.#ending
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect()
  }

  isIdempotent(): boolean {
    return this.#settings.isIdempotent
  }

  logger(): Logger {
    return this.#logger
  }

  on<T>(eventName: string, listener: (event: InstrumentationEvent<T>) => void): RemoveListener {
    if (!eventNames.includes(eventName)) {
      const names = Object.keys(producerEvents).map(key => `producer.events.${key}`)
      throw new KafkaJSNonRetriableError(`Event name should be one of ${names.join(', ')}`)
    }
    return this.#cluster.events.on<T>(innerName(eventName), event => listener({ ...event, type: eventName }))
  }

  send(record: ProducerRecord<unknown, unknown> | undefined): Promise<RecordMetadata[]> {
    if (record === undefined) return Promise.reject(new KafkaJSNonRetriableError('Invalid topic'))
    const { topic, messages, ...options } = record
    return this.sendBatch({ ...options, topicMessages: [{ topic, messages }] })
  }

  async sendBatch({ topicMessages = [], ...options }: ProducerBatch<unknown, unknown>): Promise<RecordMetadata[]> {
    const kind = kindOf(this.#settings, options, false)
    return this.#ready(topicMessages).send(topicMessages, kind, options.signal)
  }

  async flush({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    const flushed = Promise.all([this.#pipeline?.flush(), this.#transactions?.flush()])
    await (signal === undefined ? flushed : abortable(flushed, signal))
  }

  async transaction(): Promise<Transaction> {
    const { transactionalId } = this.#settings
    if (transactionalId === undefined) {
      throw new KafkaJSNonRetriableError('Must provide transactional id for transactional producer')
    }
    this.#checkStatus()
    this.#transactions ??= new Transactions({
      cluster: this.#cluster,
      settings: this.#settings,
      memory: this.#memory,
      transactionalId,
      logger: this.#logger,
      checkStatus: () => this.#checkStatus(),
    })
    return this.#transactions.begin()
  }

  /** The pipeline, after the checks that KafkaJS makes, in its order. */
  #ready(topicMessages: ProducerBatch<unknown, unknown>['topicMessages'] = []): Pipeline {
    checkShape(topicMessages)
    this.#checkStatus()
    if (this.#pipeline === undefined) throw new KafkaJSError('The producer is disconnected')
    return this.#pipeline
  }

  #checkStatus(): void {
    if (this.#status === 'disconnecting') {
      throw new KafkaJSNonRetriableError("The producer is disconnecting; therefore, it can't safely accept messages anymore")
    }
    if (this.#status === 'disconnected') throw new KafkaJSError('The producer is disconnected')
  }

  #newPipeline(): Pipeline {
    const { isIdempotent, isIdempotenceRequired, retry } = this.#settings
    const gate = isIdempotent
      ? new IdempotentGate(this.#cluster, { logger: this.#logger, isRequired: isIdempotenceRequired, retry })
      : new OpenGate()
    return new Pipeline({ cluster: this.#cluster, settings: this.#settings, memory: this.#memory, gate })
  }

  async #disconnect(): Promise<void> {
    const wasConnected = this.#status === 'connected'
    this.#status = wasConnected ? 'disconnecting' : this.#status
    try {
      await this.#transactions?.end()
      await this.#pipeline?.flush()
    } finally {
      this.#pipeline?.stop(new KafkaJSError('The producer is disconnected'))
      this.#pipeline = undefined
      this.#transactions = undefined
      await this.#cluster.disconnect()
      this.#status = 'disconnected'
      if (wasConnected) this.#cluster.events.emit(producerEvents.DISCONNECT, null)
    }
  }
}
