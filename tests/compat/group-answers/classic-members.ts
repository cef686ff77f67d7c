// Members of classic groups: who may enter, stay and go.
import { describeGroupsApi, findCoordinatorApi, heartbeatApi, joinGroupApi, leaveGroupApi, syncGroupApi } from '@ottla/protocol'
import { beat, join, leave, subscription, sync } from './bodies.ts'
import type { Scenario, Talk } from './talk.ts'

/** A member alone in its group, synced: its id. */
export async function settled(talk: Talk, groupId: string, metadata = subscription(['nowhere'])): Promise<string> {
  const protocols = [{ name: 'range', metadata }]
  const joined = await talk.ask(joinGroupApi, 3, join(groupId, { protocols }), { note: 'alone' })
  const memberId = joined?.memberId ?? ''
  await talk.ask(syncGroupApi, 3, sync(groupId, { memberId, assignments: [{ memberId, assignment: Buffer.from('all') }] }))
  return memberId
}

const find: Scenario = async talk => {
  await talk.each(findCoordinatorApi, { key: '', coordinatorKeys: [] }, { note: 'empty key or none' })
  await talk.each(findCoordinatorApi, { key: 'group', coordinatorKeys: ['group'] }, { note: 'a group' })
  await talk.each(findCoordinatorApi, { coordinatorKeys: ['', 'one', 'one', 'two'] }, { note: 'several', from: 4 })
  await talk.each(findCoordinatorApi, { key: 'x', keyType: 1, coordinatorKeys: ['x'] }, { note: 'a transaction', from: 1 })
  for (const keyType of [2, 3, 7, -1])
    await talk.each(findCoordinatorApi, { key: 'x', keyType, coordinatorKeys: ['x'] }, { note: `key type ${keyType}`, from: 1 })
}

const refusedJoins: Scenario = async talk => {
  const name = (of: string, version: number) => talk.name(`${of}${version}`)
  await talk.each(joinGroupApi, join(''), { note: 'empty group id' })
  await talk.each(joinGroupApi, v => join(name('unknown', v), { memberId: 'nobody' }), { note: 'unknown member, no group' })
  await talk.each(joinGroupApi, v => join(name('short', v), { sessionTimeoutMs: 5999 }), { note: 'short session' })
  await talk.each(joinGroupApi, v => join(name('long', v), { sessionTimeoutMs: 1_800_001 }), { note: 'long session' })
  await talk.each(joinGroupApi, v => join(name('none', v), { protocols: [] }), { note: 'no protocols' })
  await talk.each(joinGroupApi, v => join(name('typeless', v), { protocolType: '' }), { note: 'no protocol type' })
  await talk.each(joinGroupApi, v => join(name('negative', v), { rebalanceTimeoutMs: -5 }), { note: 'negative rebalance time-out' })
  await talk.each(joinGroupApi, v => join(name('ids', v)), { note: 'without member id' })
  await talk.each(joinGroupApi, v => join(name('static', v), { groupInstanceId: 'i' }), { note: 'static', from: 5 })
  await talk.each(joinGroupApi, v => join(name('dot', v), { groupInstanceId: '..' }), { note: 'instance ..', from: 5 })
  await talk.each(joinGroupApi, v => join(name('noinstance', v), { groupInstanceId: '' }), { note: 'empty instance', from: 5 })
  await talk.each(joinGroupApi, v => join(name('badinstance', v), { groupInstanceId: 'a b' }), { note: 'instance a b', from: 5 })
  const groupId = talk.name('taken')
  await settled(talk, groupId)
  const other = [{ name: 'sticky', metadata: Buffer.alloc(0) }]
  await talk.each(joinGroupApi, join(groupId, { memberId: 'nobody' }), { note: 'unknown member' })
  await talk.each(joinGroupApi, join(groupId, { protocols: other }), { note: 'other protocol' })
  await talk.each(joinGroupApi, join(groupId, { protocolType: 'connect' }), { note: 'other type' })
  await talk.each(joinGroupApi, join(groupId, { groupInstanceId: 'x', memberId: 'nobody' }), { note: 'unknown instance', from: 5 })
  await talk.each(describeGroupsApi, { groups: [groupId] })
}

