// A coordinator of one partition for tests: the runtime as it is, over a log in memory, a clock that stands still, and markers that go where the
// test says.

import {
  type AddPartitionsToTxnRequest,
  BatchBuilder,
  batchesIn,
  type EndTxnRequest,
  type EndTxnResponseInit,
  ErrorCode,
  type InitProducerIdRequest,
  type InitProducerIdResponseInit,
  KafkaError,
  type Logger,
  ManualClock,
  type RecordBatch,
  recordsOf,
} from '@ottla/protocol'
import type { Decision } from '../decision.ts'
import { type CoordinatorRecord, encodeRecord, RecordDecoder } from '../record.ts'
import { CoordinatorRuntime } from '../runtime.ts'
import { MemoryLog } from '../runtime-testing.ts'
import { additionsOf } from './add-partitions.ts'
import type { TransactionStateName } from './states.ts'
import { newTransaction, readTransaction, type Transaction, transactionRecord } from './transaction.ts'
import { TransactionPartition } from './transaction-partition.ts'
import type { EndMarkers, MarkerOutcome, MarkerWriter, TransactionSettings } from './world.ts'

/** Commits what is appended at once, unless told otherwise. */
export class CommittingLog extends MemoryLog {
  holds = false
  override maxBatchBytes = 1_000_000

  override append(batch: RecordBatch): number {
    const endOffset = super.append(batch)
    if (!this.holds) this.commit()
    return endOffset
  }

  /** All records, as they would be read back. */
  records(): CoordinatorRecord[] {
    const decoder = new RecordDecoder('__transaction_state')
    const records: CoordinatorRecord[] = []
    for (const bytes of this.batches)
      for (const batch of batchesIn(bytes))
        for (const { key, value } of recordsOf(batch)) {
          const record = key === null ? null : decoder.decode(key, value)
          if (record !== null) records.push(record)
        }
    return records
  }

  /** All that is left is the first batches. */
  cut(batches: number): void {
    this.batches = this.batches.slice(0, batches)
    const [last] = batchesIn(this.batches.at(-1) ?? Buffer.alloc(0))
    this.endOffset = last?.nextOffset ?? 0
    this.committedOffset = this.endOffset
  }
}

/** What a test makes of markers: all of them are written, if it says nothing else. */
export class TestMarkers implements MarkerWriter {
  readonly written: EndMarkers[] = []
  /** The outcome of one partition. */
  outcome: (topic: string, partition: number, markers: EndMarkers) => MarkerOutcome['outcome'] | 'no answer' = () => ErrorCode.NONE
  /** Thrown instead. */
  failure: Error | null = null
  /** Waited for first. */
  gate: Promise<void> = Promise.resolve()

  async write(markers: EndMarkers): Promise<readonly MarkerOutcome[]> {
    this.written.push(markers)
    await this.gate
    if (this.failure !== null) throw this.failure
    const outcomes: MarkerOutcome[] = []
    for (const [topic, numbers] of markers.partitions)
      for (const partition of numbers) {
        const outcome = this.outcome(topic, partition, markers)
        if (outcome !== 'no answer') outcomes.push({ topic, partition, outcome })
      }
    return outcomes
  }
}

/** A line of the log. */
export interface LogLine {
  readonly level: string
  readonly message: string
  readonly fields: object
}

const recordingLogger = (lines: LogLine[], bound: object = {}): Logger => {
  const line = (level: string) => (fields: object, message: string) => void lines.push({ level, message, fields: { ...bound, ...fields } })
  const child = (fields: object): Logger => recordingLogger(lines, { ...bound, ...fields })
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error'), child }
}

/** Settings that a test may change; Kafka's defaults. */
export type TestSettings = { -readonly [Name in keyof TransactionSettings]: TransactionSettings[Name] }

export const testSettings = (): TestSettings => ({
  transactionMaxTimeoutMs: 900_000,
  transactionalIdExpirationMs: 604_800_000,
  transactionAbortTimedOutTransactionCleanupIntervalMs: 10_000,
  transactionRemoveExpiredTransactionCleanupIntervalMs: 3_600_000,
  transactionTwoPhaseCommitEnable: false,
  transactionVersion: 2,
})

/** States that a log holds. */
export type ReachableState = Exclude<TransactionStateName, 'Dead' | 'PrepareEpochFence'>

/** A producer as it knows itself. */
export interface Producer {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

/** See the top of the file. */
export class TestCoordinator {
  readonly clock = new ManualClock()
  readonly settings = testSettings()
  readonly log = new CommittingLog()
  readonly markers = new TestMarkers()
  readonly lines: LogLine[] = []
  /** Gives producer ids. */
  nextProducerId: () => number | Promise<number> = () => this.#nextId++
  leaderEpoch = 0
  state!: TransactionPartition
  /** Lets the markers go that `producerIn` holds back. */
  openGate: () => void = () => undefined
  #nextId = 1000
  #markers: MarkerWriter = this.markers
  readonly #runtime: CoordinatorRuntime<TransactionPartition>

  constructor() {
    const { clock, settings, lines } = this
    this.#runtime = new CoordinatorRuntime({
      topic: '__transaction_state',
      clock,
      logger: recordingLogger(lines),
      create: (_, timers) => {
        this.state = new TransactionPartition({
          clock,
          settings,
          markers: { write: markers => this.#markers.write(markers) },
          timers,
          logger: recordingLogger(lines),
          producerIds: { next: () => this.nextProducerId() },
          coordinatorEpoch: this.leaderEpoch,
          run: decide => this.#runtime.run(0, decide),
        })
        return this.state
      },
    })
  }

  static async create(): Promise<TestCoordinator> {
    const coordinator = new TestCoordinator()
    await coordinator.restart()
    return coordinator
  }

