// ListConfigResources, versions 0 and 1: names of what has settings (KIP-1142). Version 0 (KIP-714) only knows client metrics. Groups and
// client metrics are listed where something is set for them; topics, brokers and the brokers' loggers all of them.
import type { ClusterImage, Metadata } from '@ottla/metadata'
import { ErrorCode, listConfigResourcesApi, type ListConfigResourcesResponseInit } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import { ResourceType } from './config-resources.ts'
import { brokersOn } from './endpoints.ts'

type Resources = ListConfigResourcesResponseInit['configResources']

/** The types, in the order in which Kafka answers them. */
const TYPES: readonly number[] = [
  ResourceType.GROUP,
  ResourceType.CLIENT_METRICS,
  ResourceType.BROKER_LOGGER,
  ResourceType.BROKER,
  ResourceType.TOPIC,
]

const refuse = (errorCode: number): ListConfigResourcesResponseInit => ({ throttleTimeMs: 0, errorCode, configResources: [] })

function namesOf(resourceType: number, image: ClusterImage, listener: string): string[] {
  switch (resourceType) {
    case ResourceType.GROUP:
      return [...image.configNames('group')]
    case ResourceType.CLIENT_METRICS:
      return [...image.configNames('client-metrics')]
    case ResourceType.TOPIC:
      return Array.from(image.topics(), ({ name }) => name)
    default:
      return brokersOn(image, listener).map(({ broker }) => String(broker.id))
  }
}

/** Serves ListConfigResources. */
export function listConfigResources({ metadata }: { readonly metadata: Metadata }): Handler<typeof listConfigResourcesApi> {
  return handler({
    api: listConfigResourcesApi,
    versions: [0, 1],
    handle({ resourceTypes }, { apiVersion, connection }) {
      const supported = apiVersion === 0 ? [ResourceType.CLIENT_METRICS] : TYPES
      if (resourceTypes.some(type => !supported.includes(type))) return refuse(ErrorCode.UNSUPPORTED_VERSION)
      const wanted = resourceTypes.length === 0 ? supported : TYPES.filter(type => resourceTypes.includes(type))
      const configResources: Resources = wanted.flatMap(resourceType =>
        namesOf(resourceType, metadata.image, connection.listener).map(resourceName => ({ resourceName, resourceType })),
      )
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, configResources }
    },
    onError: refuse,
  })
}
