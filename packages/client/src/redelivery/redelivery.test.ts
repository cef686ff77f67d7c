// Headers of failed messages, settings, and the circuit breaker.
import { expect, test } from 'vitest'
import { Breaker } from './breaker.ts'
import {
  bounded,
  exceptionOf,
  failureHeaders,
  names,
  numberOf,
  originOf,
  ownHeaders,
  textOf,
  waitingHeaders,
  withHeaders,
} from './headers.ts'
import type { FailedMessage } from './policies.ts'
import { durationMs, redeliverySettings } from './policies.ts'
import { RetryPattern } from './retry-pattern.ts'

const random = { next: () => 0.5, bytes: (size: number) => Buffer.alloc(size) }
const origin = { topic: 't', partition: 3, offset: '5000000000', timestamp: '1700000000000', timestampType: 'CreateTime', group: 'g' }
const message = (headers: Parameters<typeof ownHeaders>[0]) => ({ timestamp: '7', headers: headers ?? {} })

test('what is written about a failed message is read back', () => {
  const error = new TypeError('wrong')
  const headers = { ...failureHeaders(origin, { error, attempts: 4, maxStackBytes: 1_000 }), ...waitingHeaders(2, 1_700_000_000_500) }
  expect(originOf(message(headers))).toEqual(origin)
  expect(exceptionOf(headers)).toMatchObject({ exception: 'TypeError', cause: null, message: 'wrong' })
  expect([names.attempts, names.due, names.stage].map(name => numberOf(headers, name))).toEqual([4, 1_700_000_000_500, 2])
})

test('headers of Spring Kafka and of Kafka Connect are read', () => {
  const spring = {
    'kafka_original-topic': Buffer.from('t'),
    'kafka_original-partition': Buffer.from([0, 0, 0, 3]),
    'kafka_original-offset': Buffer.from([0, 0, 0, 0, 0, 0, 1, 0]),
    'kafka_exception-fqcn': Buffer.from('java.lang.IllegalStateException'),
    // BigInteger.toByteArray()
    'retry_topic-backoff-timestamp': Buffer.from('01a012ab41bf', 'hex'),
  }
  expect(originOf(message(spring))).toMatchObject({ topic: 't', partition: 3, offset: '256', timestamp: '7' })
  expect(exceptionOf(spring)).toMatchObject({ exception: 'java.lang.IllegalStateException', message: '' })
  expect(numberOf(spring, names.due)).toBe(0x01_a0_12_ab_41_bf)
  const connect = {
    '__connect.errors.topic': 't',
    '__connect.errors.partition': '3',
    '__connect.errors.offset': '256',
    '__connect.errors.exception.class.name': 'org.apache.kafka.connect.errors.DataException',
    '__connect.errors.exception.message': 'no schema',
  }
  expect(originOf(message(connect))).toMatchObject({ topic: 't', partition: 3, offset: '256' })
  expect(exceptionOf(connect)).toMatchObject({ exception: 'org.apache.kafka.connect.errors.DataException', message: 'no schema' })
  expect(originOf(message({}))).toBeNull()
})

test.each([
  [Buffer.alloc(0), null],
  [Buffer.alloc(9, 1), null],
  [Buffer.from('12'), 12],
  [Buffer.from('-1'), -1],
  [Buffer.alloc(8, 0xff), -1],
  [Buffer.from('7fffffffffffffff', 'hex'), null],
  [Buffer.from('text'), 0x74_65_78_74],
])('the number in %j', (bytes, value) => {
  expect(numberOf({ n: bytes }, 'n')).toBe(value)
})

test('headers that a message brought along come back as they were', () => {
  const own = { a: 'x', [names.topic]: Buffer.from('before'), [names.message]: [Buffer.from('1'), Buffer.from('2')] }
  const once = withHeaders(own, failureHeaders(origin, { error: new Error('e'), attempts: 1, maxStackBytes: 10 }))
  expect(textOf(once, names.topic)).toBe('t')
  expect(ownHeaders(once)).toEqual(own)
  const plain = { a: 'x' }
  const twice = withHeaders(ownHeaders(withHeaders(plain, waitingHeaders(1, 5))), waitingHeaders(2, 6))
  expect(numberOf(twice, names.stage)).toBe(2)
  expect(ownHeaders(twice)).toEqual(plain)
})

test('headers that a program adds are told from those of the message, whatever their names', () => {
  const own = Object.fromEntries([
    ['__proto__', 'x'],
    ['a,b', 'y'],
    [names.added, 'a'],
  ])
  const all = withHeaders(own, {
    ...failureHeaders(origin, { error: new Error('e'), attempts: 1, maxStackBytes: 9 }),
    'a,b': 'ours',
    '%2C': 'z',
  })
  expect(all['a,b']).toEqual(['y', 'ours'])
  expect(new Map(Object.entries(ownHeaders(all)))).toEqual(new Map(Object.entries(own)))
})

