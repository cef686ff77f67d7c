// Kinds of things that have settings, by their number in requests.
import type { ConfigType } from '@ottla/metadata'

/** Numbers of the resources that have settings (org.apache.kafka.common.config.ConfigResource.Type). */
export const ResourceType = { TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8, CLIENT_METRICS: 16, GROUP: 32 } as const

/** The kind of settings that a resource type has; undefined for loggers and for unknown types. */
export function configTypeOf(resourceType: number): ConfigType | undefined {
  switch (resourceType) {
    case ResourceType.TOPIC:
      return 'topic'
    case ResourceType.BROKER:
      return 'broker'
    case ResourceType.CLIENT_METRICS:
      return 'client-metrics'
    case ResourceType.GROUP:
      return 'group'
    default:
      return undefined
  }
}
