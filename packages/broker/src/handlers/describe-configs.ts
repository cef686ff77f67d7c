// DescribeConfigs, versions 1 to 4: settings of topics, of this broker ('' as name: those of all brokers), of groups and of client
// metrics subscriptions, as kafka.server.ConfigHelper answers them. Loggers have no levels of their own here: their list is empty.
import type { Metadata } from '@ottla/metadata'
import { describeConfigsApi, type DescribeConfigsRequest, ErrorCode, errorOf, KafkaError } from '@ottla/protocol'
import {
  type BrokerConfig,
  type DescribedConfig,
  type DescribeOptions,
  describeBroker,
  describeBrokerDefaults,
  describeClientMetrics,
  describeGroup,
  describeTopic,
} from '../config/index.ts'
import { topicNameProblem } from '../controller/index.ts'
import type { Slices } from '../replica/slices.ts'
import { handler, type Handler } from '../requests/handler.ts'
import { ResourceType } from './config-resources.ts'
import { topicSettingPlace } from './topic-setting-order.ts'

export interface DescribeConfigsParts {
  readonly metadata: Metadata
  readonly slices: Slices
  readonly config: BrokerConfig
}

type Resource = DescribeConfigsRequest['resources'][number]

const invalid = (message: string): KafkaError => new KafkaError(ErrorCode.INVALID_REQUEST, message)

/** Resources, each once: of those that are named again the first. So an answer stays in proportion to what there is. */
const distinct = (resources: readonly Resource[]): Iterable<Resource> => {
  const named = new Map<string, Resource>()
  for (const resource of resources) {
    const key = `${resource.resourceType}/${resource.resourceName}`
    if (!named.has(key)) named.set(key, resource)
  }
  return named.values()
}

/** Serves DescribeConfigs. */
export function describeConfigs(parts: DescribeConfigsParts): Handler<typeof describeConfigsApi> {
  return handler({
    api: describeConfigsApi,
    versions: [1, 4],
    async handle(request) {
      const results = await parts.slices.map(distinct(request.resources), resource => {
        const { resourceType, resourceName } = resource
        const options = {
          names: resource.configurationKeys,
          synonyms: request.includeSynonyms,
          documentation: request.includeDocumentation,
        }
        try {
          const configs = describe(resource, options, parts)
          // Kafka says nothing besides the code about a topic that does not exist.
          if (configs === undefined) {
            return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: '', resourceType, resourceName, configs: [] }
          }
          return { errorCode: ErrorCode.NONE, errorMessage: '', resourceType, resourceName, configs }
        } catch (error) {
          if (!(error instanceof KafkaError)) throw error
          return { errorCode: error.code, errorMessage: error.message, resourceType, resourceName, configs: [] }
        }
      })
      return { throttleTimeMs: 0, results }
    },
    onError: (errorCode, request) => ({
      throttleTimeMs: 0,
      results: request.resources.map(({ resourceType, resourceName }) => {
        return { errorCode, errorMessage: errorOf(errorCode).message, resourceType, resourceName, configs: [] }
      }),
    }),
  })
}

/** All settings asked for; undefined for a topic that does not exist. Throws KafkaError. */
function describe(resource: Resource, options: DescribeOptions, parts: DescribeConfigsParts): DescribedConfig[] | undefined {
  const { config } = parts
  const { image } = parts.metadata
  const name = resource.resourceName
  switch (resource.resourceType) {
    case ResourceType.TOPIC: {
      const problem = topicNameProblem(name)
      if (problem !== null) throw new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, problem)
      if (!image.topic(name)) return undefined
      const settings = describeTopic(image.config('topic', name), { ...options, config })
      return settings.toSorted((a, b) => topicSettingPlace(a.name) - topicSettingPlace(b.name))
    }
    case ResourceType.BROKER:
      if (name === '') return describeBrokerDefaults(config, options)
      if (brokerIdOf(name) === config.nodeId) return describeBroker(config, options)
      throw invalid(`Unexpected broker id, expected ${config.nodeId} or empty string, but received ${name}`)
    case ResourceType.BROKER_LOGGER:
      if (name === '') throw invalid('Broker id must not be empty')
      if (brokerIdOf(name) !== config.nodeId) throw invalid(`Unexpected broker id, expected ${config.nodeId} but received ${name}`)
      return []
    case ResourceType.CLIENT_METRICS:
      if (name === '') throw invalid('Client metrics subscription name must not be empty')
      return describeClientMetrics(image.config('client-metrics', name), options)
    case ResourceType.GROUP:
      if (name === '') throw invalid('Group name must not be empty')
      return describeGroup(image.config('group', name), { ...options, config })
    default:
      throw invalid(`Unexpected resource type UNKNOWN for resource ${name}`)
  }
}

function brokerIdOf(name: string): number {
  if (!/^[+-]?\d{1,10}$/.test(name)) throw invalid(`Broker id must be an integer, but it is: ${name}`)
  return Number(name)
}
