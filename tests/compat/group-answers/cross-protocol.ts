// The classic protocol on consumer groups, the consumer protocol on classic groups, and the way from one to the other (KIP-848).
import {
  consumerGroupDescribeApi,
  consumerGroupHeartbeatApi,
  describeGroupsApi,
  heartbeatApi,
  joinGroupApi,
  leaveGroupApi,
  listGroupsApi,
  offsetCommitApi,
  offsetFetchApi,
  syncGroupApi,
} from '@ottla/protocol'
import { beat, commit, consumerBeat, consumerBeatAgain, fetch, join, leave, subscription, sync } from './bodies.ts'
import { settled } from './classic-members.ts'
import type { Scenario } from './talk.ts'

const onConsumerGroup: Scenario = async talk => {
  const groupId = talk.name('group')
  const topic = await talk.topic('topic')
  const beating = consumerBeat(groupId, { subscribedTopicNames: [topic.name] })
  await talk.ask(consumerGroupHeartbeatApi, 1, beating)
  await talk.each(heartbeatApi, beat(groupId, { memberId: 'member' }), { note: 'a member of the other protocol' })
  await talk.each(heartbeatApi, beat(groupId), { note: 'a stranger' })
  await talk.each(syncGroupApi, sync(groupId, { memberId: 'member', protocolName: 'range' }), { note: 'a member of the other protocol' })
  await talk.each(leaveGroupApi, leave(groupId, 'member'), { note: 'a member of the other protocol' })
  await talk.each(leaveGroupApi, leave(groupId, 'stranger', { members: [{ memberId: '', groupInstanceId: 'i' }] }), { note: 'a stranger' })
  await talk.each(describeGroupsApi, { groups: [groupId] })
  for (const typesFilter of [['consumer'], ['classic'], ['Share'], ['x']])
    await talk.ask(listGroupsApi, 5, { typesFilter, statesFilter: ['x'] })
  await talk.ask(consumerGroupHeartbeatApi, 1, beating, { note: 'back' })
  await talk.each(joinGroupApi, join(groupId, { memberId: 'stranger' }), { note: 'a stranger' })
  await talk.each(joinGroupApi, join(groupId, { protocolType: 'connect' }), { note: 'other type' })
  await talk.each(joinGroupApi, join(groupId, { protocols: [] }), { note: 'no protocols' })
  const odd = [
    Buffer.alloc(0),
    Buffer.from([0]),
    Buffer.from([0, 1]),
    Buffer.from('ffff', 'hex'),
    Buffer.from('000100000001ffff', 'hex'),
    Buffer.from('00017fffffff', 'hex'),
    Buffer.from('0001ffffffff', 'hex'),
  ]
  for (const metadata of odd)
    await talk.ask(joinGroupApi, 3, join(groupId, { protocols: [{ name: 'range', metadata }] }), {
      note: `metadata ${metadata.toString('hex')}`,
    })
  await talk.each(joinGroupApi, join(groupId), { note: 'needs an id', from: 4 })
  const protocols = [{ name: 'range', metadata: subscription([topic.name]) }]
  const joined = await talk.ask(joinGroupApi, 3, join(groupId, { protocols }), { note: 'classic' })
  const of = { memberId: joined?.memberId ?? '', generationId: joined?.generationId ?? 0 }
  await talk.each(heartbeatApi, beat(groupId, of), { note: 'before the sync' })
  await talk.each(syncGroupApi, sync(groupId, { ...of, generationId: 77 }), { note: 'wrong generation' })
  await talk.each(syncGroupApi, sync(groupId, { ...of, protocolType: 'x', protocolName: 'y' }), { note: 'wrong protocol', from: 5 })
  await talk.each(syncGroupApi, sync(groupId, of), { note: 'nameless', to: 4 })
  await talk.each(syncGroupApi, sync(groupId, { ...of, protocolType: 'consumer', protocolName: 'range' }), { note: 'named', from: 5 })
  await talk.each(heartbeatApi, beat(groupId, of), { note: 'synced' })
  await talk.each(heartbeatApi, beat(groupId, { ...of, generationId: 77 }), { note: 'wrong generation' })
  await talk.each(consumerGroupDescribeApi, { groupIds: [groupId], includeAuthorizedOperations: false }, { note: 'mixed' })
  await talk.each(describeGroupsApi, { groups: [groupId] }, { note: 'mixed' })
  const committing = { memberId: of.memberId, generationIdOrMemberEpoch: of.generationId }
  await talk.each(offsetCommitApi, commit(groupId, topic, committing), { note: 'classic member' })
  await talk.each(offsetCommitApi, commit(groupId, topic, { ...committing, generationIdOrMemberEpoch: 1 }), { note: 'classic member, old' })
  await talk.ask(leaveGroupApi, 5, leave(groupId, 'stranger'), { note: 'the stranger' })
  await talk.ask(leaveGroupApi, 5, leave(groupId, of.memberId), { note: 'classic member' })
  await talk.ask(consumerGroupHeartbeatApi, 1, consumerBeatAgain(groupId, -1))
  await talk.ask(describeGroupsApi, 6, { groups: [groupId] }, { note: 'empty' })
  await talk.ask(consumerGroupDescribeApi, 1, { groupIds: [groupId], includeAuthorizedOperations: false }, { note: 'empty' })
  await settled(talk, groupId)
  await talk.ask(describeGroupsApi, 6, { groups: [groupId] }, { note: 'classic again' })
}

