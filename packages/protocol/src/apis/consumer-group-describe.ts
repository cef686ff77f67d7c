import type { RequestInitOf, RequestOf, ResponseInitOf, ResponseOf } from '../schema.ts'
import { api, array, bool, int16, int32, int8, string, struct, uuid } from '../schema.ts'

const topicPartitions = {
  topicId: uuid,
  topicName: string,
  partitions: array(int32),
}

const assignment = {
  topicPartitions: array(topicPartitions),
}

/** State and members of consumer groups of the new protocol (KIP-848). */
export const consumerGroupDescribeApi = api({
  name: 'ConsumerGroupDescribe',
  key: 69,
  versions: '0-1',
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
        instanceId: string.nullable().default(null),
        rackId: string.nullable().default(null),
        memberEpoch: int32,
        clientId: string,
        clientHost: string,
        subscribedTopicNames: array(string),
        subscribedTopicRegex: string.nullable().default(null),
        assignment: struct(assignment),
        targetAssignment: struct(assignment),
        memberType: int8.default(-1).in('1+').ignorable(),
      }),
      authorizedOperations: int32.default(-2147483648),
    }),
  },
})

export interface ConsumerGroupDescribeRequest extends RequestOf<typeof consumerGroupDescribeApi> {}
export interface ConsumerGroupDescribeRequestInit extends RequestInitOf<typeof consumerGroupDescribeApi> {}
export interface ConsumerGroupDescribeResponse extends ResponseOf<typeof consumerGroupDescribeApi> {}
export interface ConsumerGroupDescribeResponseInit extends ResponseInitOf<typeof consumerGroupDescribeApi> {}
