// From bytes to a program's own types: what turns the keys and values of records into them, and the types of messages that follow
// from it. A codec is a function, an object with `deserialize`, or a Standard Schema (https://standardschema.dev), which is given
// the parsed JSON.
import type { StandardSchema } from '../producer/serializers.ts'
import type { KafkaMessage } from './fetch/message.ts'

export type { StandardSchema }

/** Where the bytes that are being deserialized come from. */
export interface DeserializationContext {
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly headers: KafkaMessage['headers']
  readonly isKey: boolean
}

/** Makes a value of bytes; null where the record has none. */
export type Deserialize<T> = (data: Buffer | null, context: DeserializationContext) => T | Promise<T>

/** A deserializer as an object, such as a codec that serializes as well. */
export interface DeserializingCodec<T> {
  deserialize(data: Buffer | null, context: DeserializationContext): T | Promise<T>
}

/** Whatever says how bytes become a T. */
export type Deserializer<T = unknown> = Deserialize<T> | DeserializingCodec<T> | StandardSchema<unknown, T>

/** The deserializers of one topic's messages. */
export interface MessageCodecs {
  readonly key?: Deserializer
  readonly value?: Deserializer
}

/** The type that a deserializer makes; without one it stays bytes. */
export type DeserializedBy<D> =
  D extends StandardSchema<unknown, infer T>
    ? T
    : D extends DeserializingCodec<infer T>
      ? Awaited<T>
      : D extends (...args: never[]) => infer T
        ? Awaited<T>
        : Buffer | null

/** A KafkaMessage whose key and value have been deserialized. */
export type TypedMessage<K, V> = Omit<KafkaMessage, 'key' | 'value'> & { key: K; value: V }

/** Messages by topic; of a consumer without deserializers all are KafkaMessage. */
export type MessagesByTopic = Record<string, { key: unknown; value: unknown; offset: string; timestamp: string }>

/** What a consumer without deserializers reads. */
export type PlainMessages = Record<string, KafkaMessage>

type Message<C, Fallback> = TypedMessage<
  DeserializedBy<C extends { key: infer K } ? K : Fallback extends { key: infer K } ? K : undefined>,
  DeserializedBy<C extends { value: infer V } ? V : Fallback extends { value: infer V } ? V : undefined>
>

/** The messages that a consumer with this config reads. */
export type MessagesOf<C> = C extends { codecs: infer Topics extends Record<string, MessageCodecs> }
  ? { [Topic in keyof Topics & string]: Message<Topics[Topic], C> }
  : C extends { key: Deserializer } | { value: Deserializer }
    ? Record<string, Message<C, C>>
    : PlainMessages

/** The function that a deserializer comes down to. */
export function deserializeWith<T>(deserializer: Deserializer<T>): Deserialize<T> {
  if (typeof deserializer === 'object' && 'deserialize' in deserializer) return (data, context) => deserializer.deserialize(data, context)
  if ('~standard' in deserializer) {
    const { validate } = deserializer['~standard']
    return async data => {
      const result = await validate(data === null ? null : (JSON.parse(data.toString('utf8')) as unknown))
      if (result.issues !== undefined) throw new TypeError(result.issues.map(issue => issue.message).join('; '))
      return result.value
    }
  }
  return deserializer
}
