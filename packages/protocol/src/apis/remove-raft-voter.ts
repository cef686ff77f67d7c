import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, int16, int32, string, uuid } from '../schema.ts'

/** Removes a voter from the metadata quorum (KIP-853). */
export const removeRaftVoterApi = api({
  name: 'RemoveRaftVoter',
  key: 81,
  versions: '0',
  flexible: '0+',
  request: {
    clusterId: string.nullable(),
    voterId: int32,
    voterDirectoryId: uuid,
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable(),
  },
})

export interface RemoveRaftVoterRequest extends RequestOf<typeof removeRaftVoterApi> {}
export interface RemoveRaftVoterRequestInit extends RequestInitOf<typeof removeRaftVoterApi> {}
export interface RemoveRaftVoterResponse extends ResponseOf<typeof removeRaftVoterApi> {}
export interface RemoveRaftVoterResponseInit extends ResponseInitOf<typeof removeRaftVoterApi> {}