const heartbeats: Scenario = async talk => {
  await talk.each(heartbeatApi, beat(''), { note: 'empty group id' })
  await talk.each(heartbeatApi, beat(talk.name('nowhere')), { note: 'unknown group' })
  const groupId = talk.name('group')
  const memberId = await settled(talk, groupId)
  await talk.each(heartbeatApi, beat(groupId, { memberId }), { note: 'fine' })
  await talk.each(heartbeatApi, beat(groupId), { note: 'unknown member' })
  await talk.each(heartbeatApi, beat(groupId, { memberId, generationId: 2 }), { note: 'later generation' })
  await talk.each(heartbeatApi, beat(groupId, { memberId, generationId: -1 }), { note: 'no generation' })
  await talk.each(heartbeatApi, beat(groupId, { memberId, groupInstanceId: 'i' }), { note: 'unknown instance', from: 3 })
  await talk.ask(leaveGroupApi, 2, leave(groupId, memberId))
  await talk.each(heartbeatApi, beat(groupId, { memberId }), { note: 'after leaving' })
}

const syncs: Scenario = async talk => {
  await talk.each(syncGroupApi, sync(''), { note: 'empty group id' })
  await talk.each(syncGroupApi, sync(talk.name('nowhere')), { note: 'unknown group' })
  const groupId = talk.name('group')
  const joined = await talk.ask(joinGroupApi, 3, join(groupId))
  const memberId = joined?.memberId ?? ''
  await talk.each(heartbeatApi, beat(groupId, { memberId }), { note: 'before the sync' })
  await talk.each(describeGroupsApi, { groups: [groupId] }, { note: 'before the sync' })
  const of = { memberId, protocolType: 'consumer', protocolName: 'range' }
  await talk.each(syncGroupApi, sync(groupId), { note: 'unknown member' })
  await talk.each(syncGroupApi, sync(groupId, { ...of, generationId: 7 }), { note: 'wrong generation' })
  await talk.each(syncGroupApi, sync(groupId, { ...of, protocolType: 'connect' }), { note: 'other type', from: 5 })
  await talk.each(syncGroupApi, sync(groupId, { ...of, protocolName: 'sticky' }), { note: 'other protocol', from: 5 })
  await talk.each(syncGroupApi, sync(groupId, { memberId }), { note: 'neither', from: 5 })
  await talk.each(syncGroupApi, sync(groupId, { ...of, groupInstanceId: 'i' }), { note: 'unknown instance', from: 3 })
  const assignments = [
    { memberId, assignment: Buffer.from('mine') },
    { memberId: 'nobody', assignment: Buffer.from('his') },
  ]
  await talk.each(syncGroupApi, sync(groupId, { ...of, assignments }), { note: 'leader' })
  await talk.each(syncGroupApi, sync(groupId, { ...of, assignments: [] }), { note: 'again' })
  await talk.each(describeGroupsApi, { groups: [groupId, 'nowhere', ''], includeAuthorizedOperations: true }, { note: 'stable', from: 3 })
}

const leaving: Scenario = async talk => {
  await talk.each(leaveGroupApi, leave('', 'nobody'), { note: 'empty group id' })
  await talk.each(leaveGroupApi, leave(talk.name('nowhere'), 'nobody'), { note: 'unknown group' })
  await talk.each(leaveGroupApi, leave(talk.name('nowhere'), 'x', { members: [] }), { note: 'nobody at all', from: 3 })
  for (let version = 0; version <= 5; version++) {
    const groupId = talk.name(`group${version}`)
    const memberId = await settled(talk, groupId)
    await talk.ask(leaveGroupApi, version, leave(groupId, 'nobody'), { note: 'unknown member' })
    if (version >= 3) {
      const members = [{ memberId: 'nobody' }, { memberId: '', groupInstanceId: 'i' }, { memberId: 'x', groupInstanceId: 'i' }]
      await talk.ask(leaveGroupApi, version, leave(groupId, '', { members }), { note: 'three strangers' })
      const twice = [{ memberId }, { memberId, reason: 'twice' }]
      await talk.ask(leaveGroupApi, version, leave(groupId, '', { members: twice }), { note: 'twice' })
    }
    await talk.ask(leaveGroupApi, version, leave(groupId, memberId))
    await talk.ask(leaveGroupApi, version, leave(groupId, memberId), { note: 'again' })
    await talk.ask(describeGroupsApi, version, { groups: [groupId] })
    const pending = await talk.ask(joinGroupApi, 9, join(groupId))
    await talk.ask(leaveGroupApi, version, leave(groupId, pending?.memberId ?? ''), { note: 'before it was a member' })
  }
}

export const classicMembers = {
  'find coordinator': find,
  'refused joins': refusedJoins,
  heartbeats,
  syncs,
  leaving,
}
