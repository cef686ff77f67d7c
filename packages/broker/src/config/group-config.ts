// The settings of a group: what was set for it, held within the bounds of the broker, else the broker's, else the default
// (org.apache.kafka.coordinator.group.GroupConfig, GroupConfigManager).
import type { BrokerConfig } from './broker-config.ts'
import { brokerDefinitions, groupDefinitions } from './definitions.ts'
import type { groupRows } from './definitions/group.ts'
import type { ValueOf } from './rows.ts'
import { inheritedText } from './topic-config.ts'
import type { ConfigValue } from './types.ts'
import { ConfigError, parseValue } from './validate.ts'

/** Name of a setting of a group. */
export type GroupSetting = keyof typeof groupRows
/** What a setting of a group holds. */
export type GroupValue<N extends GroupSetting> = ValueOf<typeof groupRows, N>

/** Where settings of groups are looked up; a `ClusterImage` is an `image`. */
export interface GroupConfigParts {
  readonly image: { config(type: 'group', name: string): ReadonlyMap<string, string> }
  readonly config: BrokerConfig
}

/** Broker settings that bound a group's setting: consumer.session.timeout.ms lies between group.consumer.{min,max}.session.timeout.ms. */
export function groupBound(name: string, bound: 'min' | 'max'): string | undefined {
  const match = /^(?<kind>consumer|share|streams)\.(?:num\.)?(?<rest>.+)$/.exec(name)
  const setting = `group.${match?.[1]}.${bound}.${match?.[2]}`
  return match && brokerDefinitions.has(setting) ? setting : undefined
}

/**
 * The value of a group's setting. What was set for the group is held within the broker's bounds, which may have changed since; where it
 * is not valid any more it counts as not set.
 */
export function groupSetting<N extends GroupSetting>(parts: GroupConfigParts, groupId: string, name: N): GroupValue<N>
export function groupSetting({ image, config }: GroupConfigParts, groupId: string, name: GroupSetting): ConfigValue {
  const definition = groupDefinitions.get(name)
  if (definition === undefined) throw new Error(`no such setting: ${name}`)
  const override = image.config('group', groupId).get(name)
  if (override !== undefined) {
    try {
      return withinBounds(name, parseValue(definition, override), config)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
    }
  }
  return parseValue({ ...definition, validator: null }, inheritedText(definition, config))
}

function withinBounds(name: string, value: ConfigValue, config: BrokerConfig): ConfigValue {
  if (typeof value !== 'number') return value
  const [min, max] = [groupBound(name, 'min'), groupBound(name, 'max')]
  const atLeast = min === undefined ? value : Math.max(value, Number(config.valueOf(min)))
  return max === undefined ? atLeast : Math.min(atLeast, Number(config.valueOf(max)))
}
