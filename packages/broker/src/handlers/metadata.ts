// Metadata, versions 0 to 13. Topics by name, or by id from version 12 on (KIP-516); null means all topics from version 1 on, in
// version 0 an empty list does. Topics that do not exist may be created (auto.create.topics.enable); other than Kafka, which answers
// UNKNOWN_TOPIC_OR_PARTITION while it creates them, this waits for the few milliseconds and answers with the topic.
import type { Metadata } from '@ottla/metadata'
import { ErrorCode, KafkaError, metadataApi, type MetadataRequest, type MetadataResponseInit, ZERO_UUID } from '@ottla/protocol'
import type { BrokerConfig } from '../config/index.ts'
import { type AutomaticTopics, isInternalTopic, MAX_PARTITIONS_PER_REQUEST, topicNameProblem } from '../controller/index.ts'
import type { Slices } from '../replica/slices.ts'
import { afterwards, handler, type Handler } from '../requests/handler.ts'
import { CLUSTER_OPERATIONS, NOT_ASKED, TOPIC_OPERATIONS } from './authorized-operations.ts'
import { brokersOn, controllerOn } from './endpoints.ts'
import { type TopicView, TopicViews } from './topic-views.ts'

export interface MetadataParts {
  readonly metadata: Metadata
  readonly config: BrokerConfig
  readonly slices: Slices
  readonly automaticTopics: AutomaticTopics
  /** Resolves once this broker has made what a revision asks of it. */
  readonly applied: (revision: number) => Promise<void>
}

/** Serves Metadata; `metadata` itself is what everybody calls the facts that it is answered from. */
export function describeMetadata(parts: MetadataParts): Handler<typeof metadataApi> {
  const views = new TopicViews(parts.metadata)
  const answer = (
    request: MetadataRequest,
    from: { listener: string; version: number },
  ): MetadataResponseInit | Promise<MetadataResponseInit> => {
    const topics = topicsOf(request, {
      version: from.version,
      slices: parts.slices,
      views: name => views.byName(name, from),
      all: () => parts.slices.map(parts.metadata.image.topics(), topic => views.of(topic, from), BETWEEN_LOOKS),
      byId: id => views.byId(id, from),
    })
    return afterwards(topics, all => wholeAnswer(request, all, from.listener))
  }
  const wholeAnswer = (request: MetadataRequest, topics: TopicView[], listener: string): MetadataResponseInit => {
    const { image } = parts.metadata
    const answered = request.includeTopicAuthorizedOperations
      ? topics.map(topic => ({ ...topic, topicAuthorizedOperations: TOPIC_OPERATIONS }))
      : topics
    return {
      brokers: brokersOn(image, listener).map(({ broker, endpoint }) => {
        return { nodeId: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack }
      }),
      clusterId: image.clusterId,
      controllerId: controllerOn(image, listener),
      topics: answered,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : NOT_ASKED,
    }
  }
  return handler({
    api: metadataApi,
    versions: [0, 13],
    handle(request, { apiVersion, connection }) {
      checkRequest(request, apiVersion)
      const from = { listener: connection.listener, version: apiVersion }
      const missing = missingTopics(request, parts, apiVersion)
      if (missing.length === 0) return answer(request, from)
      return parts.automaticTopics
        .create(missing)
        .then(parts.applied)
        .then(() => answer(request, from))
    },
    onError: (errorCode, request) => ({
      errorCode,
      brokers: [],
      topics: (request.topics ?? []).map(({ name, topicId }) => ({ errorCode, name: name ?? '', topicId, partitions: [] })),
    }),
  })
}

const asksForAll = (request: MetadataRequest, version: number): boolean =>
  request.topics === null || (version === 0 && request.topics.length === 0)

function checkRequest(request: MetadataRequest, version: number): void {
  if (version >= 12) return
  for (const { name, topicId } of request.topics ?? []) {
    if (name === null) throw new KafkaError(ErrorCode.INVALID_REQUEST, `Topic name can not be null for version ${version}`)
    if (topicId !== ZERO_UUID)
      throw new KafkaError(ErrorCode.INVALID_REQUEST, `Topic IDs are not supported in requests for version ${version}`)
  }
}

/** Names of topics that do not exist and shall be created; of too many only some, for which all are refused. */
function missingTopics(request: MetadataRequest, { metadata, config }: MetadataParts, version: number): string[] {
  if (asksForAll(request, version) || !request.allowAutoTopicCreation || !config.value('auto.create.topics.enable')) return []
  const missing = new Set<string>()
  for (const { name, topicId } of request.topics ?? []) {
    if (topicId !== ZERO_UUID) return []
    if (missing.size > MAX_PARTITIONS_PER_REQUEST) break
    if (name !== null && !metadata.image.topic(name) && topicNameProblem(name) === null) missing.add(name)
  }
  return [...missing]
}

interface Lookup {
  readonly version: number
  views(name: string): TopicView | undefined
  byId(id: string): TopicView | undefined
  all(): TopicView[] | Promise<TopicView[]>
  readonly slices: Slices
}

/** Topics are small, and may be many: so many of them between two looks at the clock. */
const BETWEEN_LOOKS = 16

function topicsOf(request: MetadataRequest, lookup: Lookup): TopicView[] | Promise<TopicView[]> {
  if (asksForAll(request, lookup.version)) return lookup.all()
  const wanted = request.topics ?? []
  const ids = new Set(wanted.map(({ topicId }) => topicId).filter(id => id !== ZERO_UUID))
  // With one id in the request, names no longer count.
  if (ids.size > 0)
    return lookup.slices.map(ids, id => lookup.byId(id) ?? unknownTopic(ErrorCode.UNKNOWN_TOPIC_ID, null, id), BETWEEN_LOOKS)
  const names = new Set(wanted.flatMap(({ name }) => (name === null ? [] : [name])))
  const viewOf = (name: string): TopicView => {
    const known = lookup.views(name)
    if (known) return known
    const valid = topicNameProblem(name) === null
    return unknownTopic(valid ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION, name, ZERO_UUID)
  }
  return lookup.slices.map(names, viewOf, BETWEEN_LOOKS)
}

const unknownTopic = (errorCode: number, name: string | null, topicId: string): TopicView => ({
  errorCode,
  name,
  topicId,
  isInternal: name !== null && isInternalTopic(name),
  partitions: [],
})
