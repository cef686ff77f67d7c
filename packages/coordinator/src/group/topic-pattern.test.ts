import { ErrorCode, KafkaError } from '@ottla/protocol'
import * as fc from 'fast-check'
import { RE2JS } from 're2js'
import { describe, expect, it } from 'vitest'
import { patternSize } from './pattern-size.ts'
import { MAX_TOPIC_PATTERN_INSTRUCTIONS, MAX_TOPIC_PATTERN_LENGTH, TopicPattern } from './topic-pattern.ts'

function refusalOf(text: string): string {
  try {
    TopicPattern.parse(text)
  } catch (error) {
    if (error instanceof KafkaError && error.code === ErrorCode.INVALID_REGULAR_EXPRESSION) return error.message
    throw error
  }
  return 'accepted'
}

/** Milliseconds of processor time. */
function costOf(run: () => void): number {
  const before = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

describe('patterns of topics', () => {
  it.each([
    ['orders-.*', ['orders-', 'orders-eu'], ['orders', 'my-orders-eu']],
    ['orders|payments', ['orders', 'payments'], ['orders-payments', 'order']],
    ['^a.b$', ['a.b', 'aXb'], ['ab', 'a.bc']],
    [String.raw`\Qa.b\E`, ['a.b'], ['aXb']],
    ['(?i)ORDERS', ['orders', 'Orders'], ['order']],
    ['[[:alpha:]]+[0-9]{2,3}', ['abc12', 'a123'], ['abc', 'abc1', 'abc1234']],
    [String.raw`\p{Lu}\w*`, ['Topic_1'], ['topic', 'Topic-1']],
    ['(?P<a>x)(?<b>y)', ['xy'], ['x']],
    ['', [''], ['a']],
  ])('%s matches whole names', (text, yes, no) => {
    const pattern = TopicPattern.parse(text)
    expect(pattern.text).toBe(text)
    for (const name of yes) expect(pattern.matches(name), name).toBe(true)
    for (const name of no) expect(pattern.matches(name), name).toBe(false)
  })

  it.each([
    ['(', 'missing closing )'],
    ['a)', 'unexpected )'],
    ['[a', 'missing closing ]'],
    ['*', 'missing argument to repetition operator'],
    ['a**', 'invalid nested repetition operator'],
    ['a{1001}', 'invalid repeat count'],
    ['(?=a)', 'invalid or unsupported Perl syntax'],
    [String.raw`(a)\1`, 'invalid escape sequence'],
    [String.raw`\p{Nonsense}`, 'invalid character class range'],
    ['\\', 'trailing backslash at end of expression'],
    [`${'('.repeat(1000)}${')'.repeat(1000)}`, 'expression nests too deeply'],
  ])('%s is refused with the reason', (text, reason) => {
    expect(refusalOf(text)).toBe(`SubscribedTopicRegex \`${text}\` is not a valid regular expression: ${reason}.`)
  })

  it('bounds the length', () => {
    expect(refusalOf('a'.repeat(MAX_TOPIC_PATTERN_LENGTH - 10))).toBe('accepted')
    expect(refusalOf('a'.repeat(MAX_TOPIC_PATTERN_LENGTH + 1))).toMatch(/too long: 2048/)
  })

  it('accepts quoted text and long alternatives up to the bound', () => {
    expect(refusalOf(String.raw`\Qa{1000}b{1000}c{1000}\E`)).toBe('accepted')
    expect(refusalOf('a{1000}')).toBe('accepted')
    const names = Array.from({ length: 150 }, (_, index) => `topic-${index}`)
    const pattern = TopicPattern.parse(names.join('|'))
    expect(names.every(name => pattern.matches(name))).toBe(true)
    expect(pattern.matches('topic-150')).toBe(false)
  })

  it.each([
    '(a{1000}){1000}',
    '((((((a{10}){10}){10}){10}){10}){10})*',
    'a{1000}'.repeat(290),
    '(?:a?){1000}'.repeat(160),
    String.raw`\pL{1000}`.repeat(200),
    `[${String.raw`\pL`.repeat(680)}]`,
    '(|a)*'.repeat(400),
    '((a{0,100}){0,100}){0,100}',
  ])('%s is refused quickly', text => {
    let refusal = ''
    const cost = costOf(() => {
      refusal = refusalOf(text)
    })
    expect(refusal).toMatch(/expression too large|invalid repeat count/)
    expect(cost).toBeLessThan(500)
  })

  it.each(['(a+)+$', '(a|a)*b', '(a|aa)+c', '(.*)*(.*)*(.*)*b', '(a?){500}b', '((a{0,20}){0,20})*b', '(x+x+)+y', '(?:.*[ab]){300}c'])(
    '%s takes linear time',
    text => {
      const pattern = TopicPattern.parse(text)
      const name = 'a'.repeat(248)
      expect(costOf(() => pattern.matches(`${name}!`))).toBeLessThan(1000)
      expect(pattern.matches(`${name}!`)).toBe(false)
    },
  )
})

const pieces = [
  'a',
  'b',
  '.',
  '[ab]',
  '[^a]',
  '(',
  '(?:',
  ')',
  '|',
  '*',
  '+',
  '?',
  '{2}',
  '{0,3}',
  '{1,}',
  String.raw`\w`,
  '^',
  '$',
  '\\',
  '[',
  '{',
]
const anyPattern = fc.oneof(
  fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map(parts => parts.join('')),
  fc.string({ unit: 'binary' }),
)

describe('patterns made up by chance', () => {
  it('are compiled or refused, never larger than told', () => {
    fc.assert(
      fc.property(anyPattern, text => {
        if (refusalOf(text) !== 'accepted') return
        const size = RE2JS.compile(text).programSize()
        expect(size).toBeLessThanOrEqual(MAX_TOPIC_PATTERN_INSTRUCTIONS)
        expect(size).toBeLessThanOrEqual(3 * patternSize(text, Number.MAX_SAFE_INTEGER) + 4)
      }),
      { numRuns: 3000 },
    )
  })

  it('match what RegExp matches where both read them alike', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '-')
    const { pattern } = fc.letrec<{ pattern: string; part: string }>(tie => ({
      pattern: fc.oneof(
        { depthSize: 'small' },
        tie('part'),
        fc.tuple(tie('part'), tie('pattern')).map(([one, other]) => `${one}|${other}`),
      ),
      part: fc.oneof(
        { depthSize: 'small' },
        atom,
        fc.tuple(atom, fc.constantFrom('*', '+', '?', '{2}', '{1,3}')).map(([one, times]) => one + times),
        fc.tuple(tie('part'), tie('part')).map(([one, other]) => one + other),
        tie('pattern').map(inner => `(${inner})`),
      ),
    }))
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '-', 'c'), maxLength: 8 })
    fc.assert(
      fc.property(pattern, fc.array(name, { minLength: 5 }), (text, names) => {
        const compiled = TopicPattern.parse(text)
        const expected = new RegExp(`^(?:${text})$`)
        for (const topic of names) expect(compiled.matches(topic), `${text} on ${topic}`).toBe(expected.test(topic))
      }),
      { numRuns: 1000 },
    )
  })

  it('that are quoted match one name', () => {
    const name = fc.string({ unit: fc.constantFrom('a', '.', '-', '_', '9'), minLength: 1 })
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(TopicPattern.parse(RE2JS.quote(one)).matches(other)).toBe(one === other)
      }),
    )
  })
})
