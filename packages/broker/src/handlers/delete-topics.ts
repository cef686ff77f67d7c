// DeleteTopics, versions 1 to 6; by name or by id from version 6 on (KIP-516). Checks and wording as Kafka's ControllerApis.
import type { Metadata, TopicImage } from '@ottla/metadata'
import {
  deleteTopicsApi,
  type DeleteTopicsRequest,
  type DeleteTopicsResponseInit,
  ErrorCode,
  errorOf,
  KafkaError,
  ZERO_UUID,
} from '@ottla/protocol'
import type { BrokerConfig } from '../config/index.ts'
import { repeated, type Topics } from '../controller/index.ts'
import type { Slices } from '../replica/slices.ts'
import { handler, type Handler } from '../requests/handler.ts'

export interface DeleteTopicsParts {
  readonly topics: Topics
  readonly metadata: Metadata
  readonly slices: Slices
  readonly config: BrokerConfig
  /** Resolves once this broker has made what a revision asks of it. */
  readonly applied: (revision: number) => Promise<void>
}

type Result = NonNullable<DeleteTopicsResponseInit['responses']>[number]

const failure = (name: string | null, topicId: string, error: { code: number; message?: string }): Result => ({
  name,
  topicId,
  errorCode: error.code,
  errorMessage: error.message ?? errorOf(error.code).message,
})

const invalid = (message: string): { code: number; message: string } => ({ code: ErrorCode.INVALID_REQUEST, message })

/** Serves DeleteTopics. */
export function deleteTopics({ topics, metadata, slices, config, applied }: DeleteTopicsParts): Handler<typeof deleteTopicsApi> {
  return handler({
    api: deleteTopicsApi,
    versions: [1, 6],
    async handle(request, { apiVersion }) {
      if (!config.value('delete.topic.enable')) {
        throw new KafkaError(apiVersion < 3 ? ErrorCode.INVALID_REQUEST : ErrorCode.TOPIC_DELETION_DISABLED)
      }
      const { found, results } = await resolve(request, metadata, slices)
      const outcomes = await topics.delete(found)
      let revision = 0
      for (const [index, outcome] of outcomes.entries()) {
        const { name, id } = found[index]!
        if (outcome instanceof KafkaError) results.push(failure(name, id, outcome))
        else {
          revision = Math.max(revision, outcome)
          results.push({ name, topicId: id, errorCode: ErrorCode.NONE, errorMessage: null })
        }
      }
      await applied(revision)
      return { throttleTimeMs: 0, responses: results }
    },
    onError: (errorCode, request) => ({
      throttleTimeMs: 0,
      responses: asked(request).map(({ name, topicId }) => ({ name, topicId, errorCode })),
    }),
  })
}

const asked = (request: DeleteTopicsRequest): readonly { readonly name: string | null; readonly topicId: string }[] => [
  ...request.topics,
  ...request.topicNames.map(name => ({ name, topicId: ZERO_UUID })),
]

/** The topics that are meant, each once, and an answer for everything else. */
async function resolve(
  request: DeleteTopicsRequest,
  { image }: Metadata,
  slices: Slices,
): Promise<{ found: TopicImage[]; results: Result[] }> {
  const results: Result[] = []
  const names: string[] = []
  const ids: string[] = []
  for (const { name, topicId } of asked(request)) {
    if (name === null && topicId === ZERO_UUID) results.push(failure(null, topicId, invalid('Neither topic name nor id were specified.')))
    else if (name !== null && topicId !== ZERO_UUID) {
      results.push(failure(name, topicId, invalid('You may not specify both topic name and topic id.')))
    } else if (name === null) ids.push(topicId)
    else names.push(name)
  }
  const repeatedNames = repeated(names)
  const repeatedIds = repeated(ids)
  for (const name of repeatedNames) results.push(failure(name, ZERO_UUID, invalid('Duplicate topic name.')))
  for (const id of repeatedIds) results.push(failure(null, id, invalid('Duplicate topic id.')))
  const found = new Map<string, TopicImage>()
  await slices.each(ids, id => {
    if (repeatedIds.has(id)) return
    const topic = image.topicById(id)
    if (topic) found.set(id, topic)
    else results.push(failure(null, id, { code: ErrorCode.UNKNOWN_TOPIC_ID }))
  })
  await slices.each(names, name => {
    if (repeatedNames.has(name)) return
    const topic = image.topic(name)
    if (!topic) results.push(failure(name, ZERO_UUID, { code: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }))
    else if (repeatedIds.has(topic.id) || found.has(topic.id)) {
      found.delete(topic.id)
      results.push(failure(name, topic.id, invalid('The provided topic name maps to an ID that was already supplied.')))
    } else found.set(topic.id, topic)
  })
  return { found: [...found.values()], results }
}
