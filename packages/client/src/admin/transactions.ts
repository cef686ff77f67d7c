// Transactions as operators see them (KIP-664): which are open, who writes into a partition, end one that hangs, fence a producer that should be gone.
import {
  describeProducersApi,
  describeTransactionsApi,
  ErrorCode,
  initProducerIdApi,
  listTransactionsApi,
  writeTxnMarkersApi,
} from '@ottla/protocol'
import type { TopicPartition } from '../consumer/parts.ts'
import type { TopicPartitions } from '../consumer/types.ts'
import { check, protocolError } from '../errors/index.ts'
import type { AdminParts, PartitionAnswer } from './calls.ts'
import { byCoordinator, byLeader, byTopic, everyBroker, invalid } from './calls.ts'
import { checkTopic, isList, shown } from './checks.ts'

/** A transactional id in a list. */
export interface TransactionListing {
  transactionalId: string
  producerId: number
  state: string
}

/** A transactional id in full. */
export interface TransactionDescription extends TransactionListing {
  producerEpoch: number
  timeoutMs: number
  /** -1 when no transaction is open. */
  startTimeMs: number
  coordinator: number
  topics: TopicPartitions[]
}

/** A producer that wrote into a partition lately. */
export interface ProducerState {
  producerId: number
  producerEpoch: number
  lastSequence: number
  lastTimestamp: number
  coordinatorEpoch: number
  /** Where its open transaction begins, -1 without one. */
  currentTransactionStartOffset: number
}

/** What an admin does with transactions. */
export interface TransactionAdmin {
  /** Of all brokers; open for longer than `durationMs` and matching a pattern only where the brokers can tell. */
  listTransactions(options?: {
    states?: string[]
    producerIds?: number[]
    durationMs?: number
    transactionalIdPattern?: string
  }): Promise<TransactionListing[]>
  describeTransactions(transactionalIds: string[]): Promise<TransactionDescription[]>
  describeProducers(options: { topics: TopicPartitions[] }): Promise<(TopicPartition & { activeProducers: ProducerState[] })[]>
  /** Ends a transaction in one partition, which no coordinator knows any more. */
  abortTransaction(hanging: TopicPartition & { producerId: number; producerEpoch: number; coordinatorEpoch?: number }): Promise<void>
  /** Ends the open transactions of transactional ids and shuts out their producers. */
  fenceProducers(transactionalIds: string[]): Promise<{ transactionalId: string; producerId: number; producerEpoch: number }[]>
}

const listTransactions =
  (parts: AdminParts): TransactionAdmin['listTransactions'] =>
  async ({ states = [], producerIds = [], durationMs = -1, transactionalIdPattern } = {}) => {
    const lists = await everyBroker(parts, 'Could not list transactions', async nodeId => {
      const { body } = await parts.cluster.request(nodeId, listTransactionsApi, {
        stateFilters: states,
        producerIdFilters: producerIds,
        ...(durationMs >= 0 && { durationFilter: durationMs }),
        ...(transactionalIdPattern !== undefined && { transactionalIdPattern }),
      })
      check(body.errorCode)
      if (body.unknownStateFilters.length > 0) invalid(`Invalid transaction states ${body.unknownStateFilters.join(', ')}`)
      return body.transactionStates.map(({ transactionalId, producerId, transactionState }) => ({
        transactionalId,
        producerId,
        state: transactionState,
      }))
    })
    return lists.flat()
  }

function checkIds(transactionalIds: readonly string[]): void {
  if (!isList(transactionalIds)) invalid(`Invalid transactionalIds array ${shown(transactionalIds)}`)
  for (const id of transactionalIds) if (typeof id !== 'string' || id === '') invalid(`Invalid transactionalId ${shown(id)}`)
}

const describeTransactions =
  (parts: AdminParts): TransactionAdmin['describeTransactions'] =>
  async transactionalIds => {
    checkIds(transactionalIds)
    const answers = await byCoordinator(parts, {
      what: 'Could not describe transactions',
      kind: 'transaction',
      keys: transactionalIds,
      ask: async (nodeId, keys) => {
        const { body } = await parts.cluster.request(nodeId, describeTransactionsApi, { transactionalIds: keys })
        return new Map(body.transactionStates.map(of => [of.transactionalId, { ...of, coordinator: nodeId }]))
      },
    })
    return [...answers.values()].map(of => {
      check(of.errorCode, undefined, { transactionalId: of.transactionalId })
      return {
        transactionalId: of.transactionalId,
        producerId: of.producerId,
        producerEpoch: of.producerEpoch,
        state: of.transactionState,
        timeoutMs: of.transactionTimeoutMs,
        startTimeMs: of.transactionStartTimeMs,
        coordinator: of.coordinator,
        topics: of.topics,
      }
    })
  }

