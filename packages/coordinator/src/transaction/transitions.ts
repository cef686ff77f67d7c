// The steps from one state of a transaction to the next (the prepare methods of class TransactionMetadata). They say what the transaction would
// be; the record that is made of it makes it so.

import { mayFollow, type TransactionStateName } from './states.ts'
import { bumpsEpoch, maxProducerEpoch, none, noPartitions, type Transaction } from './transaction.ts'
import type { TopicPartitions } from './world.ts'

/** A producer is initialized: with what, and when. */
export interface Initialization {
  readonly timeoutMs: number
  readonly nowMs: number
}

/** The next state; what it does not say stays. That a step is not allowed is a mistake in here, which no client can make. */
const step = (from: Transaction, state: TransactionStateName, changes: Partial<Transaction>): Transaction => {
  if (!mayFollow(from.state, state)) throw new Error(`a transaction cannot go from ${from.state} to ${state}`)
  const to = { ...from, ...changes, state, previousProducerId: from.producerId }
  if (to.producerId < 0 || to.producerEpoch < 0 || to.producerEpoch > maxProducerEpoch)
    throw new Error(`a transaction cannot be of producer ${to.producerId} with epoch ${to.producerEpoch}`)
  return to
}

const fresh = ({ timeoutMs, nowMs }: Initialization): Partial<Transaction> => ({
  timeoutMs,
  partitions: noPartitions,
  startedAtMs: none,
  updatedAtMs: nowMs,
})

/** A producer begins with the next epoch. `lastProducerEpoch`: the epoch it comes from, so that it may ask again; `none` for a new one. */
export const nextEpoch = (from: Transaction, lastProducerEpoch: number, initialization: Initialization): Transaction =>
  step(from, 'Empty', { ...fresh(initialization), producerEpoch: from.producerEpoch + 1, lastProducerEpoch })

/** A producer that did not hear of its epoch is told it again. */
export const sameEpoch = (from: Transaction, initialization: Initialization): Transaction => step(from, 'Empty', fresh(initialization))

/** A producer begins with a new id, because the epochs of the one before are used up. */
export const nextProducerId = (
  from: Transaction,
  producer: { readonly producerId: number; readonly lastProducerEpoch: number },
  initialization: Initialization,
): Transaction => step(from, 'Empty', { ...fresh(initialization), ...producer, producerEpoch: 0 })

/** Partitions join the transaction, the first of them begin it. */
export const withPartitions = (
  from: Transaction,
  partitions: TopicPartitions,
  by: { nowMs: number; clientVersion: number },
): Transaction => {
  const all = new Map(from.partitions)
  for (const [topic, numbers] of partitions) all.set(topic, new Set([...(all.get(topic) ?? []), ...numbers]))
  return step(from, 'Ongoing', {
    partitions: all,
    startedAtMs: from.state === 'Ongoing' ? from.startedAtMs : by.nowMs,
    updatedAtMs: by.nowMs,
    clientVersion: by.clientVersion,
  })
}

/** How a transaction ends. */
export interface Ending {
  readonly committed: boolean
  /** Version of transactions by which it ends. */
  readonly clientVersion: number
  /** Id that the producer goes on with, where its epochs are used up by this. */
  readonly nextProducerId: number
  readonly nowMs: number
}

/** The outcome is decided. */
export const prepared = (from: Transaction, { committed, clientVersion, nextProducerId: nextId, nowMs }: Ending): Transaction =>
  step(from, committed ? 'PrepareCommit' : 'PrepareAbort', {
    ...(bumpsEpoch(clientVersion) ? { producerEpoch: bumped(from, committed), lastProducerEpoch: from.producerEpoch } : {}),
    nextProducerId: nextId,
    // An abort of nothing has no start of its own, and one is needed.
    startedAtMs: from.state === 'Ongoing' ? from.startedAtMs : nowMs,
    updatedAtMs: nowMs,
    clientVersion,
  })

/** Past the greatest epoch there is only a way out by an abort that bumps nothing. */
const bumped = ({ producerEpoch }: Transaction, committed: boolean): number =>
  producerEpoch === maxProducerEpoch && !committed ? producerEpoch : producerEpoch + 1

/** The transaction of a producer who is fenced by it is aborted: by its time-out, or by another producer that takes its place. */
export const fenced = (from: Transaction, ending: Omit<Ending, 'committed'>): Transaction => {
  const abort = { ...ending, committed: false }
  if (bumpsEpoch(ending.clientVersion)) return prepared(from, abort)
  return { ...prepared(from, abort), producerEpoch: bumped(from, false), lastProducerEpoch: none }
}

/** All markers are written. */
export const completed = (from: Transaction, nowMs: number): Transaction => {
  const rotates = bumpsEpoch(from.clientVersion) && from.nextProducerId !== none
  return step(from, from.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort', {
    ...(rotates ? { producerId: from.nextProducerId, producerEpoch: 0 } : {}),
    nextProducerId: none,
    partitions: noPartitions,
    updatedAtMs: nowMs,
  })
}
