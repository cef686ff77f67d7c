// Every setting that Apache Kafka 4.3 knows for brokers, topics, groups and client metrics subscriptions, and Ottla's own.
import { brokerRowsAToK } from './definitions/broker-a-to-k.ts'
import { brokerRowsLToZ } from './definitions/broker-l-to-z.ts'
import { clientMetricsRows } from './definitions/client-metrics.ts'
import { groupRows } from './definitions/group.ts'
import { documentation, dynamicOnlyRows, ottlaBrokerRows, ottlaTopicRows } from './definitions/ottla.ts'
import { groupSynonyms, topicSynonyms } from './definitions/synonyms.ts'
import { topicRows } from './definitions/topic.ts'
import type { ValueOf } from './rows.ts'
import { definitionsOf } from './rows.ts'
import type { Definitions, Synonym } from './types.ts'

const brokerRows = { ...brokerRowsAToK, ...brokerRowsLToZ, ...ottlaBrokerRows } as const
const allTopicRows = { ...topicRows, ...ottlaTopicRows } as const

type BrokerRows = typeof brokerRowsAToK & typeof brokerRowsLToZ & typeof ottlaBrokerRows
type TopicRows = typeof topicRows & typeof ottlaTopicRows

/** Name of a setting of a broker. */
export type BrokerSetting = keyof BrokerRows
/** Name of a setting of a topic. */
export type TopicSetting = keyof TopicRows
/** What a setting of a broker holds. */
export type BrokerValue<N extends BrokerSetting> = ValueOf<BrokerRows, N>
/** What a setting of a topic holds. */
export type TopicValue<N extends TopicSetting> = ValueOf<TopicRows, N>

const single = (names: Readonly<Record<string, string>>): Record<string, readonly Synonym[]> =>
  Object.fromEntries(Object.entries(names).map(([name, synonym]) => [name, [{ name: synonym, factor: 1 }]]))

/** Settings of a broker: file, environment, `--override`. */
export const brokerDefinitions: Definitions = definitionsOf(brokerRows, { documentation })
/** Settings of a broker that can only be altered while it runs. */
export const dynamicOnlyDefinitions: Definitions = definitionsOf(dynamicOnlyRows)
/** Settings of a topic. */
export const topicDefinitions: Definitions = definitionsOf(allTopicRows, {
  documentation,
  synonyms: { ...topicSynonyms, ...single({ 'flush.mode': 'log.flush.mode' }) },
})
/** Settings of a group. */
export const groupDefinitions: Definitions = definitionsOf(groupRows, { synonyms: single(groupSynonyms) })
/** Settings of a client metrics subscription. */
export const clientMetricsDefinitions: Definitions = definitionsOf(clientMetricsRows)

/** Settings of the resources that AlterConfigs and DescribeConfigs know. */
export const definitionsFor = {
  topic: topicDefinitions,
  broker: brokerDefinitions,
  group: groupDefinitions,
  'client-metrics': clientMetricsDefinitions,
} as const
