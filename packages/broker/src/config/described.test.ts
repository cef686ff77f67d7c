// DescribeConfigs beside the answers of a running Apache Kafka 4.3.1 (shared/protocol/described.json beside the repository, if it is there).
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { BrokerConfig } from './broker-config.ts'
import type { DescribedConfig } from './describe.ts'
import { ConfigSource, describeBroker, describeBrokerDefaults, describeClientMetrics, describeGroup, describeTopic } from './describe.ts'

interface Entry {
  name: string
  value: string | null
  source: string
  type: string
  readOnly?: boolean
  sensitive?: boolean
  synonyms: { name: string; value: string | null; source: string }[]
}

const text = (entries: string) => entries.replaceAll('<log.dir>', '/tmp/kafka-logs')
const path = new URL('../../../../../shared/protocol/described.json', import.meta.url)
const there = existsSync(path)
if (!there) console.log('skipped: shared/protocol/described.json is not there')

const sources = new Map<number, string>(
  Object.entries(ConfigSource).map(([name, number]) => [number, name === 'TOPIC_CONFIG' ? 'DYNAMIC_TOPIC_CONFIG' : name]),
)
const types = ['UNKNOWN', 'BOOLEAN', 'STRING', 'INT', 'SHORT', 'LONG', 'DOUBLE', 'LIST', 'CLASS', 'PASSWORD']

const asEntry = (one: DescribedConfig): Entry => ({
  name: one.name,
  value: one.value,
  source: sources.get(one.configSource) ?? '',
  type: types[one.configType] ?? '',
  ...(one.readOnly ? { readOnly: true } : {}),
  ...(one.isSensitive ? { sensitive: true } : {}),
  synonyms: one.synonyms.map(synonym => ({ ...synonym, source: sources.get(synonym.source) ?? '' })),
})

const ours = new Set(['flush.mode', 'log.flush.mode', 'metrics.listener'])
const byName = (entries: readonly Entry[]): Map<string, Entry> =>
  new Map(entries.filter(({ name }) => !ours.has(name)).map(one => [one.name, one]))
const options = { synonyms: true, documentation: false }

describe.skipIf(!there)('the same description as Apache Kafka', () => {
  const seen: Record<string, Entry[]> = there ? JSON.parse(text(readFileSync(path, 'utf8'))) : {}
  const config = BrokerConfig.load({
    overrides: {
      'node.id': '1',
      'process.roles': 'broker,controller',
      listeners: 'PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093',
      'advertised.listeners': 'PLAINTEXT://127.0.0.1:19092',
      'controller.listener.names': 'CONTROLLER',
      'controller.quorum.bootstrap.servers': '127.0.0.1:19093',
      'group.initial.rebalance.delay.ms': '0',
      'group.share.enable': 'true',
      'log.dirs': '<log.dirs>',
      'offsets.topic.replication.factor': '1',
      'share.coordinator.state.topic.min.isr': '1',
      'share.coordinator.state.topic.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
      'transaction.state.log.replication.factor': '1',
    },
  })
  config.setDynamic({ broker: new Map(), defaults: new Map([['min.insync.replicas', '1']]) })

  const expectSame = (actual: readonly DescribedConfig[], kind: string) => {
    const expected = byName(seen[kind] ?? [])
    const found = byName(actual.map(asEntry))
    expect([...found.keys()].toSorted()).toEqual([...expected.keys()].toSorted())
    for (const [name, entry] of expected) expect(found.get(name)).toEqual(entry)
  }

  it('of a broker', () => expectSame(describeBroker(config, options), 'broker'))
  it('of the default of all brokers', () => expectSame(describeBrokerDefaults(config, options), 'brokerDefault'))
  it('of a topic', () => expectSame(describeTopic(new Map(), { ...options, config }), 'topic'))
  it('of a topic with settings of its own', () => {
    const own = (seen.topicWithOverrides ?? []).filter(entry => entry.source === 'DYNAMIC_TOPIC_CONFIG')
    const overrides = new Map(own.map(({ name, value }) => [name, value ?? '']))
    expectSame(describeTopic(overrides, { ...options, config }), 'topicWithOverrides')
  })
  it('of a group', () => expectSame(describeGroup(new Map(), { ...options, config }), 'group'))
  it('of a client metrics subscription', () => expectSame(describeClientMetrics(new Map(), options), 'clientMetrics'))
})
