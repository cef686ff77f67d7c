// Classic groups of two members, and static members.
import { setTimeout as sleep } from 'node:timers/promises'
import { describeGroupsApi, heartbeatApi, joinGroupApi, leaveGroupApi, listGroupsApi, offsetCommitApi, syncGroupApi } from '@ottla/protocol'
import { beat, commit, join, leave, subscription, sync } from './bodies.ts'
import { settled } from './classic-members.ts'
import type { Scenario } from './talk.ts'

/** Long enough for a request to have arrived before the next one of another connection. */
const ARRIVAL_MS = 300

const two: Scenario = async talk => {
  const topic = await talk.topic('topic')
  for (const version of [0, 2, 4, 5, 7, 9]) {
    const groupId = talk.name(`group${version}`)
    const first = await settled(talk, groupId)
    const pending = await talk.ask(joinGroupApi, version < 4 ? 9 : version, join(groupId), { note: 'needs an id' })
    const memberId = pending?.memberId ?? ''
    await talk.ask(describeGroupsApi, 6, { groups: [groupId] }, { note: 'one pending' })
    const second = talk.ask(joinGroupApi, version, join(groupId, { memberId, reason: 'because' }), { note: 'second', on: 'second' })
    await sleep(ARRIVAL_MS)
    await talk.each(describeGroupsApi, { groups: [groupId] }, { note: 'preparing' })
    await talk.ask(listGroupsApi, 5, { statesFilter: ['preparingrebalance'], typesFilter: ['Classic'] })
    await talk.each(heartbeatApi, beat(groupId, { memberId: first }), { note: 'preparing' })
    await talk.each(syncGroupApi, sync(groupId, { memberId: first, protocolType: 'consumer', protocolName: 'range' }), {
      note: 'preparing',
    })
    const byFirst = { memberId: first, generationIdOrMemberEpoch: 1 }
    await talk.each(offsetCommitApi, commit(groupId, topic, byFirst), { note: 'preparing' })
    await talk.ask(joinGroupApi, version, join(groupId, { memberId: first }), { note: 'first again' })
    await second
    await talk.each(heartbeatApi, beat(groupId, { memberId, generationId: 2 }), { note: 'completing' })
    await talk.each(offsetCommitApi, commit(groupId, topic, { ...byFirst, generationIdOrMemberEpoch: 2 }), { note: 'completing' })
    await talk.each(describeGroupsApi, { groups: [groupId] }, { note: 'completing' })
    const of = { generationId: 2, protocolType: 'consumer', protocolName: 'range' }
    const syncVersion = Math.min(version, 5)
    const follower = talk.ask(syncGroupApi, syncVersion, sync(groupId, { ...of, memberId }), { note: 'follower first', on: 'second' })
    await sleep(ARRIVAL_MS)
    const assignments = [{ memberId, assignment: Buffer.from('his') }]
    await talk.ask(syncGroupApi, syncVersion, sync(groupId, { ...of, memberId: first, assignments }), { note: 'leader' })
    await follower
    await talk.ask(joinGroupApi, version, join(groupId, { memberId }), { note: 'follower, nothing new' })
    await talk.each(offsetCommitApi, commit(groupId, topic, { ...byFirst, generationIdOrMemberEpoch: 2 }), { note: 'stable' })
    await talk.ask(leaveGroupApi, 4, leave(groupId, '', { members: [{ memberId }, { memberId: first, reason: 'over' }] }))
    await talk.each(describeGroupsApi, { groups: [groupId] }, { note: 'empty' })
  }
}

const statics: Scenario = async talk => {
  for (const version of [5, 7, 8, 9]) {
    const groupId = talk.name(`group${version}`)
    const groupInstanceId = 'one'
    const first = await talk.ask(joinGroupApi, version, join(groupId, { groupInstanceId }), { note: 'first' })
    const memberId = first?.memberId ?? ''
    const of = { groupInstanceId, memberId, protocolType: 'consumer', protocolName: 'range' }
    await talk.ask(syncGroupApi, 5, sync(groupId, { ...of, assignments: [{ memberId, assignment: Buffer.from('all') }] }))
    await talk.ask(describeGroupsApi, 6, { groups: [groupId] }, { note: 'static' })
    const again = await talk.ask(joinGroupApi, version, join(groupId, { groupInstanceId }), { note: 'copy' })
    const copy = again?.memberId ?? ''
    await talk.each(heartbeatApi, beat(groupId, { memberId, groupInstanceId }), { note: 'fenced', from: 3 })
    await talk.each(heartbeatApi, beat(groupId, { memberId }), { note: 'fenced, nameless' })
    await talk.each(syncGroupApi, sync(groupId, of), { note: 'fenced', from: 3 })
    await talk.ask(joinGroupApi, version, join(groupId, { groupInstanceId, memberId }), { note: 'fenced' })
    await talk.each(syncGroupApi, sync(groupId, { ...of, memberId: copy }), { note: 'copy', from: 3 })
    const protocols = [{ name: 'range', metadata: subscription(['elsewhere']) }]
    const changed = await talk.ask(joinGroupApi, version, join(groupId, { groupInstanceId, protocols }), { note: 'new metadata' })
    const newest = { ...of, memberId: changed?.memberId ?? '', generationId: changed?.generationId ?? 0 }
    const assignments = [{ memberId: newest.memberId, assignment: Buffer.from('new') }]
    await talk.ask(syncGroupApi, 5, sync(groupId, { ...newest, assignments }))
    const both = [
      { memberId, groupInstanceId },
      { memberId: '', groupInstanceId: 'two' },
    ]
    await talk.each(leaveGroupApi, leave(groupId, '', { members: both }), { note: 'fenced and unknown', from: 3 })
    await talk.ask(joinGroupApi, version, join(groupId, { groupInstanceId, protocolType: 'connect' }), { note: 'other type' })
    await talk.ask(leaveGroupApi, 5, leave(groupId, '', { members: [{ memberId: '', groupInstanceId }] }), { note: 'by instance' })
    await talk.ask(describeGroupsApi, 6, { groups: [groupId] }, { note: 'empty' })
  }
}

export const classicRebalances = { 'two members': two, 'static members': statics }
