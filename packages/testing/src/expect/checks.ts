// Checks of topics and groups, apart from any test framework: each says whether it holds, and in words why not.
import { DEFAULT_TIMEOUT_MS, type WaitOptions } from '../state/await-state.ts'
import type { Group } from '../state/group.ts'
import { decoded, type Decoder, type RawRecord, type TestRecord } from '../state/records.ts'
import type { Topic } from '../state/topic.ts'
import { pause, realNow } from '../world/real-time.ts'
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

/** Whose lag counts, and how long to wait. */
export interface LagOptions extends WaitOptions {
  /** Of this topic alone; by default of all topics that the group has committed offsets of. */
  readonly topic?: string
}

/** A record whose value was parsed as JSON where it is some, and is text otherwise; `raw` has the bytes. */
export interface ReadRecord<V = unknown> extends Omit<TestRecord, 'value'> {
  readonly value: V
}

/** A method, as one that takes records of orders is to be taken for one that takes any records. */
interface PartOf<V> {
  of(record: ReadRecord<V>): unknown
}

/** What a record is known by, or what is compared of it. `V` says what its value is taken for: `toHaveNoDuplicates<Order>(...)`. */
export type RecordPart<V = unknown> = PartOf<V>['of']

const asRead = (record: RawRecord): ReadRecord => ({ ...record, key: record.key?.toString() ?? null, value: valueOf(record) })

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
  const { times, timeoutMs = DEFAULT_TIMEOUT_MS } = options
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
    // Bytes that are no text may look the same as text.
    const key = record.key === null ? `partition ${record.partition}` : `key ${record.key.toString('hex')}`
    const part = by(read)
    const before = latest.get(key)
    const which = read.key === null ? `without key in ${key}` : `of key '${read.key}'`
    if (before !== undefined && before.record.partition !== record.partition) {
      const partitions = `${before.record.partition} and ${record.partition}`
      return { pass: false, message: `topic ${topic.name}: the records ${which} lie in partitions ${partitions}` }
    }
    if (before !== undefined && isLess(part, before.part)) {
      const where = `${inWords(part)} (${place(record)}) after ${inWords(before.part)} (${place(before.record)})`
      return { pass: false, message: `topic ${topic.name}: the records ${which} are not in order: ${where}` }
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

/** The bytes of key and value: what is no text would look the same as other text. */
const bytesOf: RecordPart = ({ raw: { key, value } }) => [key?.toString('hex') ?? null, value?.toString('hex') ?? null]

/** What tells one part from another; texts and numbers that look the same are not. */
const identity = (part: unknown): string => (typeof part === 'bigint' ? `${part}n` : (JSON.stringify(part) ?? 'undefined'))

/** No two records have the same of what `by` gives; the bytes of key and value by default. */
export async function hasNoDuplicates(topic: Topic, by: RecordPart = bytesOf): Promise<CheckResult> {
  const seen = new Map<string, RawRecord>()
  for (const record of await allOf(topic)) {
    const read = asRead(record)
    const part = by(read)
    const text = identity(part)
    const before = seen.get(text)
    if (before !== undefined) {
      const what = inWords(by === bytesOf ? [read.key, read.value] : part)
      return { pass: false, message: `topic ${topic.name} has ${what} twice: ${place(before)} and ${place(record)}` }
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
export async function hasLagBelow(group: Group, limit: number, options: LagOptions = {}): Promise<CheckResult> {
  return eventually(options, async () => {
    const lag = await group.lag(options.topic)
    return { pass: lag < limit, message: `group ${group.id} lags by ${lag} records, the limit is below ${limit}` }
  })
}

const PAUSE_MS = 5

/** The outcome of `check` as soon as it holds, or when the time is over. What it throws meanwhile, as while a broker starts again, is no outcome. */
async function eventually({ timeoutMs = DEFAULT_TIMEOUT_MS }: WaitOptions, check: () => Promise<CheckResult>): Promise<CheckResult> {
  const deadline = realNow() + timeoutMs
  for (;;) {
    const isLast = (): boolean => realNow() + PAUSE_MS > deadline
    const result = await check().catch((error: unknown) => {
      if (isLast()) throw error
    })
    if (result !== undefined && (result.pass || isLast())) return result
    await pause(PAUSE_MS)
  }
}
