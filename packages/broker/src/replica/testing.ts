// What tests of partitions and of the handlers over them share: a disk in memory, metadata that the test writes, time that it moves.
import type { PartitionValue } from '@ottla/metadata'
import { encodeConfig, encodePartition, encodeTopic, keys, memoryStore, Metadata, newPartition, silentLogger } from '@ottla/metadata'
import type { MetadataStore } from '@ottla/metadata'
import type { AnyApi, BatchOptions, RecordInit, RequestInitOf, ResponseInitOf, ResponseOf } from '@ottla/protocol'
import { BatchBuilder, encodeResponse, ManualClock, Reader, readResponse, requestCodec, seededRandom, Writer } from '@ottla/protocol'
import type { LogConfig } from '@ottla/storage'
import { defaultLogConfig, LogManager, MemoryDisk, nodeFiles, ValidationPool } from '@ottla/storage'
import type { AnyHandler, ConnectionFacts, Outcome, RequestContext } from '../requests/handler.ts'
import { Loaned, Ordered } from '../requests/handler.ts'
import type { Partition } from './partition.ts'
import { Replicas } from './replicas.ts'

/** Topic ids of tests: the number in 22 characters. */
export const testId = (number: number): string => `${'A'.repeat(19)}${String(number).padStart(2, '0')}g`

/** Bytes of one batch with these values, or records. */
export const batchOf = (records: readonly (string | RecordInit)[], options: BatchOptions = {}): Buffer => {
  const builder = new BatchBuilder(options)
  for (const record of records) builder.append(typeof record === 'string' ? { timestamp: 1_700_000_000_000, value: record } : record)
  return Buffer.from(builder.build().bytes)
}

/** A connection of a test, which can be closed. */
export class TestConnection implements ConnectionFacts {
  readonly id = 1
  readonly listener = 'PLAINTEXT'
  readonly remoteAddress = '127.0.0.1'
  clientSoftwareName = 'test'
  clientSoftwareVersion = '1'
  readonly #callbacks = new Set<() => void>()

  onClose(run: () => void): () => void {
    this.#callbacks.add(run)
    return () => this.#callbacks.delete(run)
  }

  get waiting(): number {
    return this.#callbacks.size
  }

  destroy(): void {
    this.close()
  }

  close(): void {
    for (const run of this.#callbacks) run()
    this.#callbacks.clear()
  }
}

/** A broker's partitions in memory. */
export class TestReplicas {
  readonly clock: ManualClock
  readonly disk: MemoryDisk
  readonly store: MetadataStore
  readonly metadata: Metadata
  readonly logs: LogManager
  readonly replicas: Replicas
  readonly random = seededRandom(7)
  readonly #pool = new ValidationPool({ threads: 1 })
  /** Settings of all topics on top of Kafka's defaults. */
  config: Partial<LogConfig>
  readonly connection = new TestConnection()
  #topics = 0

  private constructor(
    parts: { clock: ManualClock; disk: MemoryDisk; store: MetadataStore; metadata: Metadata; logs: LogManager },
    config: Partial<LogConfig>,
  ) {
    this.clock = parts.clock
    this.disk = parts.disk
    this.store = parts.store
    this.metadata = parts.metadata
    this.logs = parts.logs
    this.config = config
    this.replicas = new Replicas({
      brokerId: 1,
      metadata: parts.metadata,
      logs: parts.logs,
      clock: parts.clock,
      logger: silentLogger,
      validationPool: this.#pool,
      logConfig: overrides => ({
        ...defaultLogConfig,
        ...this.config,
        ...(overrides.has('max.message.bytes') ? { maxMessageBytes: Number(overrides.get('max.message.bytes')) } : {}),
      }),
    })
  }

