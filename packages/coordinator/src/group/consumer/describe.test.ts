// ConsumerGroupDescribe, checked by writing the answer as clients get it.

import { consumerGroupDescribeApi, Reader, responseCodec, Writer } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { TestClassicConsumer } from './classic-testing.ts'
import { TestConsumer, TestGroups } from './testing.ts'

const described = (groups: TestGroups, version = 1) => {
  const codec = responseCodec(consumerGroupDescribeApi, version)
  const writer = new Writer()
  codec.write(writer, { throttleTimeMs: 0, groups: [groups.requests.describe(groups.group())] })
  return codec.read(new Reader(writer.bytes())).groups[0]
}

describe('describing a consumer group', () => {
  it('shows what members have, until they have given it up, and what they should have', async () => {
    const groups = new TestGroups()
    const topicId = groups.test.topics.add('topic', 2).id
    const a = new TestConsumer(groups, 'a', { instanceId: 'one', rackId: 'rack', serverAssignor: 'range' })
    const b = new TestClassicConsumer(groups, ['topic'])
    await a.heartbeat()
    for (let step = 0; step < 4; step++) await b.step()
    await a.heartbeat()
    const topic = { topicId, topicName: 'topic' }
    const one = { memberId: 'a', instanceId: 'one', rackId: 'rack', clientId: 'client', subscribedTopicRegex: '' }
    expect(described(groups)).toMatchObject({
      errorCode: 0,
      errorMessage: null,
      groupId: 'group',
      groupState: 'Reconciling',
      groupEpoch: 3,
      assignmentEpoch: 3,
      assignorName: 'range',
      members: [
        {
          ...one,
          memberEpoch: 2,
          clientHost: '/127.0.0.1',
          subscribedTopicNames: ['topic'],
          assignment: { topicPartitions: [{ ...topic, partitions: [0, 1] }] },
          targetAssignment: { topicPartitions: [{ ...topic, partitions: [expect.any(Number)] }] },
          memberType: 1,
        },
        { memberId: b.memberId, clientId: 'classic', memberType: 0, assignment: { topicPartitions: [] } },
      ],
    })
    groups.test.topics.remove('topic')
    expect(described(groups, 0)?.members[0]?.assignment.topicPartitions).toEqual([])
    expect(described(groups, 0)?.members[0]?.targetAssignment.topicPartitions).toEqual([])
  })

  it('shows an empty group with the assignor that it would have', async () => {
    const groups = new TestGroups({ settings: { groupConsumerAssignors: ['range'] } })
    await groups.join('a')
    await groups.heartbeat({ memberId: 'a', memberEpoch: -1 })
    expect(described(groups)).toMatchObject({ groupState: 'Empty', groupEpoch: 3, assignmentEpoch: 2, assignorName: 'range', members: [] })
  })
})
