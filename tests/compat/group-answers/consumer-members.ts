// Members of consumer groups (KIP-848): what a heartbeat must say, who is fenced, who gets what.
import { setTimeout as sleep } from 'node:timers/promises'
import { consumerGroupDescribeApi, consumerGroupHeartbeatApi as heartbeatApi, heartbeatApi as classicHeartbeatApi } from '@ottla/protocol'
import { beat, consumerBeat as first, consumerBeatAgain as again } from './bodies.ts'
import { type Scenario, SETTLING_MS, type Talk } from './talk.ts'

const described = (talk: Talk, groupId: string, note = '') =>
  talk.each(consumerGroupDescribeApi, { groupIds: [groupId], includeAuthorizedOperations: false }, { note })

const refused: Scenario = async talk => {
  const groupId = talk.name('group')
  const cases: Record<string, ReturnType<typeof first>> = {
    'empty member id': first(groupId, { memberId: '', memberEpoch: 1 }),
    'empty member id, leaving': first(groupId, { memberId: '', memberEpoch: -1 }),
    'empty group id': first(''),
    'blank group id': first('  '),
    'blank member id': first(groupId, { memberId: ' ', memberEpoch: 1 }),
    'empty instance id': first(groupId, { instanceId: '' }),
    'blank instance id': first(groupId, { instanceId: ' ' }),
    'empty rack': first(groupId, { rackId: '' }),
    'no rebalance time-out': first(groupId, { rebalanceTimeoutMs: -1 }),
    'no partitions': first(groupId, { topicPartitions: null }),
    'some partitions': first(groupId, { topicPartitions: [{ topicId: 'AAAAAAAAAAAAAAAAAAAAAg', partitions: [0] }] }),
    'no topics': first(groupId, { subscribedTopicNames: null }),
    'static leave without instance': first(groupId, { memberEpoch: -2 }),
    'epoch -3': first(groupId, { memberEpoch: -3 }),
    'unknown assignor': first(groupId, { serverAssignor: 'mine' }),
    'empty assignor': first(groupId, { serverAssignor: '' }),
    'unknown group': first(groupId, { memberEpoch: 5 }),
    'leaving an unknown group': first(groupId, { memberEpoch: -1 }),
    'leaving an unknown group, static': first(groupId, { memberEpoch: -2, instanceId: 'i' }),
  }
  for (const [note, body] of Object.entries(cases)) await talk.each(heartbeatApi, body, { note })
  for (const regex of ['[', 'a(', '*', '(?<n>', 'a{2,1}', '\\', '(?=x)', ''])
    await talk.each(heartbeatApi, first(groupId, { subscribedTopicNames: null, subscribedTopicRegex: regex }), {
      note: `regex ${regex}`,
      from: 1,
    })
  await talk.each(heartbeatApi, first(groupId, { memberId: '' }), { note: 'who makes member ids' })
  await described(talk, groupId)
}

const membership: Scenario = async talk => {
  const { name, id } = await talk.topic('topic', 2)
  for (const version of [0, 1]) {
    const groupId = talk.name(`group${version}`)
    const ask = (note: string, body: ReturnType<typeof first>) => talk.ask(heartbeatApi, version, body, { note })
    const all = [{ topicId: id, partitions: [0, 1] }]
    await ask('join', first(groupId, { subscribedTopicNames: [name] }))
    await described(talk, groupId)
    await ask('join again', first(groupId, { subscribedTopicNames: [name] }))
    await ask('owns all', again(groupId, 1, { topicPartitions: all }))
    await ask('nothing new', again(groupId, 1))
    await ask('greater epoch', again(groupId, 9))
    await ask('previous epoch', again(groupId, 0))
    await ask('unknown member', again(groupId, 1, { memberId: 'other' }))
    await ask('unknown instance', again(groupId, 1, { instanceId: 'i' }))
    await ask('unknown assignor', again(groupId, 1, { serverAssignor: 'mine' }))
    await ask('range', again(groupId, 1, { serverAssignor: 'range' }))
    await ask('second', first(groupId, { memberId: 'second', subscribedTopicNames: [name], rackId: 'r' }))
    await described(talk, groupId, 'revoking')
    await ask('gives one up', again(groupId, 1, { topicPartitions: all }))
    await ask('gave one up', again(groupId, 1, { topicPartitions: [{ topicId: id, partitions: [0] }] }))
    await ask('gave one up, later', again(groupId, 2, { topicPartitions: [{ topicId: id, partitions: [0] }] }))
    await ask('gave one up, latest', again(groupId, 3, { topicPartitions: [{ topicId: id, partitions: [0] }] }))
    await ask('second again', again(groupId, 2, { memberId: 'second', topicPartitions: [] }))
    await ask('second again, later', again(groupId, 3, { memberId: 'second', topicPartitions: [] }))
    await described(talk, groupId, 'two members')
    await ask('smaller epoch', again(groupId, 1, { memberId: 'second', topicPartitions: [] }))
    await ask('subscribes to nothing', again(groupId, 3, { memberId: 'second', subscribedTopicNames: [] }))
    await described(talk, groupId, 'one idle')
    await ask('leaves', again(groupId, -1))
    await ask('leaves twice', again(groupId, -1))
    await ask('second leaves', again(groupId, -1, { memberId: 'second' }))
    await described(talk, groupId, 'empty')
    await ask('back', again(groupId, 4))
  }
}

