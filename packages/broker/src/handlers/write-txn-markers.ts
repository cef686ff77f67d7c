// WriteTxnMarkers, versions 1 and 2: the coordinator of a transaction has the leaders of its partitions write the end of it (KIP-98), from version
// 2 on with the version of transactions by which the epoch is checked (KIP-890).
import { type WriteTxnMarkersRequest, type WriteTxnMarkersResponseInit, writeTxnMarkersApi } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import type { TransactionParts } from './transaction-calls.ts'

type Written = WriteTxnMarkersResponseInit['markers'][number]

/** Serves WriteTxnMarkers. */
export function writeTxnMarkers({ markers: local }: TransactionParts): Handler<typeof writeTxnMarkersApi> {
  const write = async (requested: WriteTxnMarkersRequest['markers'][number]): Promise<Written> => {
    const { producerId, producerEpoch, transactionResult: committed, coordinatorEpoch, transactionVersion } = requested
    const marker = { producerId, producerEpoch, committed, coordinatorEpoch, transactionVersion }
    const topics = requested.topics.map(async ({ name, partitionIndexes }) => {
      const partitions = partitionIndexes.map(async partitionIndex => ({
        partitionIndex,
        errorCode: await local.writeInto({ topic: name, partition: partitionIndex }, marker),
      }))
      return { name, partitions: await Promise.all(partitions) }
    })
    return { producerId, topics: await Promise.all(topics) }
  }
  return handler({
    api: writeTxnMarkersApi,
    versions: [1, 2],
    async handle({ markers }) {
      return { markers: await Promise.all(markers.map(write)) }
    },
    onError: (errorCode, { markers }) => ({
      markers: markers.map(({ producerId, topics }) => ({
        producerId,
        topics: topics.map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map(partitionIndex => ({ partitionIndex, errorCode })),
        })),
      })),
    }),
  })
}
