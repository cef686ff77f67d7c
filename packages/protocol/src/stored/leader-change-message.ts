import type { MessageInitOf, MessageOf } from '../schema.ts'
import { array, int16, int32, message, uuid } from '../schema.ts'

const voter = {
  voterId: int32,
  voterDirectoryId: uuid.in('1+'),
}

/** Control record of a metadata log: a new leader. */
export const leaderChangeMessage = message({
  name: 'LeaderChangeMessage',
  versions: '0-1',
  flexible: '0+',
  fields: {
    version: int16,
    leaderId: int32,
    voters: array(voter),
    grantingVoters: array(voter),
  },
})

export interface LeaderChangeMessage extends MessageOf<typeof leaderChangeMessage> {}
export interface LeaderChangeMessageInit extends MessageInitOf<typeof leaderChangeMessage> {}
