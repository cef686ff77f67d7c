// Who says in whose name batches are sent, and whether they may be sent yet: one kind of gate for idempotence, one for transactions.
import type { ProducerBatch } from './batch.ts'
import type { PartitionQueue, ProducerName } from './partition-queue.ts'

/** See the top of the file. */
export interface Gate {
  readonly transactionalId: string | null
  /** The highest version of Produce that may be used, undefined for any. */
  readonly maxProduceVersion: number | undefined
  /** The name for new batches; null for none (not idempotent), undefined while it is asked for. `changed` is called then. */
  name(): ProducerName | null | undefined
  /** Whether batches of the partition may be sent; if not, it takes care that they soon may, and calls `changed`. */
  admits(queue: PartitionQueue): boolean
  /** A sequence was broken: a higher epoch is needed. */
  renew(): void
  /** A batch was given up. */
  failed(error: Error, batch: ProducerBatch): void
  /** Nothing is sent any more. */
  stop(): void
  /** Called when something of the above is otherwise than before. */
  changed: () => void
  /** Called when all that waits must be given up with this error. */
  broken: (error: Error) => void
}
