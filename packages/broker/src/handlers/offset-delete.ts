// OffsetDelete, version 0: forgets offsets of a group that does not use them (KIP-496). Partitions that are not in the metadata are
// answered UNKNOWN_TOPIC_OR_PARTITION, as Kafka does, so that offsets of deleted topics are left to expire.
import { ErrorCode, offsetDeleteApi, type OffsetDeleteRequest, type OffsetDeleteResponseInit, ZERO_UUID } from '@ottla/protocol'
import type { ClusterImage } from '@ottla/metadata'
import { afterwards, handler, type Handler } from '../requests/handler.ts'
import { attempt, groupIdError, type GroupParts } from './group-calls.ts'
import { inPieces, isLarge } from './offset-pieces.ts'
import { PartitionErrors } from './partition-errors.ts'

type Topics = OffsetDeleteRequest['topics']
type Forgotten = Pick<OffsetDeleteResponseInit, 'errorCode' | 'topics'>

const refuse = (errorCode: number): OffsetDeleteResponseInit => ({ throttleTimeMs: 0, errorCode, topics: [] })

/** Looking for the topics of a request in the metadata. */
interface Search {
  readonly image: ClusterImage
  /** What is not there. */
  readonly errors: PartitionErrors
  /** What there is. */
  readonly found: Topics[number][]
}

function find({ name, partitions: requested }: Topics[number], { image, errors, found }: Search): void {
  const topic = image.topic(name)
  const partitions = requested.filter(({ partitionIndex }) => {
    if (topic?.partitions[partitionIndex] !== undefined) return true
    errors.add({ name, topicId: ZERO_UUID }, partitionIndex, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return false
  })
  if (partitions.length > 0) found.push({ name, partitions })
}

/** Serves OffsetDelete. */
export function offsetDelete({ groups, metadata, slices, logger }: GroupParts): Handler<typeof offsetDeleteApi> {
  const forget = (request: OffsetDeleteRequest, topics: Topics): Forgotten | Promise<Forgotten> =>
    attempt<Forgotten>(
      logger,
      () => groups.run(request.groupId, state => state.offsets.deleteOffsets({ ...request, topics })),
      ({ code }) => refuse(code),
    )
  const forgetInPieces = async (request: OffsetDeleteRequest, search: Search): Promise<Forgotten> => {
    const { found: topics } = search
    await slices.each(request.topics, requested => find(requested, search))
    if (topics.length === 0) return forget(request, topics)
    let errorCode: number = ErrorCode.NONE
    const ask = async (some: Topics): Promise<Forgotten['topics']> => {
      const forgotten = await forget(request, some)
      if (forgotten.errorCode === ErrorCode.NONE) return forgotten.topics
      errorCode = forgotten.errorCode
      return []
    }
    const forgotten = await inPieces({ slices, topics, ask })
    return { errorCode, topics: forgotten }
  }
  return handler({
    api: offsetDeleteApi,
    versions: [0, 0],
    handle(request) {
      const wrong = groupIdError(request.groupId)
      if (wrong !== ErrorCode.NONE) return refuse(wrong)
      const errors = new PartitionErrors()
      const search: Search = { image: metadata.image, errors, found: [] }
      // An error of the whole group stands alone.
      const answer = ({ errorCode, topics }: Forgotten): OffsetDeleteResponseInit => {
        if (errorCode !== ErrorCode.NONE) return refuse(errorCode)
        return { ...refuse(errorCode), topics: errors.mergedWith(topics.map(topic => ({ ...topic, topicId: ZERO_UUID }))) }
      }
      if (isLarge(request.topics)) return forgetInPieces(request, search).then(answer)
      for (const requested of request.topics) find(requested, search)
      return afterwards(forget(request, search.found), answer)
    },
    onError: refuse,
  })
}
