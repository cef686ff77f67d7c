// Sends dead letters back to where they came from. A replayed message has its key, value and headers, and marks that say where it was first read and which
// letter it was: `once` knows by them a message that it has handled before, so a replay that is run twice does no harm there.
import type { IHeaders } from '../consumer/fetch/message.ts'
import type { Producer } from '../producer/types.ts'
import type { Clients, DeadLetter, DeadLetterQuery } from './dead-letters.ts'
import { deadLetters } from './dead-letters.ts'
import { names, originMark, replayMarkOf } from './headers.ts'

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
  /** Those left out, as it is not known where they came from (or `to` said null). */
  withoutOrigin: number
  /** The first 10,000 of them. */
  letters: ReplayedLetter[]
}

const mostListed = 10_000
const lettersPerSend = 500
const bytesPerSend = 8 * 1024 * 1024
const internalTopics: ReadonlySet<string> = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
  '__cluster_metadata',
])

/** Null where it is not known, or cannot be: no message was read out of these topics by a consumer, whatever its headers say. */
function targetOf(letter: DeadLetter, { to }: ReplayOptions): string | null {
  if (typeof to === 'string') return to
  if (to !== undefined) return to(letter)
  const topic = letter.origin?.topic
  return topic === undefined || internalTopics.has(topic) ? null : topic
}

const sizeOf = ({ key, value }: DeadLetter): number => 1_024 + (key?.length ?? 0) + (value?.length ?? 0)

function marked(letter: DeadLetter): IHeaders {
  const { topic, partition, offset, origin, headers } = letter
  const mark = replayMarkOf(headers) ?? (origin === null ? null : originMark(origin))
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
  let waitingBytes = 0
  const flush = async (): Promise<void> => {
    const letters = waiting
    waiting = []
    waitingBytes = 0
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
    waitingBytes += sizeOf(letter)
    if (waiting.length === lettersPerSend || waitingBytes >= bytesPerSend) await flush()
  }
  await flush()
  return result
}
