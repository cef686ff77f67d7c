// What stands between a record and the program's handler: middleware (retry topics, dead letters, idempotence), deserializers, and
// the tracing channel `ottla:client:consume` of node:diagnostics_channel.
import { tracingChannel } from 'node:diagnostics_channel'
import { KafkaJSDeserializationError } from '../deserialization-error.ts'
import type { Deserialize, DeserializationContext, MessageCodecs } from '../codec.ts'
import { deserializeWith } from '../codec.ts'
import type { KafkaMessage } from '../fetch/message.ts'
import type { EachBatchPayload, EachMessagePayload } from '../types.ts'

/** What a middleware sees of one message: the payload of eachMessage with the message's own bytes, and more. */
export interface MessageContext extends EachMessagePayload {
  readonly groupId: string
  /** How many times handling this message failed before in this member: 0 the first time. */
  readonly attempt: number
  /**
   * Commits all that is resolved up to now. The message in hand is not: it is resolved when its handler returns (it was dealt with,
   * a middleware that moved it to another topic included) and is handed out again when it throws.
   */
  commit(): Promise<void>
}

/** Deals with one message; resolves when it may be committed. */
export type MessageHandler = (context: MessageContext) => unknown

/**
 * Wraps a handler. It may call `next` not at all, once or more often, catch what it throws (KafkaJSDeserializationError too:
 * deserializing happens inside of all middleware), and send elsewhere with a producer that it closes over. What it throws itself is
 * handled as if the program's handler had thrown it.
 */
export type HandlerMiddleware = (next: MessageHandler) => MessageHandler

/** What subscribers of the tracing channel are given. */
export interface ConsumeTrace {
  readonly groupId: string
  readonly clientId: string
  readonly topic: string
  readonly partition: number
  /** Of eachMessage: the message, and its header `traceparent` (W3C Trace Context) where it has one. */
  readonly message?: KafkaMessage
  readonly traceparent?: string | undefined
  /** Of eachBatch. */
  readonly messages?: readonly KafkaMessage[]
}

const channel = tracingChannel<unknown, ConsumeTrace>('ottla:client:consume')

/** Who consumes, for traces. */
export interface HandlerWorld {
  readonly groupId: string
  readonly clientId: string
  readonly decoder: Decoder | null
  readonly middleware: readonly HandlerMiddleware[]
}

/** Deserializes messages by topic. */
export class Decoder {
  readonly #all: { key: Deserialize<unknown> | null; value: Deserialize<unknown> | null }
  readonly #topics = new Map<string, { key: Deserialize<unknown> | null; value: Deserialize<unknown> | null }>()

  private constructor(all: MessageCodecs, topics: Record<string, MessageCodecs>) {
    this.#all = deserializers(all)
    for (const [topic, codecs] of Object.entries(topics)) this.#topics.set(topic, deserializers({ ...all, ...codecs }))
  }

  /** Null where nothing is to be deserialized. */
  static of(config: MessageCodecs & { readonly codecs?: Record<string, MessageCodecs> }): Decoder | null {
    const { key, value, codecs } = config
    if (key === undefined && value === undefined && codecs === undefined) return null
    return new Decoder({ ...(key === undefined ? {} : { key }), ...(value === undefined ? {} : { value }) }, codecs ?? {})
  }

  /** The message with its key and value deserialized; typed as the program's handlers are, which know better. */
  async message(topic: string, partition: number, message: KafkaMessage): Promise<KafkaMessage> {
    const codecs = this.#topics.get(topic) ?? this.#all
    if (codecs.key === null && codecs.value === null) return message
    const at = { topic, partition, offset: message.offset, headers: message.headers }
    const key = codecs.key === null ? message.key : await decoded(codecs.key, message.key, { ...at, isKey: true })
    const value = codecs.value === null ? message.value : await decoded(codecs.value, message.value, { ...at, isKey: false })
    return Object.assign({ ...message }, { key, value })
  }
}

const deserializers = ({ key, value }: MessageCodecs) => ({
  key: key === undefined ? null : deserializeWith(key),
  value: value === undefined ? null : deserializeWith(value),
})

async function decoded(deserialize: Deserialize<unknown>, data: Buffer | null, context: DeserializationContext): Promise<unknown> {
  try {
    return await deserialize(data, context)
  } catch (error) {
    throw new KafkaJSDeserializationError(error, context)
  }
}

/** Puts together what every message goes through. */
export function messageHandler(eachMessage: (payload: EachMessagePayload) => unknown, world: HandlerWorld): MessageHandler {
  const { decoder } = world
  let handler: MessageHandler = eachMessage
  if (decoder !== null) {
    handler = async context => {
      const message = await decoder.message(context.topic, context.partition, context.message)
      return eachMessage({ ...context, message })
    }
  }
  for (const wrap of world.middleware.toReversed()) handler = wrap(handler)
  return traced(handler, world)
}

/** Tells the tracing channel of each call of a handler. */
export function traced(handler: MessageHandler, world: Pick<HandlerWorld, 'groupId' | 'clientId'>): MessageHandler {
  return context => (channel.hasSubscribers ? tracedMessage(handler, context, world) : handler(context))
}

function tracedMessage(
  handler: MessageHandler,
  context: MessageContext,
  world: Pick<HandlerWorld, 'groupId' | 'clientId'>,
): Promise<unknown> {
  const { topic, partition, message } = context
  const header = message.headers?.['traceparent']
  const traceparent = (Array.isArray(header) ? header[0] : header)?.toString()
  const trace = { groupId: world.groupId, clientId: world.clientId, topic, partition, message, traceparent }
  return channel.tracePromise(async () => handler(context), trace)
}

/** Puts together what every batch goes through; its messages have been deserialized before. */
export function batchHandler(
  eachBatch: (payload: EachBatchPayload) => unknown,
  world: HandlerWorld,
): (payload: EachBatchPayload) => unknown {
  return payload => {
    if (!channel.hasSubscribers) return eachBatch(payload)
    const { topic, partition, messages } = payload.batch
    const trace = { groupId: world.groupId, clientId: world.clientId, topic, partition, messages }
    return channel.tracePromise(async () => eachBatch(payload), trace)
  }
}