test.each([
  ['partition', Buffer.from('0000010000000000', 'hex')],
  ['partition', Buffer.from('-1')],
  ['offset', Buffer.alloc(8, 0xff)],
  ['topic', Buffer.from('t'.repeat(250))],
  ['topic', Buffer.alloc(0)],
])('an origin that cannot be is none: %s %j', (name, value) => {
  const headers = failureHeaders(origin, { error: new Error('e'), attempts: 1, maxStackBytes: 10 })
  expect(originOf(message({ ...headers, [`kafka_dlt-original-${name}`]: value }))).toBeNull()
})

test('whatever was thrown and whenever it was read, it can be written down', () => {
  const error = new Error('e')
  for (const [name, value] of Object.entries({ name: 5, message: null, stack: ['a'] })) Object.defineProperty(error, name, { value })
  const far = { ...origin, timestamp: '9223372036854775807', offset: '9007199254740993' }
  const headers = failureHeaders(far, { error, attempts: 2 ** 40, maxStackBytes: 10 })
  expect(originOf(message(headers))).toEqual(far)
  expect(numberOf(headers, names.attempts)).toBe(0x7fff_ffff)
  expect(exceptionOf(headers)).toEqual({ exception: '', cause: null, message: '', stack: '' })
  expect(numberOf(waitingHeaders(1, 10.5), names.due)).toBe(11)
  expect(durationMs('0.0005s', 'x')).toBe(1)
})

test('text is cut between characters', () => {
  expect(bounded('häß', 2).toString()).toBe('h')
  expect(bounded('häß', 3).toString()).toBe('hä')
  expect(bounded('hä', 9).toString()).toBe('hä')
})

test('time spans', () => {
  expect(['250ms', '30s', '5m', '2h', '1d', 7].map(of => durationMs(of, 'x'))).toEqual([250, 30_000, 300_000, 7_200_000, 86_400_000, 7])
  for (const odd of ['', 'm', '5', '-1s', 'Infinity s', '1000d', Number.NaN]) expect(() => durationMs(odd, 'x')).toThrow(/^Invalid x/)
})

test('delays grow up to the longest', () => {
  const { backoffMs } = redeliverySettings('g', { retry: { backoff: { initial: 100, max: '1s' } } }, random)
  expect([1, 2, 3, 4, 5, 60].map(backoffMs)).toEqual([100, 200, 400, 800, 1_000, 1_000])
  const fixed = redeliverySettings('g', { retry: { backoff: '2s' } }, random)
  expect([1, 9].map(fixed.backoffMs)).toEqual([2_000, 2_000])
})

test('names of topics', () => {
  const of = redeliverySettings('g', { retry: { topics: { delays: [1] } }, deadLetter: {} }, random)
  expect([of.retryTopic('t', 1), of.deadLetterTopic?.('t')]).toEqual(['t.g.retry.1', 't.g.dlt'])
  const own = {
    retry: { topics: { delays: [1], name: (topic: string, group: string, n: number) => `${group}-${n}-${topic}` } },
    deadLetter: { topic: 'dead' },
  }
  const named = redeliverySettings('g', own, random)
  expect([named.retryTopic('t', 2), named.deadLetterTopic?.('t')]).toEqual(['g-2-t', 'dead'])
  const pattern = new RetryPattern('g.[x]')
  expect(['t.g.[x].retry.12', 't.g.[x].retry.', '.g.[x].retry.1', 't.g.x.retry.1'].map(topic => pattern.test(topic))).toEqual([
    true,
    false,
    false,
    false,
  ])
})

const failed = (error: Error): FailedMessage => ({
  topic: 't',
  partition: 0,
  message: { key: null, value: null, timestamp: '0', attributes: 0, offset: '0', headers: {} },
  attempts: 1,
  error,
})

test('which errors are tried again', () => {
  const { mayHelp } = redeliverySettings('g', { retry: {} }, random)
  expect(mayHelp(failed(new Error('x')))).toBe(true)
  expect(mayHelp(failed(Object.assign(new Error('x'), { retriable: false })))).toBe(false)
  expect(mayHelp(failed(Object.assign(new Error('x'), { name: 'KafkaJSDeserializationError' })))).toBe(false)
})

test('the breaker opens after so many within the window, tries one, and closes', () => {
  const breaker = new Breaker({ deadLetters: 3, windowMs: 100, pauseMs: 10 })
  expect([0, 50, 120, 130].map(now => breaker.deadLetter(now))).toEqual([false, false, false, true])
  expect([breaker.isOpen, breaker.deadLetter(140)]).toEqual([true, false])
  breaker.tryAgain()
  expect(breaker.deadLetter(150)).toBe(true)
  breaker.tryAgain()
  breaker.handled()
  expect([breaker.isOpen, breaker.deadLetter(160)]).toEqual([false, false])
})
