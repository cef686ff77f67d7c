// What `kafkajs` exports at run time is exported here, under the same names and with the same numbers and names of events.
import * as ours from '@ottla/client'
import kafkajs from 'kafkajs'
import { describe, expect, it } from 'vitest'

const theirs: Readonly<Record<string, unknown>> = { ...kafkajs }
const mine: Readonly<Record<string, unknown>> = { ...ours }
const tables = [
  'logLevel',
  'CompressionTypes',
  'AclResourceTypes',
  'AclOperationTypes',
  'AclPermissionTypes',
  'ResourcePatternTypes',
  'ConfigResourceTypes',
  'ConfigSource',
]

type ErrorClass = new (...args: never[]) => Error
const isClass = (value: unknown): value is ErrorClass => typeof value === 'function'

/** What an error made with these arguments has, but for its stack and pages of help. */
function facts(Class: ErrorClass, ...args: unknown[]): object {
  const { stack: _stack, helpUrl: _helpUrl, ...rest }: Record<string, unknown> = { ...Reflect.construct(Class, args) }
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
}

describe('the names of KafkaJS', () => {
  it('are all exported, and of the same kind', () => {
    expect(Object.keys(theirs).length).toBeGreaterThan(40)
    const kinds = (of: Readonly<Record<string, unknown>>) => Object.keys(theirs).map(name => `${name}: ${typeof of[name]}`)
    expect(kinds(mine)).toEqual(kinds(theirs))
    expect(Object.keys(ours.default)).toEqual(expect.arrayContaining(Object.keys(theirs)))
  })

  it.each(tables)('%s has the same numbers', name => {
    expect(mine[name]).toMatchObject(Object(theirs[name]))
  })

  it('are those of errors as well: message, name, retriable and fields', () => {
    const made: readonly (readonly [string, ...unknown[]])[] = [
      ['KafkaJSError', 'text', { retriable: false }],
      ['KafkaJSNonRetriableError', 'text'],
      ['KafkaJSConnectionError', 'text', { broker: 'a:1', code: 'ECONNREFUSED' }],
      ['KafkaJSRequestTimeoutError', 'text', { broker: 'a:1', correlationId: 1, createdAt: 2, sentAt: 3, pendingDuration: 4 }],
      ['KafkaJSTopicMetadataNotLoaded', 'text', { topic: 't' }],
      ['KafkaJSServerDoesNotSupportApiKey', 'text', { apiKey: 1, apiName: 'Fetch' }],
      ['KafkaJSTimeout', 'text'],
      ['KafkaJSLockTimeout', 'text'],
      ['KafkaJSOffsetOutOfRange', { message: 'm', type: 'OFFSET_OUT_OF_RANGE', code: 1, retriable: false }, { topic: 't', partition: 0 }],
      ['KafkaJSCreateTopicError', { message: 'm', type: 'TOPIC_ALREADY_EXISTS', code: 36, retriable: false }, 't'],
      ['KafkaJSMemberIdRequired', { message: 'm', type: 'MEMBER_ID_REQUIRED', code: 79, retriable: false }, { memberId: 'x' }],
    ]
    for (const [name, ...args] of made) {
      const [one, other] = [theirs[name], mine[name]]
      if (!isClass(one) || !isClass(other)) throw new Error(name)
      const { message: _message, ...expected }: { message?: unknown } = facts(one, ...args)
      expect(facts(other, ...args), name).toEqual(expected)
    }
  })

  it('are those of events', () => {
    const brokers = ['localhost:1']
    const known = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING })
    const kafka = new ours.Kafka({ brokers, logLevel: ours.logLevel.NOTHING })
    expect(kafka.producer().events).toEqual(known.producer().events)
    expect(kafka.admin().events).toEqual(known.admin().events)
    expect(kafka.consumer({ groupId: 'g' }).events).toMatchObject(known.consumer({ groupId: 'g' }).events)
  })
})
