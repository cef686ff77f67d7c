// TxnOffsetCommit, versions 0 to 5: stores a group's offsets as part of a transaction (KIP-98, KIP-447). The partition of the offsets must be in the
// transaction; from version 5 on the broker adds it (KIP-890). Very many partitions are written some hundred at a time.
import type { Decision, GroupPartition } from '@ottla/coordinator'
import type { ClusterImage } from '@ottla/metadata'
import { ErrorCode, KafkaError, txnOffsetCommitApi, type TxnOffsetCommitRequest, type TxnOffsetCommitResponseInit } from '@ottla/protocol'
import { OFFSETS_TOPIC } from '../coordinator/group-coordinator.ts'
import type { TransactionSupport } from '../coordinator/transaction-admission.ts'
import { afterwards, handler, type Handler, type RequestContext } from '../requests/handler.ts'
import { attempt, callerOf, failureOf } from './group-calls.ts'
import { askOfThere, inPieces } from './offset-pieces.ts'
import type { TransactionParts } from './transaction-calls.ts'

type Topics = TxnOffsetCommitRequest['topics']
type Answered = TxnOffsetCommitResponseInit['topics']

/** Clients of earlier versions break when the coordinator says that it loads (KAFKA-7296). */
const FIRST_TO_KNOW_LOADING = 2

/** What producers' state asks of a batch, of one that a coordinator writes. */
const withoutSequence = { baseSequence: -1, lastSequence: -1, baseOffset: -1, lastOffset: -1, maxTimestamp: -1 }

const supportOf = (apiVersion: number): TransactionSupport => (apiVersion > 4 ? 'add' : apiVersion > 3 ? 'abortable' : 'verify')

const refuse = (topics: Topics, errorCode: number): Answered =>
  topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) }))

const gone = (topic: Topics[number]): Answered[number] => ({
  name: topic.name,
  partitions: topic.partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION })),
})

/** What of a topic there is; null for nothing. */
function known(topic: Topics[number], image: ClusterImage): Topics[number] | null {
  const { partitions: all = [] } = image.topic(topic.name) ?? {}
  const partitions = topic.partitions.filter(({ partitionIndex }) => all[partitionIndex] !== undefined)
  return partitions.length === 0 ? null : { ...topic, partitions }
}

/** The answer of a topic, in the order of the request: of those partitions that were found, and of the others, which do not exist. */
function inOrder(requested: Topics[number], found: Topics[number] | null, answered: Answered[number] | undefined): Answered[number] {
  let at = 0
  const partitions = requested.partitions.map(partition => {
    const { partitionIndex } = partition
    if (found?.partitions[at] !== partition) return { partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
    const errorCode = answered?.partitions[at]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR
    at++
    return { partitionIndex, errorCode }
  })
  return { name: requested.name, partitions }
}

const topicsOf = ({ topics }: TxnOffsetCommitResponseInit): Answered => topics

/** Serves TxnOffsetCommit. */
export function txnOffsetCommit(parts: TransactionParts): Handler<typeof txnOffsetCommitApi> {
  const { admission, groups, logger, metadata, replicas } = parts

  /**
   * Makes sure that the transaction includes the offsets of the group. What is returned throws when that is so no longer, to be called right
   * before they are written: offsets that come after the end of their transaction would be pending for good. Throws KafkaError.
   */
  const ensureAdmitted = async (request: TxnOffsetCommitRequest, apiVersion: number): Promise<() => void> => {
    const { transactionalId, groupId, producerId, producerEpoch } = request
    const partition = replicas.locate(OFFSETS_TOPIC, groups.partitionOf(groupId))
    if (typeof partition === 'number') throw new KafkaError(ErrorCode.NOT_COORDINATOR)
    const partitions = [{ partition, sequence: -1 }]
    const [admitted] = await admission.admit({ transactionalId, producerId, producerEpoch, support: supportOf(apiVersion), partitions })
    if (admitted !== undefined && admitted.errorCode !== ErrorCode.NONE) throw new KafkaError(admitted.errorCode)
    const batch = { producerId, producerEpoch, isTransactional: true, ...withoutSequence }
    return () => partition.leaderLog().producers.check(batch, 'coordinator', admitted?.verification)
  }

  /** The answers of these topics, which were found in an image, in their order. */
  const commit = async (
    request: TxnOffsetCommitRequest,
    { topics, image }: { readonly topics: Topics; readonly image: ClusterImage },
    context: RequestContext,
  ): Promise<Answered> => {
    const { groupId, producerId: id, producerEpoch: epoch } = request
    const codeOf = (code: number): number =>
      code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS && context.apiVersion < FIRST_TO_KNOW_LOADING
        ? ErrorCode.COORDINATOR_NOT_AVAILABLE
        : code
    try {
      if (groupId === '') throw new KafkaError(ErrorCode.INVALID_GROUP_ID)
      const ensureStillAdmitted = await ensureAdmitted(request, context.apiVersion)
      const caller = callerOf(context)
      const decide = (state: GroupPartition, some: Topics): Decision<TxnOffsetCommitResponseInit> => {
        ensureStillAdmitted()
        return state.offsets.commitTransactional({ ...request, topics: some }, caller)
      }
      const write = (some: Topics): Answered | Promise<Answered> =>
        attempt<Answered>(
          logger,
          () =>
            afterwards(
              groups.run(groupId, state => decide(state, some), { id, epoch }),
              topicsOf,
            ),
          ({ code }) => refuse(some, codeOf(code)),
        )
      const ask = (some: Topics) => askOfThere({ topics: some, before: image, now: metadata.image, ask: write, gone })
      return await inPieces({ slices: replicas.slices, topics, ask })
    } catch (error) {
      return refuse(topics, codeOf(failureOf(error, logger).code))
    }
  }

  return handler({
    api: txnOffsetCommitApi,
    versions: [0, 5],
    async handle(request, context) {
      const { slices } = replicas
      const { image } = metadata
      const found = await slices.map(request.topics, topic => known(topic, image))
      const topics = found.filter(topic => topic !== null)
      const answered = topics.length === 0 ? [] : await commit(request, { topics, image }, context)
      let at = 0
      const answers = await slices.map(request.topics, (requested, index) => {
        const there = found[index] ?? null
        return inOrder(requested, there, there === null ? undefined : answered[at++])
      })
      return { throttleTimeMs: 0, topics: answers }
    },
    onError: (errorCode, request) => ({ throttleTimeMs: 0, topics: refuse(request.topics, errorCode) }),
  })
}
