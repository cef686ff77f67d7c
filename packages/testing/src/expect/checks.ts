// Checks of topics and groups, apart from any test framework: each says whether it holds, and in words why not.
import type { WaitOptions } from '../state/await-state.ts'
import type { Group } from '../state/group.ts'
import { decoded, type Decoder, type RawRecord } from '../state/records.ts'
import type { Topic } from '../state/topic.ts'
import { realNow } from '../world/real-time.ts'
import { pause } from '../world/real-time.ts'
import { inWords } from './compare.ts'
import { type ExpectedRecord, expectedInWords, nearestInWords, recordDifferences } from './expected-record.ts'
import { type Format, problemOf } from './schema.ts'

/** The outcome of a check. */
export interface CheckResult {
  readonly pass: boolean
  /** Why it does not hold; where it holds, what must not have held for `not`. */
  readonly message: string
}

/** How often a record is expected. */
export interface ReceivedCheckOptions extends WaitOptions {
  /** So many records like this, exactly; at least one by default. */
  readonly times?: number
}

/** What a record is known by, or what is compared of it. */
export type RecordPart = (record: {
  readonly key: string | null
  readonly value: unknown
  readonly headers: Readonly<Record<string, string>>
}) => unknown

const asRead = (record: RawRecord): { key: string | null; value: unknown; headers: Readonly<Record<string, string>> } => ({
  key: record.key?.toString() ?? null,
  value: valueOf(record),
  headers: record.headers,
})

