import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, string, uint16, uuid } from '../schema.ts'

/** Adds a voter to the metadata quorum (KIP-853). */
export const addRaftVoterApi = api({
  name: 'AddRaftVoter',
  key: 80,
  versions: '0-1',
  flexible: '0+',
  request: {
    clusterId: string.nullable(),
    timeoutMs: int32,
    voterId: int32,
    voterDirectoryId: uuid,
    listeners: array({
      name: string,
      host: string,
      port: uint16,
    }),
    ackWhenCommitted: bool.default(true).in('1+'),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable(),
  },
})

export interface AddRaftVoterRequest extends RequestOf<typeof addRaftVoterApi> {}
export interface AddRaftVoterRequestInit extends RequestInitOf<typeof addRaftVoterApi> {}
export interface AddRaftVoterResponse extends ResponseOf<typeof addRaftVoterApi> {}
export interface AddRaftVoterResponseInit extends ResponseInitOf<typeof addRaftVoterApi> {}
