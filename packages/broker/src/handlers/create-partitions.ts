// CreatePartitions, versions 0 to 3 (KIP-195). The reply comes once this broker has made the new logs.
import { createPartitionsApi, type CreatePartitionsResponseInit, ErrorCode, errorOf, KafkaError } from '@ottla/protocol'
import { partitionRoom, repeated, type Topics } from '../controller/index.ts'
import type { Slices } from '../replica/slices.ts'
import { handler, type Handler } from '../requests/handler.ts'

export interface CreatePartitionsParts {
  readonly topics: Topics
  readonly slices: Slices
  /** Resolves once this broker has made what a revision asks of it. */
  readonly applied: (revision: number) => Promise<void>
}

type Result = NonNullable<CreatePartitionsResponseInit['results']>[number]

/** Serves CreatePartitions. */
export function createPartitions({ topics, slices, applied }: CreatePartitionsParts): Handler<typeof createPartitionsApi> {
  return handler({
    api: createPartitionsApi,
    versions: [0, 3],
    async handle(request) {
      const duplicates = repeated(request.topics.map(({ name }) => name))
      const refused: Result[] = [...duplicates].map(name => {
        return { name, errorCode: ErrorCode.INVALID_REQUEST, errorMessage: 'Duplicate topic name.' }
      })
      const wanted = request.topics.filter(({ name }) => !duplicates.has(name))
      const room = partitionRoom()
      let last = 0
      const outcomes = await slices.gather(wanted, async topic => {
        try {
          last = Math.max(last, await topics.addPartitions(topic, { room, validateOnly: request.validateOnly }))
          return { name: topic.name, errorCode: ErrorCode.NONE, errorMessage: null }
        } catch (error) {
          if (!(error instanceof KafkaError)) throw error
          return { name: topic.name, errorCode: error.code, errorMessage: error.message }
        }
      })
      const results = refused.concat(outcomes)
      await applied(last)
      return { throttleTimeMs: 0, results }
    },
    onError: (errorCode, request) => ({
      throttleTimeMs: 0,
      results: request.topics.map(({ name }) => ({ name, errorCode, errorMessage: errorOf(errorCode).message })),
    }),
  })
}
