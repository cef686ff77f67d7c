export * from './broker-config.ts'
export type { BrokerSetting, BrokerValue, TopicSetting, TopicValue } from './definitions.ts'
export {
  brokerDefinitions,
  clientMetricsDefinitions,
  definitionsFor,
  dynamicOnlyDefinitions,
  groupDefinitions,
  topicDefinitions,
} from './definitions.ts'
export * from './describe.ts'
export * from './dynamic.ts'
export type { ConfigInput, Given } from './given.ts'
export * from './group-config.ts'
export type { ListenerConfig } from './listeners.ts'
export { connectionOverrides } from './checks.ts'
export * from './problems.ts'
export * from './topic-config.ts'
export type * from './types.ts'
export { canonicalText, ConfigError, parseValue } from './validate.ts'
