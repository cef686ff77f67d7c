// AddPartitionsToTxn, versions 0 to 5: a client adds partitions to its transaction (KIP-98); from version 4 on brokers ask for many transactions
// at once, or only whether partitions are in them (KIP-890). One partition that does not exist, and none of its transaction is added.
import { additionResult, additionsOf, type TransactionAddition, type TransactionAdditionResult } from '@ottla/coordinator'
import type { ClusterImage } from '@ottla/metadata'
import { addPartitionsToTxnApi, type AddPartitionsToTxnResponseInit, ErrorCode } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import { attemptTransaction, type TransactionParts } from './transaction-calls.ts'

const FIRST_OF_BROKERS = 4

/** The result of a transaction some of whose partitions do not exist; undefined where all do. */
function missing(addition: TransactionAddition, image: ClusterImage): TransactionAdditionResult | undefined {
  const existing = ({ name }: TransactionAddition['topics'][number]) => image.topic(name)?.partitions ?? []
  const areAllThere = addition.topics.every(topic => {
    const known = existing(topic)
    return topic.partitions.every(partition => known[partition] !== undefined)
  })
  if (areAllThere) return undefined
  const topicResults = addition.topics.map(topic => {
    const known = existing(topic)
    const resultsByPartition = topic.partitions.map(partitionIndex => ({
      partitionIndex,
      partitionErrorCode: known[partitionIndex] === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.OPERATION_NOT_ATTEMPTED,
    }))
    return { name: topic.name, resultsByPartition }
  })
  return { transactionalId: addition.transactionalId, topicResults }
}

const answer = (results: readonly TransactionAdditionResult[], apiVersion: number): AddPartitionsToTxnResponseInit => {
  if (apiVersion >= FIRST_OF_BROKERS) return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, resultsByTransaction: results }
  return { throttleTimeMs: 0, resultsByTopicV3AndBelow: results[0]?.topicResults ?? [] }
}

/** Serves AddPartitionsToTxn. */
export function addPartitionsToTxn({ transactions, metadata, replicas, logger }: TransactionParts): Handler<typeof addPartitionsToTxnApi> {
  const add = async (addition: TransactionAddition, apiVersion: number): Promise<TransactionAdditionResult> =>
    missing(addition, metadata.image) ??
    attemptTransaction<TransactionAdditionResult>(
      logger,
      () => transactions.run(addition.transactionalId, state => state.addPartitions(addition, { apiVersion })),
      errorCode => additionResult(addition, errorCode),
    )
  return handler({
    api: addPartitionsToTxnApi,
    versions: [0, 5],
    async handle(request, { apiVersion }) {
      const results = await replicas.slices.gather(additionsOf(request, { apiVersion }), addition => add(addition, apiVersion))
      return answer(results, apiVersion)
    },
    onError(errorCode, request, { apiVersion }) {
      if (apiVersion >= FIRST_OF_BROKERS) return { throttleTimeMs: 0, errorCode, resultsByTransaction: [] }
      const results = additionsOf(request, { apiVersion }).map(addition => additionResult(addition, errorCode))
      return answer(results, apiVersion)
    },
  })
}
