// A classic group as DescribeGroups shows it: metadata of members only while the group is stable.

import { type DescribeGroupsResponseInit, ErrorCode } from '@ottla/protocol'
import type { ClassicGroup } from './classic-group.ts'
import { NO_ASSIGNMENT } from './classic-member.ts'

/** See the top of the file. */
export const describeGroup = (group: ClassicGroup): DescribeGroupsResponseInit['groups'][number] => {
  const protocolName = group.state === 'Stable' ? (group.protocolName ?? '') : null
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType,
    protocolData: protocolName ?? '',
    members: Array.from(group.members.values(), member => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: protocolName === null ? NO_ASSIGNMENT : member.metadata(protocolName),
      memberAssignment: member.assignment,
    })),
  }
}
