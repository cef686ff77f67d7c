// The error classes: what KafkaJS's have, and what each error of the protocol adds.
import { ErrorCode, errors } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import * as all from './index.ts'
import { hintOf, isHintShown } from './hints.ts'
import { classNameOf, protocolErrorClasses } from './protocol-class.ts'

describe('protocolError', () => {
  it('gives every code an instance of a class of its own, which is exported by name', () => {
    const exported: Record<string, unknown> = { ...all }
    for (const { name, code, retriable } of errors) {
      if (name === 'NONE') continue
      const error = all.protocolError(code)
      expect(exported[classNameOf(name)], name).toBe(protocolErrorClasses.get(code))
      expect(error.constructor.name).toBe(classNameOf(name))
      expect(error).toBeInstanceOf(all.KafkaJSProtocolError)
      expect({ name: error.errorName, code: error.code, retriable: error.retriable }).toEqual({ name, code, retriable })
    }
    expect(protocolErrorClasses.size).toBe(errors.length - 1)
  })

  it('says for every error what to do, in one sentence, and shows it where people have to act', () => {
    for (const { name, code, message } of errors) {
      if (name === 'NONE') continue
      const hint = hintOf(name) ?? ''
      expect(hint, name).toMatch(/^[A-Z].*\.$/)
      expect(all.protocolError(code)).toMatchObject({ hint, message: isHintShown(name) ? `${message} ${hint}` : message })
    }
  })

  it('keeps what the broker said, and what the error is about', () => {
    const cause = new Error('before')
    const error = all.protocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'No topic t', {
      topic: 't',
      partition: 3,
      broker: 'a:9092',
      cause,
    })
    expect(error.message).toMatch(/^No topic t\. Check the name/)
    expect(error).toMatchObject({
      topic: 't',
      partition: 3,
      broker: 'a:9092',
      cause,
      type: 'UNKNOWN_TOPIC_OR_PARTITION',
      name: 'KafkaJSProtocolError',
    })
    expect('groupId' in error).toBe(false)
    expect(Object.keys(error)).not.toContain('cause')
  })

  it('spells types as KafkaJS does and tells the name of today beside', () => {
    expect(all.protocolError(ErrorCode.NOT_COORDINATOR)).toMatchObject({ type: 'NOT_COORDINATOR_FOR_GROUP', errorName: 'NOT_COORDINATOR' })
    expect(all.isRebalancing(all.protocolError(ErrorCode.NOT_COORDINATOR))).toBe(true)
    expect(all.isRebalancing(new Error('other'))).toBe(false)
  })

  it('names a code that nobody knows', () => {
    expect(all.protocolError(12_345)).toBeInstanceOf(all.UnknownServerError)
    expect(all.protocolError(12_345).message).toContain('12345')
  })

  it('gives the special classes of KafkaJS where it has one', () => {
    const error = all.protocolError(ErrorCode.OFFSET_OUT_OF_RANGE, undefined, { topic: 't', partition: 0 })
    expect(error).toBeInstanceOf(all.KafkaJSOffsetOutOfRange)
    expect(error).toMatchObject({ name: 'KafkaJSOffsetOutOfRange', topic: 't', partition: 0 })
    expect(all.protocolError(ErrorCode.MEMBER_ID_REQUIRED, undefined, { memberId: 'm' })).toMatchObject({
      name: 'KafkaJSMemberIdRequired',
      memberId: 'm',
    })
  })

  it('is thrown by check for codes other than NONE', () => {
    expect(() => all.check(ErrorCode.NONE)).not.toThrow()
    expect(() => all.check(ErrorCode.GROUP_ID_NOT_FOUND)).toThrow(all.GroupIdNotFoundError)
  })
})

describe("KafkaJS's classes", () => {
  it('are retriable unless they say otherwise', () => {
    expect(new all.KafkaJSError('x').retriable).toBe(true)
    expect(new all.KafkaJSConnectionError('x', { broker: 'a:1', code: 'ECONNREFUSED' })).toMatchObject({
      retriable: true,
      broker: 'a:1',
      code: 'ECONNREFUSED',
    })
    expect(new all.KafkaJSNonRetriableError('x').retriable).toBe(false)
    expect(new all.KafkaJSTimeout().retriable).toBe(false)
    expect(new all.KafkaJSLockTimeout('x')).toMatchObject({ name: 'KafkaJSLockTimeout', message: 'x' })
    expect(all.isKafkaJSError(new all.KafkaJSTimeout())).toBe(true)
  })

  it('wrap the protocol errors that they tell about', () => {
    const inner = all.protocolError(ErrorCode.TOPIC_ALREADY_EXISTS)
    const error = new all.KafkaJSCreateTopicError(inner, 't')
    expect(error).toMatchObject({
      topic: 't',
      type: 'TOPIC_ALREADY_EXISTS',
      code: 36,
      retriable: false,
      cause: inner,
      message: inner.message,
      hint: inner.hint,
    })
    expect(new all.KafkaJSAggregateError('m', [error]).errors).toEqual([error])
    expect(new all.KafkaJSProtocolError('plain')).toMatchObject({ type: 'UNKNOWN', code: -1, retriable: false })
  })

  it('tell what the last of several tries failed with', () => {
    const cause = new all.KafkaJSConnectionError('gone')
    const error = new all.KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 5, retryTime: 100 })
    expect(error).toMatchObject({
      message: 'gone',
      cause,
      retryCount: 5,
      retryTime: 100,
      retriable: false,
      name: 'KafkaJSNumberOfRetriesExceeded',
    })
    expect(error.stack).toContain('Caused by: ')
  })

  it('may be tried again as far as their parts may', () => {
    const retriable = all.protocolError(ErrorCode.LEADER_NOT_AVAILABLE)
    const final = all.protocolError(ErrorCode.OFFSET_OUT_OF_RANGE)
    expect(new all.KafkaJSDeleteTopicRecordsError({ partitions: [{ partition: 0, offset: '1', error: retriable }] }).retriable).toBe(true)
    expect(new all.KafkaJSDeleteTopicRecordsError({ partitions: [{ partition: 0, offset: '1', error: final }] }).retriable).toBe(false)
    expect(new all.KafkaJSCorruptRecordError('bad', { topic: 't', partition: 0, offset: 7 })).toMatchObject({
      offset: '7',
      retriable: false,
    })
  })
})
