// The same checks as matchers of vitest and jest: `await expect(kafka.topic('orders')).toHaveReceived({ key: 'a' })`.
import { seedNote } from '../seeds.ts'
import type { WaitOptions } from '../state/await-state.ts'
import { Group } from '../state/group.ts'
import type { Decoder } from '../state/records.ts'
import { Topic } from '../state/topic.ts'
import {
  type CheckResult,
  hasCommitted,
  hasCount,
  hasFormat,
  hasLagBelow,
  hasNoDuplicates,
  hasNow,
  hasReceived,
  isInOrder,
  type LagOptions,
  type ReceivedCheckOptions,
  type RecordPart,
} from './checks.ts'
import type { ExpectedRecord } from './expected-record.ts'
import type { Format } from './schema.ts'

/** What only a topic is asked, or only a group. */
type OfTopic<T, P> = T extends Topic ? P : never
type OfGroup<T, P> = T extends Group ? P : never

/** What the matchers add to `expect` of a topic or a group. All of them are asynchronous; `not` works with each. */
export interface KafkaMatchers<R, T> {
  /** A topic has received such a record, or does so in time; with `not`: it has none now. */
  toHaveReceived(expected: OfTopic<T, ExpectedRecord>, options?: ReceivedCheckOptions): R
  /** A topic has exactly so many records, now or in time. */
  toHaveRecordCount(count: OfTopic<T, number>, options?: WaitOptions): R
  /** Of each key of a topic, what `by` gives never goes down from one record to the next. */
  toBeInOrderPerKey<V = unknown>(by: OfTopic<T, RecordPart<V>>): R
  /** No two records of a topic have the same of what `by` gives; the bytes of key and value by default. */
  toHaveNoDuplicates<V = unknown>(by?: OfTopic<T, RecordPart<V>>): R
  /** Every value of a topic has the format: a Standard Schema, or a function. */
  toHaveFormat(format: OfTopic<T, Format>, options?: { readonly value?: Decoder }): R
  /** A group has committed these offsets of a topic by partition, now or in time. */
  toHaveCommitted(topic: OfGroup<T, string>, offsets: Readonly<Record<number, number>>, options?: WaitOptions): R
  /** A group lags by fewer records than that, now or in time. */
  toHaveLagBelow(limit: OfGroup<T, number>, options?: LagOptions): R
}

/** What frameworks want a matcher to answer. */
interface MatcherResult {
  readonly pass: boolean
  readonly message: () => string
}

/** What frameworks tell a matcher. */
interface MatcherState {
  readonly isNot?: boolean
}

const asTopic = (value: unknown): Topic => {
  if (value instanceof Topic) return value
  throw new TypeError('this matcher is for topics: expect(kafka.topic(name))')
}

const asGroup = (value: unknown): Group => {
  if (value instanceof Group) return value
  throw new TypeError('this matcher is for groups: expect(kafka.group(id))')
}

const result = async (check: Promise<CheckResult>): Promise<MatcherResult> => {
  const { message, pass } = await check
  return { pass, message: () => `${message}${seedNote()}` }
}

/** Nobody waits for what is not to happen, unless told to. */
const waiting = <O extends WaitOptions>({ isNot }: MatcherState, options?: O): O | WaitOptions | undefined =>
  isNot === true ? { timeoutMs: 0, ...options } : options

/** The matchers in the shape that `expect.extend` of vitest and jest takes. */
export const matchers = {
  toHaveReceived(this: MatcherState, received: unknown, expected: ExpectedRecord, options?: ReceivedCheckOptions): Promise<MatcherResult> {
    return result(this.isNot === true ? hasNow(asTopic(received), expected) : hasReceived(asTopic(received), expected, options))
  },
  toHaveRecordCount(this: MatcherState, received: unknown, count: number, options?: WaitOptions): Promise<MatcherResult> {
    return result(hasCount(asTopic(received), count, waiting(this, options)))
  },
  toBeInOrderPerKey: (received: unknown, by: RecordPart): Promise<MatcherResult> => result(isInOrder(asTopic(received), by)),
  toHaveNoDuplicates: (received: unknown, by?: RecordPart): Promise<MatcherResult> => result(hasNoDuplicates(asTopic(received), by)),
  toHaveFormat: (received: unknown, format: Format, options?: { readonly value?: Decoder }): Promise<MatcherResult> =>
    result(hasFormat(asTopic(received), format, options)),
  toHaveCommitted(
    this: MatcherState,
    received: unknown,
    topic: string,
    ...rest: [Readonly<Record<number, number>>, WaitOptions?]
  ): Promise<MatcherResult> {
    return result(hasCommitted(asGroup(received), { topic, offsets: rest[0] }, waiting(this, rest[1])))
  },
  toHaveLagBelow(this: MatcherState, received: unknown, limit: number, options?: LagOptions): Promise<MatcherResult> {
    return result(hasLagBelow(asGroup(received), limit, waiting(this, options)))
  },
}
