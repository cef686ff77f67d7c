// Typed keys and values: what makes bytes of them, for all topics of a producer or for one. A serializer is a function, an object with
// `serialize` (which a schema registry's client may return a promise from), or a Standard Schema (https://standardschema.dev), whose output is
// written as JSON. Their input types are the types of messages at compile time.
import { KafkaJSNonRetriableError } from '../errors/index.ts'
import type { Message, MessageContent } from './types.ts'

/** What a serializer is told beside what it has to write. */
export interface SerializerContext {
  readonly topic: string
  readonly part: 'key' | 'value'
}

/** Makes bytes or text of data; `null` is no key, or a tombstone. */
export type SerializeFunction<T> = SerializerObject<T>['serialize']

/** An object that makes bytes. */
export interface SerializerObject<T> {
  serialize(data: T, about: SerializerContext): MessageContent | Promise<MessageContent>
}

/** What validation of a Standard Schema says. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[] }

/** The part of a Standard Schema that is used: zod, valibot, arktype and others have it. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** What makes bytes of a `T`. */
export type Serializer<T> = SerializeFunction<T> | SerializerObject<T> | StandardSchema<T, unknown>

/** Any serializer, whatever it takes. */
export type AnySerializer = SerializeFunction<unknown> | SerializerObject<unknown> | StandardSchema

/** Serializers of a topic; a part without one is bytes or text already. */
export interface TopicSerializers {
  readonly key?: AnySerializer
  readonly value?: AnySerializer
}

/** Serializers of a producer: for all topics, and for those named. */
export interface ProducerSerializers extends TopicSerializers {
  readonly topics?: { readonly [topic: string]: TopicSerializers }
}

/** What a serializer takes. */
export type InputOf<S> = S extends { readonly '~standard': { readonly types?: { readonly input: infer Input } | undefined } }
  ? Input
  : S extends { serialize(data: infer Data, about: SerializerContext): unknown }
    ? Data
    : S extends (data: infer Data, about: SerializerContext) => unknown
      ? Data
      : never

type PartOf<S, Topic extends string, Part extends 'key' | 'value', Otherwise> = S extends {
  readonly topics: { readonly [name in Topic]: { readonly [part in Part]: infer Found } }
}
  ? InputOf<Found>
  : S extends { readonly [part in Part]: infer Found }
    ? InputOf<Found>
    : Otherwise

/** What keys of a topic are. */
export type KeyOf<S, Topic extends string> = PartOf<S, Topic, 'key', MessageContent>
/** What values of a topic are. */
export type ValueOf<S, Topic extends string> = PartOf<S, Topic, 'value', MessageContent>

/** A serializer failed or refused what it was given. Nothing of the send it belonged to was sent. */
export class KafkaJSSerializationError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSSerializationError'
  readonly topic: string
  readonly part: 'key' | 'value'
  /** Which message of the send, from 0. */
  readonly index: number

  constructor(message: string, about: SerializerContext & { readonly index: number; readonly cause?: Error }) {
    super(message, { cause: about.cause, hint: 'Look at the message that the index names: its serializer or schema refuses it' })
    this.topic = about.topic
    this.part = about.part
    this.index = about.index
  }
}

/** The serializers of one topic, undefined where it has none. */
export function serializersOf(serializers: ProducerSerializers | undefined, topic: string): TopicSerializers | undefined {
  if (serializers === undefined) return undefined
  const own = serializers.topics !== undefined && Object.hasOwn(serializers.topics, topic) ? serializers.topics[topic] : undefined
  const key = own?.key ?? serializers.key
  const value = own?.value ?? serializers.value
  if (key === undefined && value === undefined) return undefined
  return { ...(key === undefined ? {} : { key }), ...(value === undefined ? {} : { value }) }
}

/** Messages with keys and values as bytes or text; a promise where a serializer returned one. Throws KafkaJSSerializationError. */
export function serialized(
  topic: string,
  messages: readonly Message<unknown, unknown>[],
  serializers: TopicSerializers,
): readonly Message<unknown, unknown>[] | Promise<readonly Message<unknown, unknown>[]> {
  let isAsync = false
  const list = messages.map((message, index) => {
    const key = serializers.key === undefined ? message.key : part(serializers.key, message.key, { topic, part: 'key', index })
    const value = serializers.value === undefined ? message.value : part(serializers.value, message.value, { topic, part: 'value', index })
    isAsync ||= key instanceof Promise || value instanceof Promise
    return { message, key, value }
  })
  if (!isAsync) return list.map(({ message, key, value }) => ({ ...message, key, value }))
  // Every promise is awaited, so that none is left to reject unseen.
  const settled = Promise.all(
    list.map(async ({ message, key, value }) => {
      const [ownKey, ownValue] = await Promise.all([key, value])
      return { ...message, key: ownKey, value: ownValue }
    }),
  )
  return settled
}

interface Place extends SerializerContext {
  readonly index: number
}

function part(serializer: AnySerializer, data: unknown, place: Place): unknown {
  if (data === undefined || data === null) return data
  try {
    const result = '~standard' in serializer ? validated(serializer, data, place) : called(serializer, data, place)
    return result instanceof Promise ? result.catch(error => Promise.reject(failure(error, place))) : result
  } catch (error) {
    throw failure(error, place)
  }
}

function called(serializer: SerializeFunction<unknown> | SerializerObject<unknown>, data: unknown, { topic, part: name }: Place): unknown {
  const about = { topic, part: name }
  return typeof serializer === 'function' ? serializer(data, about) : serializer.serialize(data, about)
}

function validated(schema: StandardSchema, data: unknown, place: Place): unknown {
  const result = schema['~standard'].validate(data)
  return result instanceof Promise ? result.then(known => written(known, place)) : written(result, place)
}

function written(result: StandardResult<unknown>, place: Place): string | Uint8Array | null {
  if (result.issues !== undefined) {
    const issues = result.issues.slice(0, 5).map(issue => `${pathOf(issue.path)}${issue.message}`)
    throw new KafkaJSSerializationError(
      `Message ${place.index} for topic "${place.topic}" has an invalid ${place.part}: ${issues.join('; ')}`,
      place,
    )
  }
  const { value } = result
  if (value === null || typeof value === 'string' || value instanceof Uint8Array) return value
  const text = JSON.stringify(value)
  if (text === undefined) throw new TypeError(`JSON cannot hold a ${typeof value}`)
  return text
}

const pathOf = (path: readonly unknown[] | undefined): string =>
  path === undefined || path.length === 0
    ? ''
    : `${path.map(step => String(typeof step === 'object' && step !== null && 'key' in step ? step.key : step)).join('.')}: `

function failure(error: unknown, place: Place): Error {
  if (error instanceof KafkaJSSerializationError) return error
  const cause = error instanceof Error ? error : new Error(String(error))
  return new KafkaJSSerializationError(
    `The ${place.part} of message ${place.index} for topic "${place.topic}" could not be serialized: ${cause.message}`,
    { ...place, cause },
  )
}
