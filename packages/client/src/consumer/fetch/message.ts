// Messages as handlers get them (KafkaJS's KafkaMessage).
import type { FetchedRecords } from '../parts.ts'
import { messageOfView } from './decode.ts'
import { Fetched } from './fetched.ts'

/** Headers of a message; a name that comes several times has all its values. */
export interface IHeaders {
  [key: string]: Buffer | string | (Buffer | string)[] | undefined
}

interface MessageFields {
  key: Buffer | null
  value: Buffer | null
  /** In ms, as text; '-1' for none. */
  timestamp: string
  /** Attributes of the record itself, which mean nothing as yet. */
  attributes: number
  offset: string
}

/** A message as KafkaJS has it for the old formats; here it is a type for what tests make. */
export interface MessageSetEntry extends MessageFields {
  size: number
  headers?: never
}

/** A message of a record batch. */
export interface RecordBatchEntry extends MessageFields {
  headers: IHeaders
  /** Bytes of the record as it lay in its batch, 0 where that is not known. */
  size?: number
}

/**
 * A message as a handler gets it: a plain object, so that spreading, JSON and comparing work. Key, value and headers share memory with all that
 * came in the same answer of the broker (up to `maxBytes`): who keeps a few bytes for long copies them.
 */
export type KafkaMessage = MessageSetEntry | RecordBatchEntry

/** The messages among what was fetched, decoded once: the same array each time. */
export const messagesOf = (fetched: FetchedRecords): KafkaMessage[] =>
  fetched instanceof Fetched ? fetched.messages : fetched.records().map(messageOfView)
