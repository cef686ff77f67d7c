// What DescribeConfigs tells of each setting (kafka.server.ConfigHelper): value, source, synonyms in their order of precedence.
import type { BrokerConfig } from './broker-config.ts'
import { brokerDefinition } from './broker-config.ts'
import { brokerDefinitions, clientMetricsDefinitions, groupDefinitions, topicDefinitions } from './definitions.ts'
import { inheritedText, topicText } from './topic-config.ts'
import type { ConfigType, Definition } from './types.ts'
import { canonicalText } from './validate.ts'

/** Where a value comes from, as its number in DescribeConfigs (DescribeConfigsResponse.ConfigSource). */
export const ConfigSource = {
  UNKNOWN: 0,
  TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
  DYNAMIC_BROKER_LOGGER_CONFIG: 6,
  CLIENT_METRICS_CONFIG: 7,
  GROUP_CONFIG: 8,
} as const

const typeNumbers: Readonly<Record<ConfigType, number>> = {
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  SHORT: 4,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  CLASS: 8,
  PASSWORD: 9,
}

interface DescribedSynonym {
  readonly name: string
  readonly value: string | null
  readonly source: number
}

/** One setting as the response of DescribeConfigs has it. */
export interface DescribedConfig {
  readonly name: string
  readonly value: string | null
  readonly readOnly: boolean
  readonly configSource: number
  readonly isSensitive: boolean
  readonly synonyms: readonly DescribedSynonym[]
  readonly configType: number
  readonly documentation: string | null
}

/** What a request asks for. */
export interface DescribeOptions {
  /** Null or empty: all settings. */
  readonly names?: readonly string[] | null
  readonly synonyms: boolean
  readonly documentation: boolean
}

interface Entry {
  readonly name: string
  readonly definition: Definition | undefined
  readonly value: string | null
  readonly readOnly: boolean
  readonly synonyms: readonly DescribedSynonym[]
}

function described(entry: Entry, options: DescribeOptions): DescribedConfig {
  const { definition, synonyms } = entry
  const isSensitive = entry.definition === undefined || entry.definition.type === 'PASSWORD'
  return {
    name: entry.name,
    value: isSensitive ? null : entry.value,
    readOnly: entry.readOnly,
    configSource: synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
    isSensitive,
    synonyms: options.synonyms ? synonyms.map(synonym => (isSensitive ? { ...synonym, value: null } : synonym)) : [],
    configType: definition === undefined ? 0 : typeNumbers[definition.type],
    documentation: options.documentation ? (definition?.documentation ?? null) : null,
  }
}

const wanted = (options: DescribeOptions): ((name: string) => boolean) => {
  const { names } = options
  return names && names.length > 0 ? name => names.includes(name) : () => true
}

