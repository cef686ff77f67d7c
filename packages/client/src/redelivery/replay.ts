// Sends dead letters back to where they came from. A replayed message has its key, value and headers, and marks that say where it was first read and which
// letter it was: `once` knows by them a message that it has handled before, so a replay that is run twice does no harm there.
import type { IHeaders } from '../consumer/fetch/message.ts'
import type { Producer } from '../producer/types.ts'
import type { Clients, DeadLetter, DeadLetterQuery } from './dead-letters.ts'
import { deadLetters } from './dead-letters.ts'
import { names, textOf } from './headers.ts'

/** Which dead letters are replayed, and how. */
export interface ReplayOptions extends DeadLetterQuery {
  /** Another topic than the one where each was first read. Letters that do not say where that was need it. */
  to?: string | ((letter: DeadLetter) => string | null)
  /** Only says what would be done. */
  dryRun?: boolean
}

/** Where a letter went, or would go. */
export interface ReplayedLetter {
  readonly partition: number
  readonly offset: string
  readonly to: string
}

/** What a replay did. */
export interface ReplayResult {
  /** Letters that were asked for. */
  matched: number
  /** Those sent, acknowledged by all in-sync replicas; none of a dry run. */
  replayed: number
  /** Those left out, as it is not known where they came from. */
  withoutOrigin: number
  /** The first 10,000 of them. */
  letters: ReplayedLetter[]
}

const mostListed = 10_000
const lettersPerSend = 500

/** How a message that fails, waits and is replayed is known again: where it was first read of all. */
export const originMark = (of: { topic: string; partition: number; offset: string; timestamp: string }): string =>
  `${of.topic}/${of.partition}/${of.offset}/${of.timestamp}`

function targetOf(letter: DeadLetter, { to }: ReplayOptions): string | null {
  if (typeof to === 'string') return to
  return to === undefined ? (letter.origin?.topic ?? null) : to(letter)
}

function marked(letter: DeadLetter): IHeaders {
  const { topic, partition, offset, origin, headers } = letter
  const mark = textOf(headers, names.origin) ?? (origin === null ? null : originMark(origin))
  return {
    ...headers,
    ...(mark !== null && { [names.origin]: Buffer.from(mark) }),
    [names.letter]: Buffer.from(`${topic}/${partition}/${offset}`),
  }
}

/** Partitions of topics, asked for once each. */
function partitionCounts(kafka: Clients): (topic: string) => Promise<number> {
  const counts = new Map<string, Promise<number>>()
  return topic => {
    const known = counts.get(topic)
    if (known !== undefined) return known
    const count = (async () => {
      await using admin = kafka.admin()
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return topics[0]?.partitions.length ?? 0
    })()
    counts.set(topic, count)
    return count
  }
}

/** Sends letters, those of one topic in order. */
async function send(
  producer: Producer,
  letters: readonly { letter: DeadLetter; to: string }[],
  countOf: (topic: string) => Promise<number>,
): Promise<void> {
  const topics = new Map<string, Parameters<Producer['send']>[0]['messages']>()
  for (const { letter, to } of letters) {
    const { key, value, origin } = letter
    const isSame = origin !== null && origin.topic === to && origin.partition < (await countOf(to))
    const messages = topics.get(to) ?? []
    topics.set(to, messages)
    messages.push({ key, value, headers: marked(letter), ...(isSame && { partition: origin.partition }) })
  }
  await producer.sendBatch({ acks: -1, topicMessages: [...topics].map(([topic, messages]) => ({ topic, messages })) })
}

/** Replays dead letters; each to the partition it came from, while its topic has that. Resolves when all are written. */
export async function replayDeadLetters(kafka: Clients, options: ReplayOptions): Promise<ReplayResult> {
  const result: ReplayResult = { matched: 0, replayed: 0, withoutOrigin: 0, letters: [] }
  const countOf = partitionCounts(kafka)
  await using producer = kafka.producer({ allowAutoTopicCreation: false })
  if (options.dryRun !== true) await producer.connect()
  let waiting: { letter: DeadLetter; to: string }[] = []
  const flush = async (): Promise<void> => {
    const letters = waiting
    waiting = []
    if (options.dryRun === true || letters.length === 0) return
    await send(producer, letters, countOf)
    result.replayed += letters.length
  }
  for await (const letter of deadLetters(kafka, options)) {
    result.matched++
    const to = targetOf(letter, options)
    if (to === null) {
      result.withoutOrigin++
      continue
    }
    if (result.letters.length < mostListed) result.letters.push({ partition: letter.partition, offset: letter.offset, to })
    waiting.push({ letter, to })
    if (waiting.length === lettersPerSend) await flush()
  }
  await flush()
  return result
}
