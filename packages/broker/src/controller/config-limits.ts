// Rules for settings of groups and client metrics that depend on the broker or on several settings at once
// (org.apache.kafka.coordinator.group.GroupConfig, org.apache.kafka.server.metrics.ClientMetricsConfigs).
import { ErrorCode, KafkaError } from '@ottla/protocol'
import { type BrokerConfig, groupBound, groupDefinitions, inheritedText } from '../config/index.ts'

const invalidConfig = (message: string): KafkaError => new KafkaError(ErrorCode.INVALID_CONFIG, message)

/** Throws INVALID_CONFIG where settings of a group, all of valid form, lie outside what the broker allows. */
export function checkGroupLimits(configs: ReadonlyMap<string, string>, config: BrokerConfig): void {
  const inherited = (name: string): string | null => {
    const definition = groupDefinitions.get(name)
    return definition === undefined ? null : inheritedText(definition, config)
  }
  const valueOf = (name: string): number => Number(configs.get(name) ?? inherited(name))
  for (const name of configs.keys()) {
    const min = groupBound(name, 'min')
    if (min !== undefined && valueOf(name) < Number(config.valueOf(min)))
      throw invalidConfig(`${name} must be greater than or equal to ${min}`)
    const max = groupBound(name, 'max')
    if (max !== undefined && valueOf(name) > Number(config.valueOf(max)))
      throw invalidConfig(`${name} must be less than or equal to ${max}`)
  }
  for (const kind of ['consumer', 'share', 'streams']) {
    const [session, heartbeat] = [`${kind}.session.timeout.ms`, `${kind}.heartbeat.interval.ms`]
    if (valueOf(session) <= valueOf(heartbeat)) throw invalidConfig(`${session} must be greater than ${heartbeat}`)
  }
}

const MATCH_PARAMETERS: readonly string[] = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
]

/** Throws INVALID_REQUEST or INVALID_CONFIG for a client metrics subscription that cannot be (KIP-714). */
export function checkClientMetricsLimits(configs: ReadonlyMap<string, string>): void {
  const interval = configs.get('interval.ms')
  if (interval !== undefined && (Number(interval) < 100 || Number(interval) > 3_600_000)) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Invalid value ${Number(interval)} for interval.ms, interval must be between 100 and 3600000 (1 hour)`,
    )
  }
  for (const pattern of (configs.get('match') ?? '').split(',').map(part => part.trim())) {
    const [parameter = '', value, ...more] = pattern.split('=')
    const valid = value !== undefined && value !== '' && more.length === 0 && MATCH_PARAMETERS.includes(parameter.trim())
    if (pattern !== '' && !valid) throw invalidConfig(`Illegal client matching pattern: ${pattern}`)
  }
}
