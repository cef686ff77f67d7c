import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int32, int64, message, string, uuid } from '../schema.ts'

/** Content of a quorum-state file. */
export const quorumStateData = message({
  name: 'QuorumStateData',
  versions: '0-1',
  flexible: '0+',
  fields: {
    clusterId: string.in('0'),
    leaderId: int32.default(-1),
    leaderEpoch: int32.default(-1),
    votedId: int32.default(-1),
    votedDirectoryId: uuid.in('1+'),
    appliedOffset: int64.in('0'),
    currentVoters: array({
      voterId: int32,
    })
      .nullable()
      .in('0'),
  },
})

export interface QuorumStateData extends MessageOf<typeof quorumStateData> {}
export interface QuorumStateDataInit extends MessageInitOf<typeof quorumStateData> {}
