// Assertions for any test framework: they throw what all of them report as a failed assertion.
import { AssertionError } from 'node:assert'
import { seedNote } from '../seeds.ts'
import type { WaitOptions } from '../state/await-state.ts'
import type { Group } from '../state/group.ts'
import type { Decoder } from '../state/records.ts'
import type { Topic } from '../state/topic.ts'
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

const ensure = async (check: Promise<CheckResult>, isWanted = true): Promise<void> => {
  const { message, pass } = await check
  if (pass !== isWanted) throw new AssertionError({ message: `${message}${seedNote()}` })
}

/** What can be asserted of a topic. */
export interface TopicAssertions {
  /** It has received such a record, or does so in time (4 s). */
  toHaveReceived(expected: ExpectedRecord, options?: ReceivedCheckOptions): Promise<void>
  /** It has no such record now. */
  notToHaveReceived(expected: ExpectedRecord): Promise<void>
  /** It has exactly so many records, now or in time. */
  toHaveCount(count: number, options?: WaitOptions): Promise<void>
  /** Of each key, what `by` gives never goes down from one record to the next. */
  toBeInOrderPerKey<V = unknown>(by: RecordPart<V>): Promise<void>
  /** No two records have the same of what `by` gives; the bytes of key and value by default. */
  toHaveNoDuplicates<V = unknown>(by?: RecordPart<V>): Promise<void>
  /** Every value has the format: a Standard Schema, or a function. Values are parsed as JSON unless `value` says otherwise. */
  toHaveFormat(format: Format, options?: { readonly value?: Decoder }): Promise<void>
}

/** Assertions about a topic. */
export function expectTopic(topic: Topic): TopicAssertions {
  return {
    toHaveReceived: (expected, options) => ensure(hasReceived(topic, expected, options)),
    notToHaveReceived: expected => ensure(hasNow(topic, expected), false),
    toHaveCount: (count, options) => ensure(hasCount(topic, count, options)),
    toBeInOrderPerKey: by => ensure(isInOrder(topic, by)),
    toHaveNoDuplicates: by => ensure(hasNoDuplicates(topic, by)),
    toHaveFormat: (format, options) => ensure(hasFormat(topic, format, options)),
  }
}

/** What can be asserted of a group. */
export interface GroupAssertions {
  /** It has committed these offsets by partition, now or in time. */
  toHaveCommitted(topic: string, offsets: Readonly<Record<number, number>>, options?: WaitOptions): Promise<void>
  /** It lags by fewer records than that, now or in time; over all topics that it has committed, or over one. */
  toHaveLagBelow(limit: number, options?: LagOptions): Promise<void>
}

/** Assertions about a consumer group. */
export function expectGroup(group: Group): GroupAssertions {
  return {
    toHaveCommitted: (topic, offsets, options) => ensure(hasCommitted(group, { topic, offsets }, options)),
    toHaveLagBelow: (limit, options) => ensure(hasLagBelow(group, limit, options)),
  }
}