const statics: Scenario = async talk => {
  const { name, id } = await talk.topic('topic')
  for (const version of [0, 1]) {
    const groupId = talk.name(`group${version}`)
    const instanceId = 'one'
    const ask = (note: string, body: ReturnType<typeof first>) => talk.ask(heartbeatApi, version, { instanceId, ...body }, { note })
    await ask('join', first(groupId, { subscribedTopicNames: [name] }))
    await ask('copy while there', first(groupId, { memberId: 'copy', subscribedTopicNames: [name] }))
    await ask('copy beats', again(groupId, 1, { memberId: 'copy' }))
    await ask('copy leaves for good', again(groupId, -1, { memberId: 'copy' }))
    await ask('copy leaves', again(groupId, -2, { memberId: 'copy' }))
    await ask('unknown instance leaves', again(groupId, -2, { instanceId: 'other' }))
    await ask('owns', again(groupId, 1, { topicPartitions: [{ topicId: id, partitions: [0] }] }))
    await ask('leaves for a while', again(groupId, -2))
    await described(talk, groupId, 'away')
    await ask('beats while away', again(groupId, 1))
    await ask('comes back as another', first(groupId, { memberId: 'next', subscribedTopicNames: [name] }))
    await ask('old one', again(groupId, 1))
    await ask('next', again(groupId, 1, { memberId: 'next' }))
    await described(talk, groupId, 'back')
    await ask('nameless', again(groupId, 1, { memberId: 'next', instanceId: null }))
    await ask('leaves', again(groupId, -1, { memberId: 'next' }))
    await described(talk, groupId, 'empty')
  }
}

const patterns: Scenario = async talk => {
  await talk.topic('topic')
  const groupId = talk.name('group')
  const ask = (note: string, body: ReturnType<typeof first>) => talk.ask(heartbeatApi, 1, body, { note })
  await ask('join', first(groupId, { subscribedTopicNames: null, subscribedTopicRegex: `${talk.name('topic')}.*` }))
  await sleep(SETTLING_MS)
  await ask('resolved', again(groupId, 1, { topicPartitions: [] }))
  await described(talk, groupId)
  await ask('bad pattern', again(groupId, 1, { subscribedTopicRegex: '(' }))
  await ask('no pattern', again(groupId, 1, { subscribedTopicRegex: '' }))
}

const administrators: Scenario = async talk => {
  const groupId = talk.name('group')
  const groupIds = [groupId, '', 'nowhere']
  await talk.each(consumerGroupDescribeApi, { groupIds, includeAuthorizedOperations: true }, { note: 'unknown' })
  await talk.each(consumerGroupDescribeApi, { groupIds: [], includeAuthorizedOperations: false }, { note: 'none' })
  await talk.ask(heartbeatApi, 1, first(groupId))
  await talk.each(consumerGroupDescribeApi, { groupIds: [groupId, groupId], includeAuthorizedOperations: true }, { note: 'twice' })
  await talk.each(consumerGroupDescribeApi, { groupIds, includeAuthorizedOperations: true })
  await talk.each(classicHeartbeatApi, beat(groupId, { memberId: 'member' }), { note: 'in the classic protocol' })
}

export const consumerMembers = {
  'refused heartbeats of consumer groups': refused,
  'members of consumer groups': membership,
  'static members of consumer groups': statics,
  'patterns of consumer groups': patterns,
  'descriptions of consumer groups': administrators,
}
