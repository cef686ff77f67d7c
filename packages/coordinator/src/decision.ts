// What a command of a state machine comes to. A command reads the state and changes nothing: it says which records are to be written, and what
// is to be answered. The runtime appends the records, replays them into the state, and answers once they are committed.

import type { KafkaError } from '@ottla/protocol'
import type { CoordinatorRecord } from './record.ts'

/** The outcome of a command. */
export interface Decision<R> {
  /** Written as one batch, all or nothing; empty for a question. */
  readonly records: readonly CoordinatorRecord[]
  /** What the records take at least, in bytes, where that may be very much: what no batch holds is then not written before it is refused. */
  readonly leastBytes?: number
  /**
   * Given out once the records, and all that was appended before, are committed: so a question never shows what a crash could take
   * back. A promise is for who waits for others, such as a member that joins a group.
   */
  readonly reply: R | Promise<R>
  /**
   * False where the command has changed the state itself, because what it holds is more than the records say (classic groups, whose members
   * wait for each other). Only loading replays such records.
   */
  readonly replays?: boolean
  /** Told once the records are committed, with null, or that they never will be. Needed only where `replays` is false. */
  readonly settled?: (error: KafkaError | null) => void
}

/** A decision that writes nothing. */
export const answered = <R>(reply: R | Promise<R>): Decision<R> => ({ records: [], reply })