const onClassicGroup: Scenario = async talk => {
  const topic = await talk.topic('topic', 2)
  const connect = talk.name('connect')
  await talk.ask(joinGroupApi, 3, join(connect, { protocolType: 'connect', protocols: [{ name: 'x', metadata: Buffer.from('y') }] }))
  await talk.each(consumerGroupHeartbeatApi, consumerBeat(connect), { note: 'connect group' })
  await talk.each(consumerGroupHeartbeatApi, consumerBeatAgain(connect, 3), { note: 'connect group, later' })
  const groupId = talk.name('group')
  const memberId = await settled(talk, groupId, subscription([topic.name]))
  await talk.each(consumerGroupHeartbeatApi, consumerBeatAgain(groupId, 3), { note: 'not a join' })
  await talk.each(consumerGroupHeartbeatApi, consumerBeatAgain(groupId, -1), { note: 'leave' })
  await talk.each(consumerGroupDescribeApi, { groupIds: [groupId], includeAuthorizedOperations: false }, { note: 'classic' })
  await talk.ask(consumerGroupHeartbeatApi, 1, consumerBeat(groupId, { subscribedTopicNames: [topic.name] }), { note: 'bad assignment' })
  const good = talk.name('good')
  const own = [{ name: 'range', metadata: subscription([topic.name], 0) }]
  const joined = await talk.ask(joinGroupApi, 3, join(good, { protocols: own }))
  const id = joined?.memberId ?? ''
  const assignment = Buffer.concat([
    Buffer.from('000000000001', 'hex'),
    ...text(topic.name),
    Buffer.from('000000020000000000000001ffffffff', 'hex'),
  ])
  await talk.ask(syncGroupApi, 3, sync(good, { memberId: id, assignments: [{ memberId: id, assignment }] }))
  await talk.ask(consumerGroupHeartbeatApi, 1, consumerBeat(good, { subscribedTopicNames: [topic.name] }), { note: 'upgrade' })
  await talk.each(consumerGroupDescribeApi, { groupIds: [good], includeAuthorizedOperations: false }, { note: 'upgraded' })
  await talk.each(describeGroupsApi, { groups: [good] }, { note: 'upgraded' })
  await talk.each(heartbeatApi, beat(good, { memberId: id }), { note: 'upgraded' })
  await talk.ask(joinGroupApi, 3, join(good, { memberId: id, protocols: own }), { note: 'after the upgrade' })
  await talk.ask(consumerGroupHeartbeatApi, 1, consumerBeatAgain(good, -1), { note: 'downgrade' })
  await talk.ask(describeGroupsApi, 6, { groups: [good] }, { note: 'downgraded' })
  const empty = talk.name('empty')
  await talk.ask(leaveGroupApi, 2, leave(empty, await settled(talk, empty)))
  await talk.ask(consumerGroupHeartbeatApi, 1, consumerBeat(empty), { note: 'empty classic group' })
  await talk.ask(heartbeatApi, 4, beat(groupId, { memberId }), { note: 'not upgraded' })
}

function text(value: string): Buffer[] {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(2)
  length.writeInt16BE(bytes.length)
  return [length, bytes]
}

const offsetsOfMembers: Scenario = async talk => {
  const groupId = talk.name('group')
  const topic = await talk.topic('topic')
  await talk.ask(consumerGroupHeartbeatApi, 1, consumerBeat(groupId, { subscribedTopicNames: [topic.name] }))
  const callers: Record<string, { memberId: string; epoch: number }> = {
    'the member': { memberId: 'member', epoch: 1 },
    'the member, no epoch': { memberId: 'member', epoch: -1 },
    'the member, earlier': { memberId: 'member', epoch: 0 },
    'the member, later': { memberId: 'member', epoch: 9 },
    'a stranger': { memberId: 'stranger', epoch: 1 },
    'a stranger, no epoch': { memberId: 'stranger', epoch: -1 },
    nobody: { memberId: '', epoch: -1 },
    'nobody, with an epoch': { memberId: '', epoch: 1 },
  }
  for (const [note, { memberId, epoch }] of Object.entries(callers)) {
    await talk.each(offsetCommitApi, commit(groupId, topic, { memberId, generationIdOrMemberEpoch: epoch }), { note })
    const groups = (fetch(groupId, [topic]).groups ?? []).map(group => ({ ...group, memberId, memberEpoch: epoch }))
    await talk.each(offsetFetchApi, fetch(groupId, [topic], { groups }), { note })
  }
  const nameless = (fetch(groupId, [topic]).groups ?? []).map(group => ({ ...group, memberId: null, memberEpoch: 5 }))
  await talk.each(offsetFetchApi, fetch(groupId, [topic], { groups: nameless }), { note: 'null with an epoch', from: 9 })
  await talk.ask(consumerGroupHeartbeatApi, 1, consumerBeatAgain(groupId, -1))
  for (const [note, { memberId, epoch }] of Object.entries(callers)) {
    await talk.each(offsetCommitApi, commit(groupId, topic, { memberId, generationIdOrMemberEpoch: epoch }), { note: `empty, ${note}` })
    const groups = (fetch(groupId, [topic]).groups ?? []).map(group => ({ ...group, memberId, memberEpoch: epoch }))
    await talk.each(offsetFetchApi, fetch(groupId, [topic], { groups }), { note: `empty, ${note}` })
  }
}

export const crossProtocol = {
  'classic members of consumer groups': onConsumerGroup,
  'consumers in classic groups': onClassicGroup,
  'offsets of consumer groups': offsetsOfMembers,
}
