// Records produced by a test itself, without a client.
import { BatchBuilder, murmur2, produceApi } from '@ottla/protocol'
import { throwIfError, type WireClient } from '../wire/wire-client.ts'

/** Bytes, text, or anything else as JSON. */
export type Content = Uint8Array | string | number | boolean | object | null

/** A record to be produced. */
export interface Message {
  readonly key?: Content | undefined
  readonly value?: Content | undefined
  readonly headers?: Readonly<Record<string, string | Uint8Array>>
  /** By default the one that Java's producer takes for the key, and 0, 1, 2... in turns without one. */
  readonly partition?: number
  /** In ms; the broker's time by default. */
  readonly timestamp?: number
}

/** Where a record came to lie. */
export interface Produced {
  readonly partition: number
  readonly offset: number
}

/** Names of topics instead of ids. */
const PRODUCE_BY_NAME = 12
const TIMEOUT_MS = 30_000
/** Java's producers take the number without its sign. */
const POSITIVE = 0x7fff_ffff

/** The bytes of a key or value. */
export function contentBytes(content: Content | undefined): Uint8Array | null {
  if (content === undefined || content === null) return null
  if (content instanceof Uint8Array) return content
  return Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
}

/** Produces records, acknowledged by the broker. Resolves with where each lies, in the order given. Throws KafkaError. */
export async function produceRecords(
  wire: WireClient,
  to: { readonly topic: string; readonly partitions: number; readonly now: number },
  messages: readonly Message[],
): Promise<Produced[]> {
  const batches = new Map<number, { builder: BatchBuilder; places: number[] }>()
  let turn = 0
  for (const [at, message] of messages.entries()) {
    const key = contentBytes(message.key)
    const partition = message.partition ?? (key === null ? turn++ : murmur2(Buffer.from(key)) & POSITIVE) % to.partitions
    const batch = batches.get(partition) ?? { builder: new BatchBuilder(), places: [] }
    batches.set(partition, batch)
    const headers = Object.entries(message.headers ?? {}).map(([name, value]) => ({ key: name, value }))
    batch.builder.append({ key, value: contentBytes(message.value), headers, timestamp: message.timestamp ?? to.now })
    batch.places.push(at)
  }
  if (batches.size === 0) return []
  const partitionData = [...batches].map(([index, { builder }]) => ({ index, records: Buffer.from(builder.build().bytes) }))
  const request = { acks: -1, timeoutMs: TIMEOUT_MS, topicData: [{ name: to.topic, partitionData }] }
  const answer = await wire.request(produceApi, request, PRODUCE_BY_NAME)
  const produced: Produced[] = []
  for (const { baseOffset, errorCode, errorMessage, index } of answer.responses[0]?.partitionResponses ?? []) {
    throwIfError(errorCode, `producing to ${to.topic}-${index}`, errorMessage)
    for (const [nth, at] of batches.get(index)?.places.entries() ?? []) produced[at] = { partition: index, offset: baseOffset + nth }
  }
  return produced
}
