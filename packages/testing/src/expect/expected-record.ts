// A record as a test expects it, and how far records are from it.
import type { RawRecord } from '../state/records.ts'
import { type Difference, differences, inWords } from './compare.ts'

/** A value itself, a RegExp for its text, a function that says whether it is right, or a matcher of vitest or jest. */
export type Expected<T> = T | RegExp | ((actual: never) => boolean) | { asymmetricMatch(actual: unknown): boolean }

/** What a record is to be; what is left out may be anything. */
export interface ExpectedRecord {
  /** Text, bytes, null for none; an object or number is compared with the key parsed as JSON. */
  readonly key?: Expected<unknown>
  /** As `key`; null for a tombstone. */
  readonly value?: Expected<unknown>
  /** Headers that must be there, as text; others may be there too. */
  readonly headers?: Readonly<Record<string, Expected<string | Uint8Array>>>
  readonly partition?: Expected<number>
  readonly offset?: Expected<number>
  /** In ms. */
  readonly timestamp?: Expected<number>
}

/** Bytes in the form that something is expected in: bytes, text, or parsed JSON where that is what it is compared with. */
function inFormOf(expected: unknown, bytes: Buffer | null): unknown {
  if (bytes === null || expected instanceof Uint8Array) return bytes
  const text = bytes.toString()
  if (typeof expected === 'string' || expected instanceof RegExp || expected === null) return text
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** A matcher or function may mean the text as well as the parsed value: it is asked about both. */
const ofContent = (expected: unknown, bytes: Buffer | null, path: string): Difference[] => {
  const found = differences(expected, inFormOf(expected, bytes), path)
  const mayMeanText = typeof expected === 'function' || (typeof expected === 'object' && expected !== null && 'asymmetricMatch' in expected)
  return found.length > 0 && mayMeanText && bytes !== null && differences(expected, bytes.toString(), path).length === 0 ? [] : found
}

/** Where a record differs from what is expected. */
export function recordDifferences(expected: ExpectedRecord, record: RawRecord): Difference[] {
  const found: Difference[] = []
  if (expected.key !== undefined) found.push(...ofContent(expected.key, record.key, 'key'))
  if (expected.value !== undefined) found.push(...ofContent(expected.value, record.value, 'value'))
  for (const [name, wanted] of Object.entries(expected.headers ?? {})) {
    const header = record.raw.headers.findLast(({ key }) => key === name)
    const actual = header === undefined ? undefined : wanted instanceof Uint8Array ? header.value : header.value?.toString()
    found.push(...differences(wanted, actual, `header ${name}`))
  }
  for (const field of ['partition', 'offset', 'timestamp'] as const) {
    if (expected[field] !== undefined) found.push(...differences(expected[field], record[field], field))
  }
  return found
}

/** What is expected, in words. */
export function expectedInWords({ headers, ...fields }: ExpectedRecord): string {
  const parts = Object.entries(fields).map(([name, value]) => `${name} ${inWords(value)}`)
  for (const [name, value] of Object.entries(headers ?? {})) parts.push(`header ${name} ${inWords(value)}`)
  return parts.length === 0 ? 'a record' : `a record with ${parts.join(', ')}`
}

/** What is there instead, in words: the record that comes nearest, and how it differs. */
export function nearestInWords(expected: ExpectedRecord, records: readonly RawRecord[]): string {
  let nearest: { readonly record: RawRecord; readonly found: Difference[] } | undefined
  for (const record of records) {
    const found = recordDifferences(expected, record)
    if (nearest === undefined || closeness(found) < closeness(nearest.found)) nearest = { record, found }
  }
  if (nearest === undefined) return 'It has no records.'
  const { found, record } = nearest
  const lines = found.map(({ actual, expected: wanted, path }) => `\n  ${path}: expected ${wanted}, is ${actual}`)
  const count = records.length === 1 ? 'It has 1 record' : `It has ${records.length} records; the nearest is`
  return `${count}${records.length === 1 ? ',' : ' that'} of partition ${record.partition} at offset ${record.offset}:${lines.join('')}`
}

/** Fields that differ count more than places inside a field. */
const closeness = (found: readonly Difference[]): number =>
  new Set(found.map(({ path }) => path.split(/[.[]/)[0])).size * 100 + found.length
