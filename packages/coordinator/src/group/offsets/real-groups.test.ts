// Offsets with the groups that there really are: those without members are classic ones, and members may commit what they have.

import {
  ErrorCode,
  groupMetadataRecord,
  KafkaError,
  type ConsumerGroupHeartbeatRequest,
  type ConsumerGroupHeartbeatResponseInit,
} from '@ottla/protocol'
import { expect, it } from 'vitest'
import { GroupPartitionState } from '../group-state.ts'
import { testWorld } from '../testing.ts'
import { allOffsets, caller, commitOf, replyOf } from './testing.ts'

const minute = 60_000
const day = 24 * 60 * minute

function real() {
  const test = testWorld()
  const state = new GroupPartitionState(test.world)
  test.log.replay = (record, offset) => state.replay(record, offset, null)
  state.loaded()
  const heartbeat = (changes: Partial<ConsumerGroupHeartbeatRequest>): Promise<ConsumerGroupHeartbeatResponseInit> => {
    const request = {
      groupId: 'g',
      memberId: 'm',
      memberEpoch: 0,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: 60_000,
      subscribedTopicNames: ['t'],
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: [],
    }
    return test.decide(state.consumerHeartbeat({ ...request, ...changes }, caller(1)))
  }
  return { ...test, state, heartbeat }
}

it('a group that only has offsets is an empty classic one, and ends with the last of them', async () => {
  const { state, decide, clock, log } = real()
  await decide(state.offsets.commit(commitOf('g', { t: { 0: 5 } }), caller()))
  const all = { states: new Set<string>(), types: new Set<string>() }
  expect(replyOf(state.administration.list(all))).toEqual([{ groupId: 'g', protocolType: '', groupState: 'Empty', groupType: 'classic' }])
  expect(replyOf(state.administration.describeClassic(['g']))).toMatchObject([{ errorCode: 0, groupState: 'Empty', members: [] }])
  expect(replyOf(state.administration.describeConsumer(['g']))).toMatchObject([{ errorCode: ErrorCode.GROUP_ID_NOT_FOUND }])
  clock.advance(7 * day - minute)
  expect(allOffsets(state.offsets, 'g')).toEqual({ t: { 0: 5 } })
  clock.advance(11 * minute)
  expect(replyOf(state.administration.list(all))).toEqual([])
  expect(log.records.at(-1)?.type).toBe(groupMetadataRecord)
})

it('members may commit with an older epoch what they have had since then', async () => {
  const { state, decide, topics, heartbeat } = real()
  const { id: topicId } = topics.add('t', 2)
  const first = await heartbeat({})
  await heartbeat({ memberEpoch: first.memberEpoch, topicPartitions: [{ topicId, partitions: [0, 1] }] })
  // Another topic makes the epoch grow; the partitions of the first stay where they are.
  topics.add('u', 1)
  const second = await heartbeat({ memberEpoch: first.memberEpoch, subscribedTopicNames: ['t', 'u'] })
  expect(second.memberEpoch).toBeGreaterThan(first.memberEpoch)
  const commit = (name: string, id: string, generationIdOrMemberEpoch: number) => {
    const partitions = [{ partitionIndex: 0, committedOffset: 3, committedLeaderEpoch: -1, committedMetadata: null }]
    const request = commitOf('g', {}, { memberId: 'm', generationIdOrMemberEpoch, topics: [{ name, topicId: id, partitions }] })
    return () => state.offsets.commit(request, caller())
  }
  await decide(commit('t', topicId, first.memberEpoch)())
  expect(allOffsets(state.offsets, 'g')).toEqual({ t: { 0: 3 } })
  const { id: otherId = '' } = topics.topic('u') ?? {}
  expect(commit('u', otherId, first.memberEpoch)).toThrow(KafkaError)
  expect(commit('u', otherId, second.memberEpoch)).not.toThrow()
  const deletion = state.offsets.deleteOffsets({ groupId: 'g', topics: [{ name: 't', partitions: [{ partitionIndex: 0 }] }] })
  expect(replyOf(deletion).topics[0]?.partitions[0]?.errorCode).toBe(ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC)
  expect(replyOf(state.administration.delete(['g']))).toEqual([{ groupId: 'g', errorCode: ErrorCode.NON_EMPTY_GROUP }])
  await heartbeat({ memberEpoch: -1 })
  expect(await decide(state.administration.delete(['g']))).toEqual([{ groupId: 'g', errorCode: 0 }])
  expect(state.groups.size).toBe(0)
  expect(allOffsets(state.offsets, 'g')).toEqual({})
})