  /** Another coordinator takes over what is in the log. */
  async restart(): Promise<void> {
    this.leaderEpoch++
    this.#runtime.lead(0, this.leaderEpoch, this.log)
    await this.#runtime.loaded(0)
  }

  /** Markers of the next that are written go elsewhere. */
  useMarkers(markers: MarkerWriter): void {
    this.#markers = markers
  }

  close(): void {
    this.#runtime.close()
  }

  async run<R>(decide: (state: TransactionPartition) => Decision<R>): Promise<R> {
    const reply = await this.#runtime.run(0, decide)
    await settle()
    return reply
  }

  /** The error of a command that fails, or the one that it answers. */
  async errorOf(decide: (state: TransactionPartition) => Decision<{ readonly errorCode: number } | object>): Promise<string> {
    try {
      const reply = await this.run(decide)
      return new KafkaError('errorCode' in reply && typeof reply.errorCode === 'number' ? reply.errorCode : 0).errorName
    } catch (error) {
      if (error instanceof KafkaError) return error.errorName
      throw error
    }
  }

  /** Lets time pass, and all that comes of it happen. */
  async advance(durationMs: number): Promise<void> {
    const end = this.clock.monotonic() + durationMs
    for (let step = 0; this.clock.monotonic() < end && step < 10_000; step++) {
      this.clock.advance(Math.min(end - this.clock.monotonic(), Math.max(100, durationMs / 1000)))
      await settle()
    }
  }

  init(transactionalId: string, changes: Partial<InitProducerIdRequest> = {}, apiVersion = 5): Promise<InitProducerIdResponseInit> {
    return this.run(state => state.initProducerId(initRequest(transactionalId, changes), { apiVersion }))
  }

  /** A producer that has its epoch. */
  async producer(transactionalId: string): Promise<Producer> {
    const { producerId = -1, producerEpoch } = await this.init(transactionalId)
    return { transactionalId, producerId, producerEpoch }
  }

  add(producer: Producer, partitions: readonly number[], apiVersion = 5): Promise<unknown> {
    const [addition] = additionsOf(addRequest(producer, partitions), { apiVersion: 4 })
    if (addition === undefined) throw new Error('nothing to add')
    return this.run(state => state.addPartitions(addition, { apiVersion }))
  }

  end(producer: Producer, committed: boolean, apiVersion = 5): Promise<EndTxnResponseInit> {
    return this.run(state => state.end(endRequest(producer, committed), { apiVersion }))
  }

  /** A producer whose transactional id is in this state, as its coordinator last told it. Markers wait where they have to. */
  async producerIn(state: ReachableState, apiVersion = 5): Promise<Producer> {
    const producer = await this.producer('transfers')
    if (state === 'Empty') return producer
    await this.add(producer, [0, 1], apiVersion >= 5 ? 5 : 3)
    if (state === 'Ongoing') return producer
    if (state.startsWith('Prepare')) {
      const { promise, resolve } = deferred<void>()
      this.markers.gate = promise
      this.openGate = () => resolve()
    }
    const { producerId = -1, producerEpoch = -1 } = await this.end(producer, state.endsWith('Commit'), apiVersion)
    return apiVersion >= 5 ? { ...producer, producerId, producerEpoch } : producer
  }

  /** Lets the log hold something about an id, and a coordinator begin with it. */
  async begin(transactionalId: string, changes: Partial<Transaction>): Promise<void> {
    const transaction = { ...newTransaction(transactionalId, 1000), timeoutMs: 60_000, updatedAtMs: this.clock.now(), ...changes }
    const builder = new BatchBuilder({ compression: 'none' }, 256)
    builder.append({ timestamp: this.clock.now(), ...encodeRecord(transactionRecord(transaction, 2)) })
    this.log.append(builder.build())
    await this.restart()
  }

  /** What the log says about an id in the end. */
  logged(transactionalId: string): Transaction | null | undefined {
    let last: Transaction | null | undefined
    for (const record of this.log.records()) {
      const read = readTransaction(record)
      if (read?.transactionalId === transactionalId) last = read.transaction
    }
    return last
  }

  /** All states that the log has of an id. */
  history(transactionalId: string): string[] {
    return this.log.records().flatMap(record => {
      const read = readTransaction(record)
      if (read?.transactionalId !== transactionalId) return []
      return [read.transaction === null ? 'forgotten' : `${read.transaction.state} ${read.transaction.producerEpoch}`]
    })
  }
}

/** A promise that a test resolves. */
export const deferred = <T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } => {
  const resolvers: ((value: T) => void)[] = []
  const promise = new Promise<T>(resolve => void resolvers.push(resolve))
  return { promise, resolve: value => resolvers.forEach(resolve => resolve(value)) }
}

/** Lets all that waits for no time happen. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

export const initRequest = (transactionalId: string, changes: Partial<InitProducerIdRequest> = {}): InitProducerIdRequest => ({
  transactionalId,
  transactionTimeoutMs: 60_000,
  producerId: -1,
  producerEpoch: -1,
  enable2Pc: false,
  keepPreparedTxn: false,
  ...changes,
})

export const addRequest = (producer: Producer, partitions: readonly number[], verifyOnly = false): AddPartitionsToTxnRequest => ({
  transactions: [{ ...producer, verifyOnly, topics: [{ name: 'orders', partitions: [...partitions] }] }],
  v3AndBelowTransactionalId: '',
  v3AndBelowProducerId: -1,
  v3AndBelowProducerEpoch: -1,
  v3AndBelowTopics: [],
})

export const endRequest = (producer: Producer, committed: boolean): EndTxnRequest => ({ ...producer, committed })
