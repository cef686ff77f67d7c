// A key or value that its deserializer refused.
import { KafkaJSError } from '../errors/index.ts'

/**
 * The bytes of a record do not mean what its topic's deserializer takes them for. It is handled as a failing handler is: tried again,
 * then the consumer crashes and begins anew at this record. To get past it: catch it in a middleware (dead letters), correct the
 * deserializer, or seek.
 */
export class KafkaJSDeserializationError extends KafkaJSError {
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly isKey: boolean

  constructor(cause: unknown, at: { topic: string; partition: number; offset: string; isKey: boolean }) {
    const why = cause instanceof Error ? cause : new Error(String(cause))
    const what = at.isKey ? 'key' : 'value'
    super(`The ${what} of the record at offset ${at.offset} of ${at.topic}-${at.partition} could not be deserialized: ${why.message}`, {
      retriable: true,
      cause: why,
    })
    this.name = 'KafkaJSDeserializationError'
    this.topic = at.topic
    this.partition = at.partition
    this.offset = at.offset
    this.isKey = at.isKey
  }
}