const valueOf = ({ value }: RawRecord): unknown => {
  const text = value?.toString()
  if (text === undefined) return null
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

const allOf = async (topic: Topic): Promise<RawRecord[]> => topic.records({ key: 'buffer', value: 'buffer' })

const place = ({ offset, partition }: RawRecord): string => `partition ${partition} offset ${offset}`

/** The topic has received such a record, or does so in time. */
export async function hasReceived(topic: Topic, expected: ExpectedRecord, options: ReceivedCheckOptions = {}): Promise<CheckResult> {
  const { times, timeoutMs = 5000 } = options
  const count = (records: readonly RawRecord[]): number => records.filter(record => recordDifferences(expected, record).length === 0).length
  const followed = await topic.until(all => count(all) >= (times ?? 1), { ...options, key: 'buffer', value: 'buffer' })
  const words = expectedInWords(expected)
  if (followed.isThere && times === undefined) return { pass: true, message: `topic ${topic.name} has received ${words}` }
  // What there is now decides, however little of it was seen in time.
  const records = await allOf(topic)
  const found = count(records)
  if (found > 0 && (times === undefined || found === times)) {
    return { pass: true, message: `topic ${topic.name} has received ${words}` }
  }
  if (times !== undefined && found > times) {
    return { pass: false, message: `topic ${topic.name} has received ${words} ${found} times instead of ${times}` }
  }
  const often = times === undefined ? '' : `, ${times} times`
  const instead = found > 0 ? `It has received it ${found} times.` : nearestInWords(expected, records)
  return { pass: false, message: `topic ${topic.name} has not received ${words}${often} within ${timeoutMs} ms.\n${instead}` }
}

/** The topic has no such record now. */
export async function hasNow(topic: Topic, expected: ExpectedRecord): Promise<CheckResult> {
  const records = await allOf(topic)
  const record = records.find(one => recordDifferences(expected, one).length === 0)
  const words = expectedInWords(expected)
  if (record === undefined)
    return { pass: false, message: `topic ${topic.name} has not received ${words}.\n${nearestInWords(expected, records)}` }
  return { pass: true, message: `topic ${topic.name} has received ${words}, at ${place(record)}` }
}

/** Exactly so many records are there, now or in time. */
export async function hasCount(topic: Topic, count: number, options: WaitOptions = {}): Promise<CheckResult> {
  await topic.until(records => records.length >= count, { ...options, key: 'buffer', value: 'buffer' })
  const { length } = await allOf(topic)
  return { pass: length === count, message: `topic ${topic.name} has received ${length} records, expected ${count}` }
}

/** Of each key, what `by` gives never goes down from one record to the next. Records of one key lie in one partition. */
export async function isInOrder(topic: Topic, by: RecordPart): Promise<CheckResult> {
  const latest = new Map<string, { readonly record: RawRecord; readonly part: unknown }>()
  for (const record of await allOf(topic)) {
    const read = asRead(record)
    const key = read.key ?? `partition ${record.partition}`
    const part = by(read)
    const before = latest.get(key)
    if (before !== undefined && before.record.partition !== record.partition) {
      return {
        pass: false,
        message: `topic ${topic.name}: key '${key}' lies in partitions ${before.record.partition} and ${record.partition}`,
      }
    }
    if (before !== undefined && isLess(part, before.part)) {
      const where = `${inWords(part)} (${place(record)}) after ${inWords(before.part)} (${place(before.record)})`
      return { pass: false, message: `topic ${topic.name}: the records of key '${key}' are not in order: ${where}` }
    }
    latest.set(key, { record, part })
  }
  return { pass: true, message: `topic ${topic.name} has the records of each key in order` }
}

function isLess(one: unknown, other: unknown): boolean {
  if (typeof one === 'number' && typeof other === 'number') return one < other
  if (typeof one === 'bigint' && typeof other === 'bigint') return one < other
  if (typeof one === 'string' && typeof other === 'string') return one < other
  throw new TypeError(`an order needs numbers or texts, got ${inWords(one)} and ${inWords(other)}`)
}

const wholeRecord: RecordPart = ({ key, value }) => [key, value]

/** No two records have the same of what `by` gives; key and value by default. */
export async function hasNoDuplicates(topic: Topic, by: RecordPart = wholeRecord): Promise<CheckResult> {
  const seen = new Map<string, RawRecord>()
  for (const record of await allOf(topic)) {
    const part = by(asRead(record))
    const text = JSON.stringify(part) ?? 'undefined'
    const before = seen.get(text)
    if (before !== undefined) {
      return { pass: false, message: `topic ${topic.name} has ${inWords(part)} twice: ${place(before)} and ${place(record)}` }
    }
    seen.set(text, record)
  }
  return { pass: true, message: `topic ${topic.name} has no duplicates` }
}

/** Every value has the format. Values are parsed as JSON unless `value` says otherwise. */
export async function hasFormat(topic: Topic, format: Format, options: { readonly value?: Decoder } = {}): Promise<CheckResult> {
  for (const record of await allOf(topic)) {
    let problem: string | undefined
    try {
      const { value } = decoded(record, { key: 'buffer', value: options.value ?? 'json' })
      problem = await problemOf(format, value)
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
    }
    if (problem !== undefined) {
      const text = inWords(record.value?.toString() ?? null)
      return { pass: false, message: `topic ${topic.name}: the value at ${place(record)} has not the format: ${problem}\n  ${text}` }
    }
  }
  return { pass: true, message: `topic ${topic.name} has values of the format only` }
}

/** The group has committed these offsets, now or in time. */
export async function hasCommitted(
  group: Group,
  expected: { readonly topic: string; readonly offsets: Readonly<Record<number, number>> },
  options: WaitOptions = {},
): Promise<CheckResult> {
  return eventually(options, async () => {
    const offsets = await group.offsets(expected.topic)
    const wrong = Object.entries(expected.offsets).filter(([partition, offset]) => offsets[Number(partition)] !== offset)
    const lines = wrong.map(
      ([partition, offset]) => `\n  partition ${partition}: expected ${offset}, is ${offsets[Number(partition)] ?? 'nothing'}`,
    )
    const what = `group ${group.id} has ${wrong.length === 0 ? '' : 'not '}committed these offsets of ${expected.topic}`
    return { pass: wrong.length === 0, message: `${what}${lines.join('')}` }
  })
}

/** The group lags by fewer records than that, now or in time. */
export async function hasLagBelow(
  group: Group,
  limit: number,
  options: WaitOptions & { readonly topic?: string } = {},
): Promise<CheckResult> {
  return eventually(options, async () => {
    const lag = await group.lag(options.topic)
    return { pass: lag < limit, message: `group ${group.id} lags by ${lag} records, the limit is below ${limit}` }
  })
}

const PAUSE_MS = 5

async function eventually({ timeoutMs = 5000 }: WaitOptions, check: () => Promise<CheckResult>): Promise<CheckResult> {
  const deadline = realNow() + timeoutMs
  for (;;) {
    const result = await check()
    if (result.pass || realNow() + PAUSE_MS > deadline) return result
    await pause(PAUSE_MS)
  }
}
