// The abort of a transaction by somebody else than its producer, who is fenced by it: another producer that takes its place, or its time-out.

import type { KafkaError } from '@ottla/protocol'
import type { Decision } from '../decision.ts'
import { type TransactionContext, withProducerId, written } from './context.ts'
import { bumpsEpoch, isEpochExhausted, none, type Transaction } from './transaction.ts'
import { fenced } from './transitions.ts'

/** What is answered. */
export interface FencingAbort<R> {
  readonly reply: R
  /** In place of it, where the transaction has ended before it could be aborted. */
  readonly unless: () => KafkaError
  /** Told when the abort is committed, which may be after the answer was given up. */
  readonly committed?: () => void
}

/** Aborts a transaction that is under way. */
export const fencingAbort = <R>(context: TransactionContext, seen: Transaction, abort: FencingAbort<R>): Decision<R> => {
  const { world, transactions } = context
  const { reply, unless } = abort
  const bumps = bumpsEpoch(world.settings.transactionVersion)
  const clientVersion = bumps ? world.settings.transactionVersion : 0
  const decide = (producerId: number): Decision<R> => {
    const transaction = transactions.get(seen.transactionalId)
    if (transaction === undefined || !isSame(transaction, seen)) throw unless()
    const next = fenced(transaction, { clientVersion, nextProducerId: producerId, nowMs: world.clock.now() })
    const decision = written(context, next, reply)
    const settled = (error: KafkaError | null): void => {
      decision.settled?.(error)
      if (error === null) abort.committed?.()
    }
    return { ...decision, settled }
  }
  const isExhausted = bumps && isEpochExhausted(seen.producerEpoch)
  return isExhausted ? withProducerId(context, decide) : decide(none)
}

/** Partitions may have joined while a producer id was waited for; that another transaction began is something else. */
const isSame = ({ state, producerId, producerEpoch, startedAtMs }: Transaction, seen: Transaction): boolean =>
  state === 'Ongoing' && producerId === seen.producerId && producerEpoch === seen.producerEpoch && startedAtMs === seen.startedAtMs
