// Requests about the offsets of many partitions in pieces: each is a decision of its own, so that between two of them others have the event
// loop. What a request says of each partition is answered for each partition, and pieces come in the order of the request.
import type { ClusterImage } from '@ottla/metadata'
import type { Slices } from '../replica/slices.ts'
import { afterwards } from '../requests/handler.ts'

/** Partitions and topics of a piece, about; a request of no more is one piece. */
const PIECE_STEPS = 500

/** A topic of a request or an answer. */
interface WithPartitions<P> {
  readonly partitions: readonly P[]
}

/** Whether a request is worth more than one piece. */
export function isLarge(topics: readonly WithPartitions<unknown>[]): boolean {
  let steps = 0
  for (const { partitions } of topics) {
    steps += 1 + partitions.length
    if (steps > PIECE_STEPS) return true
  }
  return false
}

/** Some topics of a request. */
interface Piece<T> {
  readonly topics: T[]
  /** Whether the first of them is the last one of the piece before, with further partitions. */
  readonly continues: boolean
}

/** The pieces of a request. */
export function* piecesOf<P, T extends WithPartitions<P>>(topics: readonly T[]): Generator<Piece<T>, void, void> {
  let some: T[] = []
  let steps = 0
  let continues = false
  for (const topic of topics) {
    steps++
    for (let at = 0; ; ) {
      const count = Math.max(1, PIECE_STEPS - steps)
      const whole = at === 0 && topic.partitions.length <= count
      const partitions = whole ? topic.partitions : topic.partitions.slice(at, at + count)
      some.push(whole ? topic : { ...topic, partitions })
      steps += partitions.length
      at += count
      if (steps < PIECE_STEPS) break
      yield { topics: some, continues }
      some = []
      steps = 0
      continues = at < topic.partitions.length
      if (!continues) break
    }
  }
  if (some.length > 0) yield { topics: some, continues }
}

/** What is asked of each piece, and what its topics are answered, in their order. */
export interface Pieces<T, A> {
  readonly slices: Slices
  readonly topics: readonly T[]
  readonly ask: (topics: T[]) => readonly A[] | Promise<readonly A[]>
}

/** Asks piece by piece, not waiting for the answers in between; the answers of all topics in their order. Rejects with what `ask` throws. */
export async function inPieces<P, T extends WithPartitions<P>, Q, A extends WithPartitions<Q>>({
  slices,
  topics,
  ask,
}: Pieces<T, A>): Promise<A[]> {
  const asked: { readonly answers: readonly A[] | Promise<readonly A[]>; readonly continues: boolean }[] = []
  for (const { topics: some, continues } of piecesOf<P, T>(topics)) {
    if (asked.length > 0 && slices.isOver) await slices.pause()
    const answers = ask(some)
    // Several may reject, also while the others are asked; the first one ends it.
    if (answers instanceof Promise) answers.catch(() => undefined)
    asked.push({ answers, continues })
  }
  const joined: { answer: A; partitions: Q[] | null }[] = []
  for (const { answers, continues } of asked) {
    for (const [index, answer] of (await answers).entries()) {
      const last = joined.at(-1)
      if (index > 0 || !continues || last === undefined) {
        joined.push({ answer, partitions: null })
        continue
      }
      last.partitions ??= [...last.answer.partitions]
      for (const partition of answer.partitions) last.partitions.push(partition)
    }
    if (asked.length > 1 && slices.isOver) await slices.pause()
  }
  return joined.map(({ answer, partitions }) => (partitions === null ? answer : { ...answer, partitions }))
}

/** Topics that were found in one image, and are asked about when there may be a later one. */
export interface FoundBefore<T, A> {
  readonly topics: T[]
  readonly before: ClusterImage
  readonly now: ClusterImage
  readonly ask: (topics: T[]) => readonly A[] | Promise<readonly A[]>
  /** The answer of a topic that is gone, though there may be another one of its name. */
  readonly gone: (topic: T) => A
}

/** Asks about those topics that are still there; the answers of all in their order. */
export function askOfThere<T extends { readonly name: string }, A>({
  topics,
  before,
  now,
  ask,
  gone,
}: FoundBefore<T, A>): readonly A[] | Promise<readonly A[]> {
  if (now === before) return ask(topics)
  const there = new Set(topics.filter(({ name }) => now.topic(name)?.id === before.topic(name)?.id))
  if (there.size === topics.length) return ask(topics)
  return afterwards(there.size === 0 ? [] : ask([...there]), answered => {
    const answers = answered.values()
    return topics.map(topic => (there.has(topic) ? (answers.next().value ?? gone(topic)) : gone(topic)))
  })
}
