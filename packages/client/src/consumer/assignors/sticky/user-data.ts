// What Kafka's sticky assignors put into `userData` of the subscription. `sticky`: what the member had, by topic, then (version 1) the generation in which it got it.
// `cooperative-sticky`: the generation alone; what it has is in the subscription itself.
import { Reader, Writer } from '@ottla/protocol'
import type { TopicPartition } from '../../parts.ts'
import { groupedByTopic } from '../topic-partitions.ts'

/** What a member had. */
export interface PreviousAssignment {
  readonly partitions: readonly TopicPartition[]
  /** Undefined in version 0. */
  readonly generationId: number | undefined
}

const none: PreviousAssignment = { partitions: [], generationId: undefined }

/** Writes it for `sticky`. */
export function encodePrevious({ partitions, generationId = -1 }: PreviousAssignment): Buffer {
  const writer = new Writer()
  const byTopic = groupedByTopic(partitions)
  writer.int32(byTopic.size)
  for (const [topic, numbers] of byTopic) {
    writer.string(topic)
    writer.int32(numbers.length)
    for (const number of numbers) writer.int32(number)
  }
  writer.int32(generationId)
  return writer.bytes()
}

/** Reads it; bytes that are no such thing are nothing had. */
export function parsePrevious(bytes: Buffer | null): PreviousAssignment {
  if (bytes === null || bytes.length === 0) return none
  try {
    const reader = new Reader(bytes)
    const partitions: TopicPartition[] = []
    for (let topics = reader.count(6); topics > 0; topics--) {
      const topic = reader.string()
      for (let count = reader.count(4); count > 0; count--) partitions.push({ topic, partition: reader.int32() })
    }
    return { partitions, generationId: reader.left >= 4 ? reader.int32() : undefined }
  } catch {
    return { partitions: [], generationId: -1 }
  }
}

/** Writes it for `cooperative-sticky`. */
export function encodeGeneration(generationId: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(generationId)
  return bytes
}

/** Reads it; undefined when there is none. */
export function parseGeneration(bytes: Buffer | null): number | undefined {
  if (bytes === null) return undefined
  return bytes.length < 4 ? -1 : bytes.readInt32BE(0)
}
