// What a test expects of a value, and in words where the value differs from it.

/** A matcher of vitest or jest, such as `expect.objectContaining(...)`. */
interface AsymmetricMatcher {
  asymmetricMatch(value: unknown): boolean
}

/** One place where a value differs. */
export interface Difference {
  /** Such as 'value.items[2].price'. */
  readonly path: string
  readonly expected: string
  readonly actual: string
}

/** So much of a value is shown. */
const SHOWN_CHARACTERS = 120
const MOST_DIFFERENCES = 20

const isMatcher = (value: unknown): value is AsymmetricMatcher =>
  typeof value === 'object' && value !== null && 'asymmetricMatch' in value && typeof value.asymmetricMatch === 'function'

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  isObject(value) && !(value instanceof Uint8Array) && !(value instanceof RegExp) && !(value instanceof Date) && !isMatcher(value)

/** Matchers of vitest and jest have a name and what they were made with. */
const matcherInWords = (matcher: AsymmetricMatcher): string => {
  const sample = 'sample' in matcher ? ` (${inWords(matcher.sample)})` : ''
  return `what ${matcher.constructor.name} accepts${sample}`
}

/** A value in words. */
export function inWords(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return shortened(`'${value}'`)
  if (typeof value === 'function') return value.name === '' ? 'what the function accepts' : `what ${value.name} accepts`
  if (value instanceof Uint8Array) return shortened(`bytes ${Buffer.from(value).toString('hex')}`)
  if (value instanceof RegExp) return String(value)
  if (isMatcher(value)) return matcherInWords(value)
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value)
  return shortened(JSON.stringify(value) ?? 'nothing')
}

const shortened = (text: string): string => (text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text)

/**
 * Where `actual` differs from what is expected: a value that must be equal, a RegExp that its text must match, a function that says whether
 * it is right, a matcher of vitest or jest; the same inside objects and lists.
 */
export function differences(expected: unknown, actual: unknown, path: string): Difference[] {
  const found: Difference[] = []
  compare(expected, actual, { path, found })
  return found
}

function compare(expected: unknown, actual: unknown, at: { readonly path: string; readonly found: Difference[] }): void {
  const { found, path } = at
  if (found.length >= MOST_DIFFERENCES || accepts(expected, actual)) return
  const bothLists = Array.isArray(expected) && Array.isArray(actual)
  const areFields = isPlain(expected) && isPlain(actual) && Array.isArray(expected) === Array.isArray(actual)
  if (!areFields) {
    found.push({ path, expected: inWords(expected), actual: inWords(actual) })
    return
  }
  for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    compare(expected[name], actual[name], { path: bothLists ? `${path}[${name}]` : `${path}.${name}`, found })
  }
}

/** Whether a value is what was expected, as far as that can be said without looking inside. */
function accepts(expected: unknown, actual: unknown): boolean {
  if (isMatcher(expected)) return expected.asymmetricMatch(actual)
  if (expected instanceof RegExp) return typeof actual === 'string' && actual.search(expected) >= 0
  if (typeof expected === 'function') return Reflect.apply(expected, undefined, [actual]) === true
  if (expected instanceof Uint8Array) return actual instanceof Uint8Array && Buffer.compare(expected, actual) === 0
  if (expected instanceof Date) return actual instanceof Date && expected.getTime() === actual.getTime()
  return Object.is(expected, actual)
}
