// What the classes of protocol errors are made of: facts from the one table of errors in @ottla/protocol, advice from the table of hints.
import { ErrorCode, type ErrorName, errorOf } from '@ottla/protocol'
import { type KafkaJSErrorMetadata, KafkaJSProtocolError, type ProtocolErrorLike } from './base.ts'
import { hintOf, isHintShown } from './hints.ts'

/** What an error is about, as far as it is known. */
export interface ProtocolErrorDetails extends Pick<KafkaJSErrorMetadata, 'cause' | 'hint'> {
  readonly topic?: string | undefined
  readonly partition?: number | undefined
  readonly groupId?: string | undefined
  readonly memberId?: string | undefined
  readonly transactionalId?: string | undefined
  /** host:port of the broker that answered. */
  readonly broker?: string | undefined
}

/** An error that a broker answered with. */
export interface ProtocolErrorOf<N extends ErrorName> extends KafkaJSProtocolError {
  /** The error's name as Kafka spells it today; `type` has KafkaJS's older names where the two differ. */
  readonly errorName: N
  readonly topic?: string
  readonly partition?: number
  readonly groupId?: string
  readonly memberId?: string
  readonly transactionalId?: string
  readonly broker?: string
}

/** An error of any code. */
export type AnyProtocolError = ProtocolErrorOf<ErrorName>

/** The class of a protocol error. */
export type ProtocolErrorClass<N extends ErrorName> = new (message?: string, details?: ProtocolErrorDetails) => ProtocolErrorOf<N>

type BaseClass = new (e: ProtocolErrorLike, metadata: KafkaJSErrorMetadata) => KafkaJSProtocolError

/** Names of KafkaJS 2.2.4 that Kafka has changed since. */
const olderNames: Partial<Record<ErrorName, string>> = {
  UNKNOWN_SERVER_ERROR: 'UNKNOWN',
  NOT_LEADER_OR_FOLLOWER: 'NOT_LEADER_FOR_PARTITION',
  COORDINATOR_LOAD_IN_PROGRESS: 'GROUP_LOAD_IN_PROGRESS',
  COORDINATOR_NOT_AVAILABLE: 'GROUP_COORDINATOR_NOT_AVAILABLE',
  NOT_COORDINATOR: 'NOT_COORDINATOR_FOR_GROUP',
}

/** All classes by error code. */
export const protocolErrorClasses = new Map<number, ProtocolErrorClass<ErrorName>>()

/** Makes the class of an error. */
export function protocolErrorClass<N extends Exclude<ErrorName, 'NONE'>>(
  name: N,
  Base: BaseClass = KafkaJSProtocolError,
): ProtocolErrorClass<N> {
  const { code, retriable, message: meaning } = errorOf(ErrorCode[name])
  const made = class extends Base {
    readonly errorName: N = name
    constructor(message?: string, { cause, hint = hintOf(name), ...details }: ProtocolErrorDetails = {}) {
      const text = sentence(message === undefined || message === '' ? meaning : message)
      const shown = isHintShown(name) && hint !== undefined ? `${text} ${hint}` : text
      super({ message: shown, type: olderNames[name] ?? name, code, retriable }, { cause, hint })
      for (const [key, value] of Object.entries(details)) if (value !== undefined) Object.assign(this, { [key]: value })
    }
  }
  Object.defineProperty(made, 'name', { value: classNameOf(name) })
  protocolErrorClasses.set(code, made)
  return made
}

/** UNKNOWN_TOPIC_OR_PARTITION is UnknownTopicOrPartitionError. */
export function classNameOf(name: ErrorName): string {
  const stem = name.replace(/_(?:EXCEPTION|ERROR)$/, '')
  const words = stem.split('_').map(word => `${word.slice(0, 1)}${word.slice(1).toLowerCase()}`)
  return `${words.join('')}Error`
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)
