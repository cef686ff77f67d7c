// The transactions of one partition of `__transaction_state` (classes TransactionCoordinator and TransactionStateManager; KIP-98): commands decide, replayed
// records are the state. Kafka answers CONCURRENT_TRANSACTIONS also while a step is being written; here the next command sees that step as
// done, and is answered after it. That the markers of the transaction before are not all written yet is still answered so.

import {
  type AddOffsetsToTxnRequest,
  type AddOffsetsToTxnResponseInit,
  type EndTxnRequest,
  type EndTxnResponseInit,
  ErrorCode,
  type InitProducerIdRequest,
  type InitProducerIdResponseInit,
  KafkaError,
} from '@ottla/protocol'
import { answered, type Decision } from '../decision.ts'
import type { CoordinatorRecord } from '../record.ts'
import type { CoordinatorState } from '../state.ts'
import { addOffsets, addPartitions, type TransactionAddition, type TransactionAdditionResult } from './add-partitions.ts'
import type { TransactionContext } from './context.ts'
import {
  type DescribedTransaction,
  describeTransaction,
  type ListedTransactions,
  type OpenTransaction,
  openTransactions,
  type TransactionFilters,
  TransactionLists,
} from './description.ts'
import { endTransaction } from './end-transaction.ts'
import { initProducerId } from './init-producer-id.ts'
import { MarkerRounds } from './markers.ts'
import { TransactionPasses } from './passes.ts'
import { isPrepared } from './states.ts'
import { Transactions } from './transactions.ts'
import type { TransactionCaller, TransactionWorld } from './world.ts'

/** Transactions of an earlier coordinator that are taken up before others have their turn. */
const RESUMED_PER_TURN = 500

/** See the top of the file. */
export class TransactionPartition implements CoordinatorState {
  readonly #context: TransactionContext
  readonly #passes: TransactionPasses
  readonly #lists: TransactionLists
  #isClosed = false

  constructor(world: TransactionWorld) {
    const transactions = new Transactions()
    this.#context = {
      world,
      transactions,
      markers: new MarkerRounds(world, transactions),
      run: decide => world.run(() => this.#decided(decide)),
    }
    this.#passes = new TransactionPasses(this.#context)
    this.#lists = new TransactionLists(this.#context)
  }

  /** How many transactional ids there are. */
  get size(): number {
    return this.#context.transactions.size
  }

  /** Transactions under way, for metrics. */
  get open(): { readonly count: number; readonly waitingForMarkers: number; [Symbol.iterator](): IterableIterator<OpenTransaction> } {
    const context = this.#context
    return {
      count: context.transactions.openCount,
      waitingForMarkers: context.markers.size,
      [Symbol.iterator]: () => openTransactions(context),
    }
  }

  /** Gives a transactional producer its id and epoch. A request without a transactional id is not for a coordinator. */
  initProducerId(request: InitProducerIdRequest, caller: TransactionCaller): Decision<InitProducerIdResponseInit> {
    return initProducerId(this.#context, request, caller)
  }

  /**
   * Adds partitions to one of the transactions of a request (`additionsOf`), or verifies that they are in it. What it throws is the answer
   * for all of its partitions (`additionResult`). That the partitions exist is checked before.
   */
  addPartitions(addition: TransactionAddition, caller: TransactionCaller): Decision<TransactionAdditionResult> {
    return addPartitions(this.#context, addition, caller)
  }

  /** Adds a group's partition of `__consumer_offsets` to a transaction. */
  addOffsets(
    request: AddOffsetsToTxnRequest,
    caller: TransactionCaller & { readonly offsetsPartition: number },
  ): Decision<AddOffsetsToTxnResponseInit> {
    return addOffsets(this.#context, request, caller)
  }

  /** Commits or aborts. */
  end(request: EndTxnRequest, caller: TransactionCaller): Decision<EndTxnResponseInit> {
    return endTransaction(this.#context, request, caller)
  }

  /** Describes one transactional id. */
  describe(transactionalId: string): Decision<DescribedTransaction> {
    return answered(describeTransaction(this.#context, transactionalId))
  }

  /** Lists the transactional ids of this partition that fit. Throws KafkaError INVALID_REGULAR_EXPRESSION for a pattern that is none. */
  list(filters: TransactionFilters): Decision<ListedTransactions> {
    return this.#lists.list(filters)
  }

  replay(record: CoordinatorRecord): void {
    this.#context.transactions.replay(record)
  }

  /** Nobody writes into this topic as part of a transaction. */
  endTransaction(): void {}

  loaded(): void {
    this.#passes.start()
    const prepared: string[] = []
    for (const { transactionalId, state } of this.#context.transactions.open()) if (isPrepared(state)) prepared.push(transactionalId)
    if (prepared.length > 0) this.#resume(prepared.values())
  }

  unloaded(errorCode: number): void {
    this.#isClosed = true
    this.#lists.close(new KafkaError(errorCode))
    this.#passes.close()
    this.#context.markers.close()
  }

  /** Writes the markers that an earlier coordinator may have left, once it is certain that what they are written for stays in the log. */
  #resume(prepared: IterableIterator<string>): void {
    const { markers, world } = this.#context
    const settled = (error: unknown): void => {
      if (error !== null) return
      for (let begun = 0; begun < RESUMED_PER_TURN; begun++) {
        const next = prepared.next()
        if (next.done === true) return
        if (markers.remaining(next.value) === undefined) markers.begin(next.value)
      }
      if (!this.#isClosed) this.#resume(prepared)
    }
    world.timers.set('resume', 0, () => ({ records: [], reply: undefined, settled }))
  }

  /** Who has waited may find that the state is not the one it was. */
  #decided<R>(decide: () => Decision<R>): Decision<R> {
    if (this.#isClosed) throw new KafkaError(ErrorCode.NOT_COORDINATOR)
    return decide()
  }
}