const families: readonly (readonly string[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
]

/** The names under which a broker setting may also be given (DynamicBrokerConfig.brokerConfigSynonyms). */
function familyOf(name: string): readonly string[] {
  if (name === 'log.flush.interval.ms') return ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms']
  const family = families.find(names => names.includes(name))
  if (family) return family
  const base = /^listener\.name\.[^.]*\.(?<base>.*)$/.exec(name)?.[1]
  return base === undefined ? [name] : [name, base]
}

/** Values of a broker setting by source. Those before the first that bears the name itself do not count for it. */
function brokerSynonyms(name: string, config: BrokerConfig): DescribedSynonym[] {
  const names = familyOf(name)
  const { broker, defaults } = config.dynamic
  const layers: readonly (readonly [source: number, text: (name: string) => string | null | undefined])[] = [
    [ConfigSource.DYNAMIC_BROKER_CONFIG, one => broker.get(one)],
    [ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG, one => defaults.get(one)],
    [ConfigSource.STATIC_BROKER_CONFIG, one => config.given.get(one)?.text],
    [ConfigSource.DEFAULT_CONFIG, one => (brokerDefinition(one)?.required ? null : brokerDefinition(one)?.defaultText)],
  ]
  const synonyms: DescribedSynonym[] = []
  for (const [source, text] of layers)
    for (const one of names) {
      const value = text(one)
      if (value !== null && value !== undefined) synonyms.push({ name: one, value, source })
    }
  const first = synonyms.findIndex(synonym => synonym.name === name)
  return first < 0 ? [] : synonyms.slice(first)
}

/** All settings of this broker. */
export function describeBroker(config: BrokerConfig, options: DescribeOptions): DescribedConfig[] {
  const names = new Set<string>()
  for (const { name, internal } of brokerDefinitions.values()) if (!internal || config.given.has(name)) names.add(name)
  for (const name of [...config.given.keys(), ...config.dynamic.broker.keys(), ...config.dynamic.defaults.keys()]) names.add(name)
  return [...names]
    .filter(wanted(options))
    .toSorted()
    .map(name => {
      const definition = brokerDefinition(name)
      const text = config.text(name)
      const value = text === null || definition === undefined ? text : canonicalText(definition.type, text)
      const readOnly = definition === undefined || definition.update === 'read-only'
      return described({ name, definition, value, readOnly, synonyms: brokerSynonyms(name, config) }, options)
    })
}

/** What was set for all brokers of the cluster. */
export function describeBrokerDefaults(config: BrokerConfig, options: DescribeOptions): DescribedConfig[] {
  return [...config.dynamic.defaults]
    .filter(([name]) => wanted(options)(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      const definition = brokerDefinition(name)
      const synonyms = brokerSynonyms(name, config).filter(({ source }) => source === ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG)
      return described({ name, definition, value, readOnly: definition?.update === 'read-only', synonyms }, options)
    })
}

/** All settings of a topic. */
export function describeTopic(
  overrides: ReadonlyMap<string, string>,
  options: DescribeOptions & { readonly config: BrokerConfig },
): DescribedConfig[] {
  const { config } = options
  return entriesOf(topicDefinitions, overrides, options).map(definition => {
    const value = topicText(definition.name, overrides, config)
    const own = overrides.has(definition.name) ? [{ name: definition.name, value, source: ConfigSource.TOPIC_CONFIG }] : []
    // Only the first broker setting counts here, with its own family, as Kafka has it: none where a setting in hours decides.
    const synonym = definition.synonyms[0]
    const synonyms = [...own, ...(synonym ? brokerSynonyms(synonym.name, config) : [])]
    return described({ name: definition.name, definition, value, readOnly: false, synonyms }, options)
  })
}

/** All settings of a group. */
export function describeGroup(
  overrides: ReadonlyMap<string, string>,
  options: DescribeOptions & { readonly config: BrokerConfig },
): DescribedConfig[] {
  const { config } = options
  return entriesOf(groupDefinitions, overrides, options).map(definition => {
    const { name, defaultText } = definition
    const text = overrides.get(name) ?? inheritedText(definition, config)
    const value = text === null ? null : canonicalText(definition.type, text)
    const own = overrides.has(name) ? [{ name, value, source: ConfigSource.GROUP_CONFIG }] : []
    const synonym = definition.synonyms[0]
    const inherited = synonym ? brokerSynonyms(synonym.name, config) : [{ name, value: defaultText, source: ConfigSource.DEFAULT_CONFIG }]
    return described({ name, definition, value, readOnly: false, synonyms: [...own, ...inherited] }, options)
  })
}

/** All settings of a client metrics subscription. */
export function describeClientMetrics(overrides: ReadonlyMap<string, string>, options: DescribeOptions): DescribedConfig[] {
  return entriesOf(clientMetricsDefinitions, overrides, options).map(definition => {
    const { name } = definition
    const text = overrides.get(name) ?? definition.defaultText
    const value = text === null ? null : canonicalText(definition.type, text)
    const synonyms = overrides.has(name) ? [{ name, value, source: ConfigSource.CLIENT_METRICS_CONFIG }] : []
    return described({ name, definition, value, readOnly: false, synonyms }, options)
  })
}

const entriesOf = (
  definitions: ReadonlyMap<string, Definition>,
  overrides: ReadonlyMap<string, string>,
  options: DescribeOptions,
): Definition[] => {
  const isWanted = wanted(options)
  return [...definitions.values()].filter(({ name, internal }) => isWanted(name) && (!internal || overrides.has(name)))
}
