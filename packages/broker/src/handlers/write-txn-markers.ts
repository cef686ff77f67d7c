// WriteTxnMarkers, versions 1 and 2: the coordinator of a transaction has the leaders of its partitions write the end of it (KIP-98), from version
// 2 on with the version of transactions by which the epoch is checked (KIP-890).
import { ErrorCode, type WriteTxnMarkersRequest, type WriteTxnMarkersResponseInit, writeTxnMarkersApi } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import type { TransactionParts } from './transaction-calls.ts'

type Written = WriteTxnMarkersResponseInit['markers'][number]

/** Serves WriteTxnMarkers. */
export function writeTxnMarkers({ markers: local, replicas }: TransactionParts): Handler<typeof writeTxnMarkersApi> {
  const write = async (requested: WriteTxnMarkersRequest['markers'][number]): Promise<Written> => {
    const { producerId, producerEpoch, transactionResult: committed, coordinatorEpoch, transactionVersion, topics } = requested
    const marker = { producerId, producerEpoch, committed, coordinatorEpoch, transactionVersion }
    const places = topics.flatMap(({ name, partitionIndexes }) => partitionIndexes.map(partition => ({ topic: name, partition })))
    const codes = (await local.writeAll(places, marker)).values()
    const codeOfNext = (): number => codes.next().value ?? ErrorCode.UNKNOWN_SERVER_ERROR
    return {
      producerId,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map(partitionIndex => ({ partitionIndex, errorCode: codeOfNext() })),
      })),
    }
  }
  return handler({
    api: writeTxnMarkersApi,
    versions: [1, 2],
    async handle({ markers }) {
      return { markers: await replicas.slices.gather(markers, write) }
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
