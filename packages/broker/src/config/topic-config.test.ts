import { KafkaError } from '@ottla/protocol'
import { defaultLogConfig } from '@ottla/storage'
import { describe, expect, it } from 'vitest'
import { describeTopic } from './describe.ts'
import { usableDynamicSettings, validateDynamicConfigs } from './dynamic.ts'
import { testConfig } from './testing.ts'
import { topicLogConfig, topicText, validateTopicConfigs } from './topic-config.ts'

const map = (values: Record<string, string>) => new Map(Object.entries(values))
const refusal = (run: () => void): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof KafkaError) return `${error.errorName}: ${error.message}`
    throw error
  }
  return ''
}

const checkTopic = (values: Record<string, string>) => refusal(() => validateTopicConfigs(map(values), testConfig()))
const check = (values: Record<string, string>, perBroker = false) =>
  refusal(() => validateDynamicConfigs(map(values), { perBroker, config: testConfig() }))

describe('settings of a topic', () => {
  it('are those of storage by default', () => {
    expect(topicLogConfig(new Map(), testConfig())).toEqual(defaultLogConfig)
  })

  it('follow the broker, in its units, unless they are set', () => {
    const config = testConfig({ 'log.retention.hours': '2', 'log.roll.hours': '3', 'log.flush.mode': 'os', 'message.max.bytes': '1000' })
    const log = topicLogConfig(map({ 'cleanup.policy': 'compact', 'max.message.bytes': '2000' }), config)
    expect(log).toMatchObject({ retentionMs: 7_200_000, segmentMs: 10_800_000, flushMode: 'os', maxMessageBytes: 2000 })
    expect(log.cleanupPolicy).toEqual({ compact: true, delete: false })
    expect(topicLogConfig(new Map(), testConfig({ 'log.retention.minutes': '5', 'log.retention.hours': '2' })).retentionMs).toBe(300_000)
    expect(topicLogConfig(new Map(), testConfig({ 'log.retention.hours': '-1' })).retentionMs).toBe(-1)
  })

  it('follow the broker when that is altered', () => {
    const config = testConfig({ 'log.retention.hours': '2' })
    config.setDynamic({ broker: new Map(), defaults: map({ 'log.retention.ms': '1234', 'log.flush.mode': 'interval' }) })
    expect(topicLogConfig(new Map(), config)).toMatchObject({ retentionMs: 1234, flushMode: 'interval', flushMs: 1000 })
    expect(topicText('retention.ms', new Map(), config)).toBe('1234')
  })

  it('keep a segment size below the public minimum', () => {
    expect(topicLogConfig(map({ 'internal.segment.bytes': '1000' }), testConfig()).segmentBytes).toBe(1000)
  })

  it('count as not set where they are not valid any more', () => {
    expect(topicLogConfig(map({ 'retention.ms': 'soon' }), testConfig()).retentionMs).toBe(defaultLogConfig.retentionMs)
  })

  it('are refused with the words of Kafka', () => {
    expect(checkTopic({ 'retention.ms': '1', 'flush.mode': 'os' })).toBe('')
    expect(checkTopic({ 'no.such': '1' })).toBe('INVALID_CONFIG: Unknown topic config name: no.such')
    expect(checkTopic({ 'segment.bytes': '1' })).toBe(
      'INVALID_CONFIG: Invalid value 1 for configuration segment.bytes: Value must be at least 1048576',
    )
    expect(checkTopic({ 'min.compaction.lag.ms': '9', 'max.compaction.lag.ms': '5' })).toBe(
      'INVALID_CONFIG: conflict topic config setting min.compaction.lag.ms (9) > max.compaction.lag.ms (5)',
    )
    expect(checkTopic({ 'leader.replication.throttled.replicas': '0:1,1:2' })).toBe('')
    expect(checkTopic({ 'leader.replication.throttled.replicas': 'x' })).toMatch(/must be the literal '\*' or a list of replicas/)
  })

  it('are described with those asked for only', () => {
    const described = describeTopic(map({ 'retention.ms': '5' }), {
      config: testConfig(),
      names: ['retention.ms', 'flush.mode'],
      synonyms: false,
      documentation: true,
    })
    expect(described.map(one => [one.name, one.value, one.configSource])).toEqual([
      ['flush.mode', 'ack', 5],
      ['retention.ms', '5', 1],
    ])
    expect(described[0]?.documentation).toMatch(/^When an append reaches the device/)
  })
})

describe('settings of brokers that run', () => {
  it('are taken or refused as by Kafka', () => {
    expect(check({ 'log.retention.ms': '5', 'max.connections': '3', 'leader.replication.throttled.rate': '1' })).toBe('')
    expect(check({ 'num.partitions': '3' })).toBe('INVALID_REQUEST: Cannot update these configs dynamically: [num.partitions]')
    expect(check({ 'ssl.keystore.location': '/x' }, true)).toMatch(/can be dynamically updated only per-listener/)
    expect(check({ 'principal.builder.class': 'x' })).toMatch(
      /at default cluster level, broker id must be specified: \[principal.builder.class\]/,
    )
    expect(check({ 'log.retention.ms': 'x' })).toBe(
      'INVALID_REQUEST: Invalid value x for configuration log.retention.ms: Not a number of type LONG',
    )
    expect(check({ 'log.retention.ms': '0' })).toBe(
      'INVALID_REQUEST: log.retention.ms must be unlimited (-1) or, greater than or equal to 1',
    )
    expect(check({ listeners: 'PLAINTEXT://:1' }, true)).toMatch(/cannot be altered while the broker runs yet/)
    expect(check({ 'some.plugin.setting': '1' })).toBe('')
  })

  it('leave out what is stored and not valid', () => {
    const ignored: string[] = []
    const stored = { broker: map({ 'max.connections': 'many' }), defaults: map({ 'max.connections': '5' }) }
    const usable = usableDynamicSettings(stored, testConfig(), name => ignored.push(name))
    expect([usable.broker.size, usable.defaults.get('max.connections'), ignored]).toEqual([0, '5', ['max.connections']])
  })
})
