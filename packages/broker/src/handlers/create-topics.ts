// CreateTopics, versions 2 to 7. The reply comes once this broker has made the topics' logs. Settings of new topics are told from
// version 5 on (KIP-525). Any broker serves it; clients send it to the one that Metadata names as controller.
import { createTopicsApi, type CreateTopicsResponseInit, ErrorCode, errorOf, KafkaError } from '@ottla/protocol'
import { type BrokerConfig, describeTopic } from '../config/index.ts'
import type { CreatedTopic, Topics } from '../controller/index.ts'
import type { Slices } from '../replica/slices.ts'
import { handler, type Handler } from '../requests/handler.ts'

export interface CreateTopicsParts {
  readonly topics: Topics
  readonly slices: Slices
  readonly config: BrokerConfig
  /** Resolves once this broker has made what a revision asks of it. */
  readonly applied: (revision: number) => Promise<void>
}

type TopicResult = NonNullable<CreateTopicsResponseInit['topics']>[number]

/** Serves CreateTopics. */
export function createTopics({ topics, slices, config, applied }: CreateTopicsParts): Handler<typeof createTopicsApi> {
  const created = (name: string, topic: CreatedTopic): TopicResult => ({
    name,
    topicId: topic.topicId,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    numPartitions: topic.partitions,
    replicationFactor: topic.replicationFactor,
    configs: describeTopic(topic.configs, { config, synonyms: false, documentation: false }).map(
      ({ name: setting, value, readOnly, configSource, isSensitive }) => ({ name: setting, value, readOnly, configSource, isSensitive }),
    ),
  })
  return handler({
    api: createTopicsApi,
    versions: [2, 7],
    async handle(request) {
      const outcomes = await topics.create(request.topics, request.validateOnly)
      let revision = 0
      const results = await slices.map(outcomes, ([name, outcome]): TopicResult => {
        if (outcome instanceof KafkaError) return { name, errorCode: outcome.code, errorMessage: outcome.message, configs: [] }
        revision = Math.max(revision, outcome.revision)
        return created(name, outcome)
      })
      await applied(revision)
      return { throttleTimeMs: 0, topics: results }
    },
    onError: (errorCode, request) => ({
      throttleTimeMs: 0,
      topics: request.topics.map(({ name }) => ({ name, errorCode, errorMessage: errorOf(errorCode).message, configs: [] })),
    }),
  })
}
