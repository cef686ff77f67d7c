// States of a transaction and which may follow which (class TransactionState). A state's id in the log is its place in the list. `Dead` and
// `PrepareEpochFence` are never written: an expired id is a tombstone, and fencing a producer is one step with the abort that follows.

/** States by id. */
export const transactionStates = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
] as const

/** A state as Kafka names it, also to clients. */
export type TransactionStateName = (typeof transactionStates)[number]

/** States from which each may be entered. `PrepareAbort` comes from a state without a transaction where a client aborts to be sure (KIP-890). */
const previousStates: Readonly<Record<TransactionStateName, readonly TransactionStateName[]>> = {
  Empty: ['Empty', 'CompleteCommit', 'CompleteAbort'],
  Ongoing: ['Ongoing', 'Empty', 'CompleteCommit', 'CompleteAbort'],
  PrepareCommit: ['Ongoing'],
  PrepareAbort: ['Ongoing', 'PrepareEpochFence', 'Empty', 'CompleteCommit', 'CompleteAbort'],
  CompleteCommit: ['PrepareCommit'],
  CompleteAbort: ['PrepareAbort'],
  Dead: ['Empty', 'CompleteAbort', 'CompleteCommit'],
  PrepareEpochFence: ['Ongoing'],
}

/** Whether a transaction may go from one state to another. */
export const mayFollow = (from: TransactionStateName, to: TransactionStateName): boolean => previousStates[to].includes(from)

/** A state by its name. */
export const stateNamed = (name: string): TransactionStateName | undefined => transactionStates.find(state => state === name)

/** Whether the outcome is decided and markers are still to be written. */
export const isPrepared = (state: TransactionStateName): boolean => state === 'PrepareCommit' || state === 'PrepareAbort'

/** Whether an id in this state has no transaction, and may be forgotten when it is not used for long. */
export const isIdle = (state: TransactionStateName): boolean => mayFollow(state, 'Dead')
