// Which topics belong to a run, and where their messages stand.
import { expect, test } from 'vitest'
import { scriptedCluster } from '../admin/admin-testing.ts'
import type { IHeaders, KafkaMessage } from '../consumer/fetch/message.ts'
import { failureHeaders, waitingHeaders } from './headers.ts'
import type { RetryTopics } from './policies.ts'
import { redeliverySettings } from './policies.ts'
import { RedeliveryTopics } from './redelivery-topics.ts'

const random = { next: () => 0.5, bytes: (size: number) => Buffer.alloc(size) }

function topicsOf(subscribed: (string | RegExp)[], topics: RetryTopics = { delays: [1, 2] }) {
  const settings = redeliverySettings('g', { retry: { topics }, deadLetter: {} }, random)
  return new RedeliveryTopics(scriptedCluster({}).cluster, settings, subscribed)
}

const messageOf = (headers: IHeaders): KafkaMessage => ({ key: null, value: null, timestamp: '1', attributes: 0, offset: '0', headers })

/** A message that failed in a group. */
function failed(topic: string, { group = 'g', stage = 0 } = {}): KafkaMessage {
  const origin = { topic, partition: 0, offset: '7', timestamp: '1', timestampType: null, group }
  const headers = failureHeaders(origin, { error: new Error('e'), attempts: 1, maxStackBytes: 10 })
  return messageOf({ ...headers, ...(stage > 0 && waitingHeaders(stage, 5)) })
}

test('retry topics of names are known, those of patterns are found by a pattern', () => {
  expect(topicsOf(['a', 'b', 'a']).toRetry).toEqual(['a.g.retry.1', 'a.g.retry.2', 'b.g.retry.1', 'b.g.retry.2'])
  const [name, , pattern] = topicsOf(['a', /^b/]).toRetry
  expect([name, pattern instanceof RegExp && pattern.test('b1.g.retry.2')]).toEqual(['a.g.retry.1', true])
  expect(() => topicsOf([/^b/], { delays: [1], name: topic => `later-${topic}` })).toThrow('retry.topics.name is for topics')
})

test('headers are believed only when they fit the topic that the message is in', () => {
  const topics = topicsOf(['a', 'b'])
  expect(topics.placeOf('b.g.retry.2', failed('b', { stage: 2 }))).toEqual({ base: 'b', stage: 2 })
  expect(topics.placeOf('b.g.retry.2', failed('a', { stage: 2 }))).toEqual({ base: 'b', stage: 2 })
  expect(topics.placeOf('b.g.retry.2', failed('b', { stage: 1 }))).toEqual({ base: 'b', stage: 2 })
  expect(topics.placeOf('b.g.retry.1', messageOf({}))).toEqual({ base: 'b', stage: 1 })
  expect(topicsOf([/./]).placeOf('c.g.retry.1', messageOf({}))).toEqual({ base: 'c', stage: 1 })
  const shared = topicsOf(['a', 'b'], { delays: [1, 2], name: (_topic, group, n) => `${group}-later-${n}` })
  expect(shared.placeOf('g-later-2', failed('b', { stage: 2 }))).toEqual({ base: 'b', stage: 2 })
})

test('a pattern takes no messages that failed in this group, or in another that reads the same topic', () => {
  const topics = topicsOf([/^a/])
  expect(topics.isMoved('a1.g.retry.2', failed('a1', { stage: 2 }))).toBe(true)
  expect(topics.isMoved('a1.g.dlt', failed('a1'))).toBe(true)
  expect(topics.isMoved('a1.h.retry.1', failed('a1', { group: 'h', stage: 1 }))).toBe(true)
  expect(topics.isMoved('a1.h.dlt', failed('a1', { group: 'h' }))).toBe(true)
  expect(topics.isMoved('a1.h.dlt', messageOf({}))).toBe(false)
  expect(topics.isMoved('a2', failed('a1', { group: 'h' }))).toBe(false)
})

test('what is read on purpose is read', () => {
  expect(topicsOf([/dlt$/]).isMoved('a1.h.dlt', failed('a1', { group: 'h' }))).toBe(false)
  expect(topicsOf([/^a/, 'a1.h.dlt']).isMoved('a1.h.dlt', failed('a1', { group: 'h' }))).toBe(false)
})
