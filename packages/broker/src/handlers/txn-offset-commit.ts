// TxnOffsetCommit, versions 0 to 5: stores a group's offsets as part of a transaction (KIP-98, KIP-447). The partition of the offsets must be in the
// transaction; from version 5 on the broker adds it (KIP-890).
import type { Decision, GroupPartition } from '@ottla/coordinator'
import type { ClusterImage } from '@ottla/metadata'
import { ErrorCode, KafkaError, txnOffsetCommitApi, type TxnOffsetCommitRequest, type TxnOffsetCommitResponseInit } from '@ottla/protocol'
import { OFFSETS_TOPIC } from '../coordinator/group-coordinator.ts'
import type { TransactionSupport } from '../coordinator/transaction-admission.ts'
import { handler, type Handler, type RequestContext } from '../requests/handler.ts'
import { callerOf, failureOf } from './group-calls.ts'
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

/** The partitions that there are. */
const known = (topics: Topics, image: ClusterImage): Topics =>
  topics.flatMap(topic => {
    const { partitions: all = [] } = image.topic(topic.name) ?? {}
    const partitions = topic.partitions.filter(({ partitionIndex }) => all[partitionIndex] !== undefined)
    return partitions.length === 0 ? [] : [{ ...topic, partitions }]
  })

/** The answers in the order of the request; partitions without one do not exist. */
function inOrder(topics: Topics, answered: Answered): Answered {
  const codes = new Map(answered.map(({ name, partitions }) => [name, new Map(partitions.map(one => [one.partitionIndex, one.errorCode]))]))
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({
      partitionIndex,
      errorCode: codes.get(name)?.get(partitionIndex) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    })),
  }))
}

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

  const commit = async (request: TxnOffsetCommitRequest, context: RequestContext): Promise<Answered> => {
    const { groupId, producerId: id, producerEpoch: epoch, topics } = request
    try {
      if (groupId === '') throw new KafkaError(ErrorCode.INVALID_GROUP_ID)
      const ensureStillAdmitted = await ensureAdmitted(request, context.apiVersion)
      const caller = callerOf(context)
      const decide = (state: GroupPartition): Decision<TxnOffsetCommitResponseInit> => {
        ensureStillAdmitted()
        return state.offsets.commitTransactional(request, caller)
      }
      return (await groups.run(groupId, decide, { id, epoch })).topics
    } catch (error) {
      const { code } = failureOf(error, logger)
      const isLoading = code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS && context.apiVersion < FIRST_TO_KNOW_LOADING
      return refuse(topics, isLoading ? ErrorCode.COORDINATOR_NOT_AVAILABLE : code)
    }
  }

  return handler({
    api: txnOffsetCommitApi,
    versions: [0, 5],
    async handle(request, context) {
      const topics = known(request.topics, metadata.image)
      const answered = topics.length === 0 ? [] : await commit({ ...request, topics }, context)
      return { throttleTimeMs: 0, topics: inOrder(request.topics, answered) }
    },
    onError: (errorCode, request) => ({ throttleTimeMs: 0, topics: refuse(request.topics, errorCode) }),
  })
}
