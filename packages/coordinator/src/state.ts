// What the runtime asks of a state machine: the groups of a partition, or its transactions.

import type { CoordinatorRecord } from './record.ts'

/** Who wrote a record as part of a transaction. */
export interface TransactionalProducer {
  readonly id: number
  readonly epoch: number
}

/** The state of one coordinator partition. It holds no sockets, files or clocks; only `replay` and `endTransaction` change what is persistent. */
export interface CoordinatorState {
  /** Takes a record that lies at `offset`; `producer` is null outside of transactions. */
  replay(record: CoordinatorRecord, offset: number, producer: TransactionalProducer | null): void
  /** The transaction of a producer ended in this partition: what it wrote here counts from now on, or never did. */
  endTransaction(producer: TransactionalProducer, committed: boolean): void
  /** All records are replayed: timers may begin. */
  loaded(): void
  /** The state is given up; whoever waits for an answer of it gets this error. Nothing else is called afterwards. */
  unloaded(errorCode: number): void
}
