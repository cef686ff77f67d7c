// Static members: they keep their partitions while they are away, and whoever comes back under the instance id goes on with them.

import { ErrorCode } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { shown, TestGroups } from './testing.ts'

const joined = async (): Promise<TestGroups> => {
  const groups = new TestGroups()
  groups.test.topics.add('topic', 2)
  await groups.join('a', { instanceId: 'one' })
  return groups
}

describe('a static member', () => {
  it('leaves for now with epoch -2 and is replaced without a rebalance', async () => {
    const groups = await joined()
    const topicId = groups.test.topics.topic('topic')?.id
    let from = groups.test.log.records.length
    const left = await groups.heartbeat({ memberId: 'a', instanceId: 'one', memberEpoch: -2 })
    expect(left).toMatchObject({ memberId: 'a', memberEpoch: -2 })
    expect(shown(groups.written(from))).toEqual(['CurrentMemberAssignment a'])
    expect(groups.written(from)[0]?.value).toMatchObject({
      memberEpoch: -2,
      assignedPartitions: [{ topicId, partitions: [0, 1], assignmentEpochs: [0, 0] }],
    })
    from = groups.test.log.records.length
    const back = await groups.join('b', { instanceId: 'one' })
    expect(back).toMatchObject({ memberEpoch: 2, assignment: { topicPartitions: [{ topicId, partitions: [0, 1] }] } })
    expect(shown(groups.written(from))).toEqual([
      'CurrentMemberAssignment a gone',
      'TargetAssignmentMember a gone',
      'MemberMetadata a gone',
      'MemberMetadata b',
      'TargetAssignmentMember b',
      'CurrentMemberAssignment b',
      'CurrentMemberAssignment b',
    ])
    expect([groups.group().groupEpoch, groups.group().state]).toEqual([2, 'Stable'])
    // The session timer of the one that is gone finds nobody.
    groups.test.clock.advance(44_000)
    await groups.heartbeat({ memberId: 'b', instanceId: 'one', memberEpoch: 2 })
    groups.test.clock.advance(2_000)
    expect([...groups.group().members.keys()]).toEqual(['b'])
  })

  it('gets a new target assignment when it comes back with other topics', async () => {
    const groups = await joined()
    groups.test.topics.add('other', 1)
    await groups.heartbeat({ memberId: 'a', instanceId: 'one', memberEpoch: -2 })
    const back = await groups.join('b', { instanceId: 'one', subscribedTopicNames: ['other'] })
    expect(back).toMatchObject({ memberEpoch: 3, assignment: { topicPartitions: [{ partitions: [0] }] } })
    expect(groups.group().targets.size).toBe(1)
  })

  it('is fenced by the one that replaced it, and cannot be replaced while it is there', async () => {
    const groups = await joined()
    await expect(groups.join('b', { instanceId: 'one' })).rejects.toMatchObject({
      code: ErrorCode.UNRELEASED_INSTANCE_ID,
      message: 'Static member b with instance id one cannot join the group because the instance id is owned by a member.',
    })
    await groups.heartbeat({ memberId: 'a', instanceId: 'one', memberEpoch: -2 })
    await groups.join('b', { instanceId: 'one' })
    for (const memberEpoch of [2, -1, -2])
      await expect(groups.heartbeat({ memberId: 'a', instanceId: 'one', memberEpoch })).rejects.toMatchObject({
        code: ErrorCode.FENCED_INSTANCE_ID,
        message: 'Static member a with instance id one was fenced by member b.',
      })
    await expect(groups.heartbeat({ memberId: 'a', instanceId: 'two', memberEpoch: 2 })).rejects.toMatchObject({
      code: ErrorCode.UNKNOWN_MEMBER_ID,
      message: 'Instance id two is unknown.',
    })
  })

  it('is thrown out when it does not come back in time', async () => {
    const groups = await joined()
    await groups.heartbeat({ memberId: 'a', instanceId: 'one', memberEpoch: -2 })
    groups.test.clock.advance(45_000)
    expect([groups.group().state, groups.group().staticMembers.size]).toEqual(['Empty', 0])
  })
})