  /** Broker 1, without topics; with `folder` on the real disk. */
  static async open(config: Partial<LogConfig> = {}, disk: MemoryDisk = new MemoryDisk(), folder?: string): Promise<TestReplicas> {
    const clock = new ManualClock()
    const store = await memoryStore(clock)
    const metadata = await Metadata.follow({ store, logger: silentLogger })
    const directories = [folder ?? '/logs']
    const files = folder === undefined ? disk : nodeFiles
    const logs = await LogManager.open({ directories, files, clock, random: seededRandom(3), logger: silentLogger })
    return new TestReplicas({ clock, disk, store, metadata, logs }, config)
  }

  /** Makes a topic whose partitions this broker has, unless `state` says otherwise; returns its id. */
  async createTopic(name: string, partitions = 1, state: Partial<PartitionValue> = {}): Promise<string> {
    const id = testId(++this.#topics)
    const writes = Array.from({ length: partitions }, (_, index) => ({
      key: keys.partition(id, index),
      value: encodePartition({ ...newPartition([1]), ...state }),
    }))
    await this.commit([{ key: keys.topic(name), value: encodeTopic({ id, partitions }) }, ...writes])
    return id
  }

  async deleteTopic(name: string, id: string): Promise<void> {
    await this.commit([
      { key: keys.topic(name), value: null },
      { key: keys.partition(id, 0), value: null },
    ])
  }

  async changePartition(id: string, index: number, state: Partial<PartitionValue>): Promise<void> {
    await this.commit([{ key: keys.partition(id, index), value: encodePartition({ ...newPartition([1]), ...state }) }])
  }

  async configureTopic(name: string, overrides: Readonly<Record<string, string>>): Promise<void> {
    await this.commit([{ key: keys.config('topic', name), value: encodeConfig(new Map(Object.entries(overrides))) }])
  }

  async commit(writes: readonly ({ key: string; value: string } | { key: string; value: null })[]): Promise<void> {
    const { revision } = await this.store.commit({ writes })
    await this.metadata.applied(revision)
  }

  partition(topic: string, index = 0): Partition {
    const found = this.replicas.locate(topic, index)
    if (typeof found === 'number') throw new Error(`no partition ${topic}-${index}: error ${found}`)
    return found
  }

  /** Asks as a client would, through the codecs; null when there is no reply. */
  async ask<A extends AnyApi>(handler: AnyHandler, api: A, version: number, body: RequestInitOf<A>): Promise<ResponseOf<A> | null> {
    const outcome = this.begin(handler, api, version, body)
    const reply = await (outcome instanceof Ordered ? outcome.reply : outcome)
    if (reply === null) return null
    const response = { api: handler.api, version, correlationId: 1, body: reply instanceof Loaned ? reply.body : reply }
    const frame = Buffer.concat(encodeResponse(response))
    if (reply instanceof Loaned) reply.release()
    return readResponse(api, version, frame.subarray(4)).body
  }

  /** The handler's outcome. The bytes of the request are overwritten as soon as it has returned, as those of a connection may be. */
  begin<A extends AnyApi>(handler: AnyHandler, api: A, version: number, body: RequestInitOf<A>): Outcome<ResponseInitOf<AnyApi>> {
    const writer = new Writer()
    requestCodec(api, version).write(writer, body)
    const bytes = Buffer.concat(writer.chunks())
    const request = requestCodec(api, version).read(new Reader(bytes))
    const context: RequestContext = {
      apiKey: api.key,
      apiVersion: version,
      correlationId: 1,
      clientId: 'test',
      connection: this.connection,
      receivedAtMs: this.clock.monotonic(),
      sizeBytes: bytes.length,
    }
    try {
      return handler.handle(request, context)
    } finally {
      bytes.fill(0xee)
    }
  }

  async close(): Promise<void> {
    this.replicas.close()
    await this.#pool.close()
    this.metadata.close()
    await this.logs.close()
    await this.store.close()
  }
}

/** Lets the turn of the event loop end in which logs are written, and what follows from it happen. */
export const nextTurn = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve))
}