const describeProducers =
  (parts: AdminParts): TransactionAdmin['describeProducers'] =>
  async ({ topics }) => {
    if (!isList(topics)) invalid(`Invalid topics array ${shown(topics)}`)
    for (const { topic } of topics) checkTopic(topic)
    const answers = await byLeader(parts, {
      what: 'Could not describe producers',
      partitions: topics.flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition }))),
      ask: async (nodeId, of) => {
        const asked = byTopic(of).map(({ topic, partitions }) => ({
          name: topic,
          partitionIndexes: partitions.map(({ partition }) => partition),
        }))
        const { body } = await parts.cluster.request(nodeId, describeProducersApi, { topics: asked })
        return body.topics.flatMap(({ name, partitions }) =>
          partitions.map(those => ({ topic: name, partition: those.partitionIndex, ...those })),
        )
      },
    })
    return answers.map(({ topic, partition, errorCode, errorMessage, activeProducers }) => {
      check(errorCode, errorMessage, { topic, partition })
      const producers = activeProducers.map(({ currentTxnStartOffset, ...of }) => ({
        ...of,
        currentTransactionStartOffset: currentTxnStartOffset,
      }))
      return { topic, partition, activeProducers: producers }
    })
  }

const abortTransaction =
  (parts: AdminParts): TransactionAdmin['abortTransaction'] =>
  async ({ topic, partition, producerId, producerEpoch, coordinatorEpoch = -1 }) => {
    checkTopic(topic)
    const answers = await byLeader<TopicPartition, PartitionAnswer>(parts, {
      what: 'Could not abort a transaction',
      partitions: [{ topic, partition }],
      ask: async nodeId => {
        const { body } = await parts.cluster.request(nodeId, writeTxnMarkersApi, {
          markers: [
            {
              producerId,
              producerEpoch,
              coordinatorEpoch,
              transactionResult: false,
              topics: [{ name: topic, partitionIndexes: [partition] }],
            },
          ],
        })
        const given = body.markers.flatMap(marker => marker.topics).flatMap(of => of.partitions)
        return given.map(({ partitionIndex, errorCode }) => ({ topic, partition: partitionIndex, errorCode }))
      },
    })
    const [answer] = answers
    if (answer === undefined) throw protocolError(ErrorCode.UNKNOWN_SERVER_ERROR)
    check(answer.errorCode, undefined, { topic, partition })
  }

/** A producer with this time-out takes the id over and is never seen again. */
const fencingTimeoutMs = 60_000

const fenceProducers =
  (parts: AdminParts): TransactionAdmin['fenceProducers'] =>
  async transactionalIds => {
    checkIds(transactionalIds)
    const answers = await byCoordinator(parts, {
      what: 'Could not fence producers',
      kind: 'transaction',
      keys: transactionalIds,
      ask: async (nodeId, keys) => {
        const taken = keys.map(
          async (transactionalId): Promise<[string, { errorCode: number; producerId: number; producerEpoch: number }]> => {
            const { body } = await parts.cluster.request(
              nodeId,
              initProducerIdApi,
              { transactionalId, transactionTimeoutMs: fencingTimeoutMs },
              { maxVersion: 5 },
            )
            return [transactionalId, body]
          },
        )
        return new Map(await Promise.all(taken))
      },
    })
    return [...answers].map(([transactionalId, { errorCode, producerId, producerEpoch }]) => {
      check(errorCode, undefined, { transactionalId })
      return { transactionalId, producerId, producerEpoch }
    })
  }

/** Makes the part of an admin that deals with transactions. */
export const transactionAdmin = (parts: AdminParts): TransactionAdmin => ({
  listTransactions: listTransactions(parts),
  describeTransactions: describeTransactions(parts),
  describeProducers: describeProducers(parts),
  abortTransaction: abortTransaction(parts),
  fenceProducers: fenceProducers(parts),
})
