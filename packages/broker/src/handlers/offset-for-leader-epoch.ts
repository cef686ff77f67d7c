// OffsetForLeaderEpoch, versions 2 to 4: the largest leader epoch not above the one asked for, and where it ends in this log (KIP-101,
// KIP-320). Clients find out by it whether what they read was cut off.
import type { OffsetForLeaderEpochRequest } from '@ottla/protocol'
import { ErrorCode, offsetForLeaderEpochApi } from '@ottla/protocol'
import type { Replicas } from '../replica/replicas.ts'
import { afterwards, type AnyHandler, handler } from '../requests/handler.ts'

type Requested = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number]

/** Makes the handler. */
export const offsetForLeaderEpoch = (parts: { replicas: Replicas }): AnyHandler => {
  const answer = (topic: string, { currentLeaderEpoch, leaderEpoch, partition: index }: Requested) => {
    const partition = parts.replicas.locate(topic, index)
    const errorCode = typeof partition === 'number' ? partition : partition.errorForLeader(currentLeaderEpoch)
    if (typeof partition === 'number' || errorCode !== ErrorCode.NONE) return { errorCode, partition: index }
    const { endOffset, epoch } = partition.endOffsetForEpoch(leaderEpoch)
    return { errorCode, partition: index, leaderEpoch: epoch, endOffset }
  }

  return handler({
    api: offsetForLeaderEpochApi,
    versions: [2, 4],
    handle({ topics }) {
      const answers = parts.replicas.slices.nested(topics, { of: ({ partitions }) => partitions }, (requested, { topic }) =>
        answer(topic, requested),
      )
      return afterwards(answers, answered => ({
        throttleTimeMs: 0,
        topics: topics.map(({ topic }, at) => ({ topic, partitions: answered[at] ?? [] })),
      }))
    },
  })
}
