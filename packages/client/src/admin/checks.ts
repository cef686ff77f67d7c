// What programs may pass to an admin. JavaScript programs pass anything: each check says in a sentence, KafkaJS's, what is wrong.
import { invalid } from './calls.ts'

/** Whether a value is an array, whatever its type says. */
export const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)

/** A value in a message. */
export const shown = (value: unknown): string => String(value)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null

/** Names are strings, and each stands there once. `what` is what KafkaJS calls the array. */
export function checkTopicNames(topics: readonly { readonly topic: unknown }[], what: 'topics' | 'topic partitions'): void {
  if (topics.some(({ topic }) => typeof topic !== 'string')) invalid(`Invalid ${what} array, the topic names have to be a valid string`)
  const names = new Set(topics.map(({ topic }) => topic))
  if (names.size < topics.length) invalid(`Invalid ${what} array, it cannot have multiple entries for the same topic`)
}

/** Settings of a topic that is to be created. */
export function checkConfigEntries(topic: string, entries: unknown): void {
  if (!isList(entries)) invalid(`Invalid configEntries for topic "${topic}", must be an array`)
  for (const [index, entry] of entries.entries()) {
    if (!isObject(entry)) invalid(`Invalid configEntries for topic "${topic}". Entry ${index} must be an object`)
    for (const property of ['name', 'value']) {
      if (typeof entry[property] === 'string') continue
      invalid(`Invalid configEntries for topic "${topic}". Entry ${index} must have a valid "${property}" property`)
    }
  }
}

/** A group id that is there. */
export function checkGroupId(groupId: unknown): void {
  if (typeof groupId !== 'string' || groupId === '') invalid(`Invalid groupId ${String(groupId)}`)
}

/** A topic name that is there. */
export function checkTopic(topic: unknown): void {
  if (typeof topic !== 'string' || topic === '') invalid(`Invalid topic ${String(topic)}`)
}

/** Something in an array is not one of the numbers that its kind has. */
export function checkKinds<T>(things: readonly T[], of: { what: string; kinds: object; kindOf: (thing: T) => unknown }): void {
  const kinds = new Set<unknown>(Object.values(of.kinds))
  const wrong = things.find(thing => !kinds.has(of.kindOf(thing)))
  if (wrong !== undefined) invalid(`Invalid ${of.what} ${String(of.kindOf(wrong))}: ${JSON.stringify(wrong)}`)
}

/** An offset as programs give it, a number or its digits; -1 and -2 are the latest and the earliest. */
export function offsetFrom(offset: unknown): number {
  const number = typeof offset === 'string' && offset.trim() !== '' ? Number(offset) : offset
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < -2) invalid(`Invalid offset ${String(offset)}`)
  return number
}
