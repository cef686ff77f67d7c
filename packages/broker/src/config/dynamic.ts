// Settings of brokers that are altered while they run (KIP-226, org.apache.kafka.server.config.DynamicBrokerConfig).
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { brokenRules } from './checks.ts'
import type { BrokerConfig, DynamicSettings } from './broker-config.ts'
import { brokerDefinition } from './broker-config.ts'
import type { BrokerSetting, BrokerValue } from './definitions.ts'
import { clientMetricsDefinitions, groupDefinitions } from './definitions.ts'
import type { ConfigValue } from './types.ts'
import { checkAll } from './topic-config.ts'
import { ConfigError, parseValue } from './validate.ts'

const listenerSetting = /^listener\.name\.[^.]*\.(?<base>.*)$/

/** Security settings, which a running broker only takes for one listener, with the listener's prefix. */
const securitySetting = /^ssl\.(?:key|trust|protocol|provider|cipher|enabled|endpoint|secure|engine)/

/** What takes effect only when listeners can be opened and closed while the broker runs. */
const unsupported = new Set(['listeners', 'listener.security.protocol.map', 'cordoned.log.dirs', 'config.providers'])

const refuse = (message: string): never => {
  throw new KafkaError(ErrorCode.INVALID_REQUEST, message)
}

const listed = (names: readonly string[]) => `[${names.join(', ')}]`

/**
 * Checks all settings that shall be altered for a broker (`perBroker`), or for all brokers. Names that are not known are taken, as by
 * Kafka. Throws KafkaError INVALID_REQUEST, as Kafka does (KAFKA-13609).
 */
export function validateDynamicConfigs(texts: ReadonlyMap<string, string>, options: { perBroker: boolean; config: BrokerConfig }): void {
  const names = [...texts.keys()]
  const readOnly = names.filter(name => brokerDefinition(name)?.update === 'read-only')
  if (readOnly.length > 0) refuse(`Cannot update these configs dynamically: ${listed(readOnly)}`)
  const security = names.filter(name => securitySetting.test(name) && brokerDefinition(name) !== undefined)
  if (security.length > 0)
    refuse(`These security configs can be dynamically updated only per-listener using the listener prefix: ${listed(security)}`)
  for (const [name, text] of texts) {
    const definition = brokerDefinition(listenerSetting.exec(name)?.[1] ?? name)
    if (definition === undefined) continue
    try {
      parseValue(definition, text)
    } catch (error) {
      if (error instanceof ConfigError) refuse(error.message)
      throw error
    }
  }
  const perBroker = names.filter(name => brokerDefinition(name)?.update === 'per-broker' || listenerSetting.test(name))
  if (!options.perBroker && perBroker.length > 0)
    refuse(`Cannot update these configs at default cluster level, broker id must be specified: ${listed(perBroker)}`)
  for (const name of names) if (unsupported.has(name)) refuse(`${name} cannot be altered while the broker runs yet: set it in the file`)
  checkTogether(texts, options)
}

/** The rules between settings, as they would be with the new ones. Broken ones that were broken before do not count. */
function checkTogether(texts: ReadonlyMap<string, string>, { perBroker, config }: { perBroker: boolean; config: BrokerConfig }): void {
  const { broker } = config.dynamic
  function value<N extends BrokerSetting>(name: N): BrokerValue<N>
  function value(name: BrokerSetting): ConfigValue {
    const definition = brokerDefinition(name)
    const text = perBroker ? texts.get(name) : (broker.get(name) ?? texts.get(name))
    return definition === undefined || text === undefined ? config.valueOf(name) : parseValue(definition, text)
  }
  const before = new Set(brokenRules(name => config.value(name)).map(([, message]) => message))
  const broken = brokenRules(value).find(([, message]) => !before.has(message))
  if (broken) refuse(broken[1])
}

/** What of stored settings can be used: whatever is no longer valid is left out, and told to `ignored`. */
export function usableDynamicSettings(
  stored: DynamicSettings,
  config: BrokerConfig,
  ignored: (name: string, reason: string) => void,
): DynamicSettings {
  const usable = (texts: ReadonlyMap<string, string>, perBroker: boolean): ReadonlyMap<string, string> => {
    const kept = new Map<string, string>()
    for (const [name, text] of texts) {
      try {
        validateDynamicConfigs(new Map([[name, text]]), { perBroker, config })
        kept.set(name, text)
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        ignored(name, error.message)
      }
    }
    return kept
  }
  return { broker: usable(stored.broker, true), defaults: usable(stored.defaults, false) }
}

/** Checks what shall be set for a group. Throws KafkaError INVALID_CONFIG. */
export function validateGroupConfigs(texts: ReadonlyMap<string, string>): void {
  for (const name of texts.keys())
    if (!groupDefinitions.has(name)) throw new KafkaError(ErrorCode.INVALID_CONFIG, `Unknown group config name: ${name}`)
  checkAll(groupDefinitions, texts)
}

/** Checks a client metrics subscription. Throws KafkaError INVALID_REQUEST for a name, INVALID_CONFIG for a value. */
export function validateClientMetricsConfigs(texts: ReadonlyMap<string, string>): void {
  for (const name of texts.keys()) if (!clientMetricsDefinitions.has(name)) refuse(`Unknown client metrics configuration: ${name}`)
  checkAll(clientMetricsDefinitions, texts)
}
