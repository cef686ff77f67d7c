// Looks for transactions that were left behind: whose producer is gone, and which no coordinator ends any more, as it does not know of them or
// cannot reach this partition. They hold back everybody who reads committed records only, so somebody should know (Kafka's metric
// PartitionsWithLateTransactionsCount; KIP-664 tells how to end one with kafka-transactions.sh).
import type { OpenTransaction } from '@ottla/coordinator'
import type { Clock, Logger, Timer } from '@ottla/protocol'
import type { Partition } from '../replica/partition.ts'

const INTERVAL_MS = 60_000
/** A line is written again after this time, for as long as nothing changes. */
const REMINDER_MS = 60 * 60_000
/** Lines of one look, and partitions that a line names. */
const MAX_LINES = 20
const NAMED_PARTITIONS = 20

/** What it is made of. */
export interface TransactionWatchParts {
  /** Topics with the partitions that are here. */
  readonly topics: () => Iterable<{ readonly partitions: readonly (Partition | undefined)[] }>
  /** Transactions that this broker coordinates. */
  readonly open: () => Iterable<Pick<OpenTransaction, 'producerId' | 'transactionalId'>>
  /** `transaction.max.timeout.ms` */
  readonly maxTimeoutMs: () => number
  readonly clock: Clock
  readonly logger: Logger
}

/** A producer whose transaction is late, in one or more partitions. */
interface Late {
  readonly producerEpoch: number
  lastTimestamp: number
  readonly partitions: { readonly name: string; readonly lastStableOffset: number }[]
}

/** See the top of the file. */
export class TransactionWatch {
  readonly #parts: TransactionWatchParts
  #timer: Timer
  /** When each producer was told of, by the wall clock. */
  #told = new Map<number, number>()

  constructor(parts: TransactionWatchParts) {
    this.#parts = parts
    this.#timer = this.#later()
  }

  /** Partitions whose oldest open transaction is late. */
  get latePartitions(): number {
    let count = 0
    for (const late of this.#find().values()) count += late.partitions.length
    return count
  }

  close(): void {
    this.#timer.cancel()
  }

  #later(): Timer {
    return this.#parts.clock.after(INTERVAL_MS, () => {
      this.#look()
      this.#timer = this.#later()
    })
  }

  /** By producer id. Only where producers were needed already: a partition that nobody writes to or reads from holds nobody back. */
  #find(): Map<number, Late> {
    const { clock, maxTimeoutMs, topics } = this.#parts
    const found = new Map<number, Late>()
    const now = clock.now()
    for (const { partitions } of topics())
      for (const partition of partitions) {
        const log = partition?.log
        if (partition === undefined || log?.producersLoaded !== true || !partition.isLeader) continue
        const { producers } = log
        if (!producers.hasLateTransaction(now, maxTimeoutMs())) continue
        const oldest = producers.transactions.firstOngoing
        const entry = oldest === undefined ? undefined : producers.entry(oldest.producerId)
        if (entry === undefined) continue
        const { lastTimestamp, producerEpoch, producerId } = entry
        const late = found.get(producerId) ?? { producerEpoch, lastTimestamp, partitions: [] }
        late.lastTimestamp = Math.max(late.lastTimestamp, lastTimestamp)
        late.partitions.push({ name: `${partition.topic}-${partition.index}`, lastStableOffset: partition.lastStableOffset(true) })
        found.set(producerId, late)
      }
    return found
  }

  #look(): void {
    const { clock, logger, open } = this.#parts
    const found = this.#find()
    const now = clock.now()
    const told = new Map<number, number>()
    for (const [producerId, at] of this.#told) if (found.has(producerId) && now - at < REMINDER_MS) told.set(producerId, at)
    this.#told = told
    const untold = [...found].filter(([producerId]) => !told.has(producerId)).slice(0, MAX_LINES)
    if (untold.length === 0) return
    const ids = new Map(Array.from(open(), ({ producerId, transactionalId }) => [producerId, transactionalId]))
    for (const [producerId, { lastTimestamp, partitions, producerEpoch }] of untold) {
      told.set(producerId, now)
      const fields = {
        transactionalId: ids.get(producerId) ?? null,
        producerId,
        producerEpoch,
        ageMs: now - lastTimestamp,
        partitionCount: partitions.length,
        partitions: partitions.slice(0, NAMED_PARTITIONS),
      }
      logger.warn(
        fields,
        'a transaction was left behind, and holds back those who read committed records; kafka-transactions.sh can end it',
      )
    }
  }
}
