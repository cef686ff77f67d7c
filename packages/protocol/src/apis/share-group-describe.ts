import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, string, struct, uuid } from '../schema.ts'

const topicPartitions = {
  topicId: uuid,
  topicName: string,
  partitions: array(int32),
}

const assignment = {
  topicPartitions: array(topicPartitions),
}

/** State and members of share groups (KIP-932). */
export const shareGroupDescribeApi = api({
  name: 'ShareGroupDescribe',
  key: 77,
  versions: '1',
  flexible: '0+',
  request: {
    groupIds: array(string),
    includeAuthorizedOperations: bool,
  },
  response: {
    throttleTimeMs: int32,
    groups: array({
      errorCode: int16,
      errorMessage: string.nullable().default(null),
      groupId: string,
      groupState: string,
      groupEpoch: int32,
      assignmentEpoch: int32,
      assignorName: string,
      members: array({
        memberId: string,
        rackId: string.nullable().default(null),
        memberEpoch: int32,
        clientId: string,
        clientHost: string,
        subscribedTopicNames: array(string),
        assignment: struct(assignment),
      }),
      authorizedOperations: int32.default(-2147483648),
    }),
  },
})

export interface ShareGroupDescribeRequest extends RequestOf<typeof shareGroupDescribeApi> {}
export interface ShareGroupDescribeRequestInit extends RequestInitOf<typeof shareGroupDescribeApi> {}
export interface ShareGroupDescribeResponse extends ResponseOf<typeof shareGroupDescribeApi> {}
export interface ShareGroupDescribeResponseInit extends ResponseInitOf<typeof shareGroupDescribeApi> {}
