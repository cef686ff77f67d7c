// What programs get wrong, and KafkaJS's words for it.
import { expect, test } from 'vitest'
import { checkConfig, checkEventName, checkRun, offsetsToCommit, seekTarget, selectedPartitions, subscribedTopics } from './checks.ts'

test('configs', () => {
  expect(() => checkConfig({ groupId: '' })).toThrow('Consumer groupId must be a non-empty string.')
  expect(() => checkConfig({ groupId: 'g', heartbeatInterval: 10_000, sessionTimeout: 10_000 })).toThrow(
    'Consumer heartbeatInterval (10000) must be lower than sessionTimeout (10000). It is recommended',
  )
  expect(() => checkConfig({ groupId: 'g', stopTimeout: Number.NaN })).toThrow('Invalid stopTimeout')
  checkConfig({ groupId: null })
})

test('subscriptions', () => {
  expect(subscribedTopics({ topic: 'a' })).toEqual(['a'])
  expect(subscribedTopics({ topics: ['a', /b/] })).toEqual(['a', /b/])
  expect(() => subscribedTopics({})).toThrow('Missing required argument "topics"')
  expect(() => subscribedTopics({ topic: null })).toThrow('Missing required argument "topics"')
  expect(() => subscribedTopics({ topics: 'a' })).toThrow('Argument "topics" must be an array')
  expect(() => subscribedTopics({ topics: [1] })).toThrow('Invalid topic 1 (number), the topic name has to be a String or a RegExp')
})

test('seeks', () => {
  const at = { topic: 't', partition: 0 }
  expect(seekTarget({ ...at, offset: '-1' }).offset).toBe(-1)
  expect(() => seekTarget({ topic: '', partition: 0, offset: '1' })).toThrow('Invalid topic')
  expect(() => seekTarget({ topic: 't', partition: Number.NaN, offset: '1' })).toThrow('Invalid partition, expected a number received NaN')
  expect(() => seekTarget({ ...at, offset: 'ABC' })).toThrow('Invalid offset, expected a long received ABC')
  expect(() => seekTarget({ ...at, offset: '-32' })).toThrow('Offset must not be a negative number')
  expect(() => seekTarget({ ...at, offset: '9223372036854775807' })).toThrow('below 2^53')
})

test('commits', () => {
  const at = { topic: 't', partition: 0 }
  expect(offsetsToCommit([{ ...at, offset: '3', metadata: 'm' }])).toEqual([{ ...at, offset: 3, metadata: 'm' }])
  expect(() => offsetsToCommit([{ ...at, offset: '-1' }])).toThrow('Offset must not be a negative number')
  expect(() => offsetsToCommit([{ ...at, offset: '1.5' }])).toThrow('Invalid offset')
})

test('pauses', () => {
  expect(selectedPartitions([{ topic: 't' }, { topic: 'u', partitions: [1] }], 'pause')).toEqual([
    { topic: 't' },
    { topic: 'u', partitions: [1] },
  ])
  expect(() => selectedPartitions([undefined], 'resume')).toThrow('Invalid topic undefined')
  expect(() => selectedPartitions([{ topic: 't', partitions: [Number.NaN] }], 'resume')).toThrow(
    'Array of valid partitions required to resume specific partitions instead of NaN',
  )
})

test('runs and events', () => {
  expect(() => checkRun({ concurrency: 0 })).toThrow('Invalid concurrency 0, expected a positive integer')
  expect(() => checkRun({ partitionsConsumedConcurrently: 1.5 })).toThrow('Invalid partitionsConsumedConcurrently')
  expect(() => checkRun({ concurrency: 2, eachBatch: async () => {} })).toThrow('concurrency is for eachMessage')
  expect(() => checkEventName('consumer.nothing')).toThrow('Event name should be one of consumer.events.HEARTBEAT, ')
})
