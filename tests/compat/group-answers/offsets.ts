// Committed offsets: of classic groups, and of those who only store offsets.
import {
  addOffsetsToTxnApi,
  initProducerIdApi,
  offsetCommitApi,
  offsetDeleteApi,
  offsetFetchApi,
  txnOffsetCommitApi,
} from '@ottla/protocol'
import { commit, fetch } from './bodies.ts'
import { settled } from './classic-members.ts'
import { subscription } from './bodies.ts'
import type { Scenario } from './talk.ts'

const unknown = { name: 'no-such-topic', id: 'AAAAAAAAAAAAAAAAAAAAAg' }

const commits: Scenario = async talk => {
  const topic = await talk.topic('topic')
  const groupId = talk.name('simple')
  await talk.each(offsetCommitApi, commit(groupId, topic), { note: 'administrator' })
  await talk.each(offsetCommitApi, commit('', topic), { note: 'empty group id' })
  await talk.each(offsetCommitApi, commit(talk.name('none'), topic, { generationIdOrMemberEpoch: 3, memberId: 'x' }), {
    note: 'unknown group',
  })
  await talk.each(offsetCommitApi, commit(talk.name('none'), topic, { memberId: 'x' }), { note: 'unknown group, member' })
  await talk.each(offsetCommitApi, commit(groupId, topic, { memberId: 'x' }), { note: 'simple group, member' })
  await talk.each(offsetCommitApi, commit(groupId, topic, { generationIdOrMemberEpoch: 0 }), { note: 'simple group, generation' })
  await talk.each(offsetCommitApi, commit(groupId, topic, { groupInstanceId: 'i' }), { note: 'simple group, instance', from: 7 })
  await talk.each(offsetCommitApi, commit(groupId, unknown), { note: 'unknown topic' })
  await talk.each(offsetCommitApi, commit(groupId, { name: '', id: 'AAAAAAAAAAAAAAAAAAAAAA' }), { note: 'empty topic' })
  await talk.each(offsetCommitApi, { groupId, memberId: '', topics: [] }, { note: 'no topics' })
  const partitions = [0, 1, -1].map(partitionIndex => ({
    partitionIndex,
    committedOffset: 7,
    committedMetadata: null,
    committedLeaderEpoch: 3,
  }))
  await talk.each(offsetCommitApi, commit(groupId, topic, { topics: [{ name: topic.name, topicId: topic.id, partitions }] }), {
    note: 'partitions',
  })
  const large = [4096, 4097].map(length => ({ partitionIndex: 0, committedOffset: -9, committedMetadata: 'x'.repeat(length) }))
  for (const one of large)
    await talk.each(offsetCommitApi, commit(groupId, topic, { topics: [{ name: topic.name, topicId: topic.id, partitions: [one] }] }), {
      note: `metadata of ${one.committedMetadata.length}`,
    })
  await talk.each(offsetCommitApi, commit(groupId, topic, { retentionTimeMs: 1000 }), { note: 'retention', from: 2 })
  const joined = talk.name('joined')
  const memberId = await settled(talk, joined)
  const epochs: Record<string, object> = {
    member: { memberId, generationIdOrMemberEpoch: 1 },
    'member without generation': { memberId },
    'member, later': { memberId, generationIdOrMemberEpoch: 2 },
    'member, earlier': { memberId, generationIdOrMemberEpoch: 0 },
    stranger: { memberId: 'x', generationIdOrMemberEpoch: 1 },
    nobody: {},
    'nobody of this generation': { generationIdOrMemberEpoch: 1 },
  }
  for (const [note, over] of Object.entries(epochs)) await talk.each(offsetCommitApi, commit(joined, topic, over), { note })
  const instance = { memberId, generationIdOrMemberEpoch: 1, groupInstanceId: 'i' }
  await talk.each(offsetCommitApi, commit(joined, topic, instance), { note: 'unknown instance', from: 7 })
}

const fetches: Scenario = async talk => {
  const topic = await talk.topic('topic', 2)
  const groupId = talk.name('group')
  await talk.each(offsetFetchApi, fetch(groupId, [topic]), { note: 'unknown group' })
  await talk.each(offsetFetchApi, fetch(groupId, null), { note: 'unknown group, all topics', from: 2 })
  await talk.each(offsetFetchApi, fetch('', [topic]), { note: 'empty group id' })
  await talk.ask(offsetCommitApi, 9, commit(groupId, topic))
  await talk.each(offsetFetchApi, fetch(groupId, [topic, unknown]), { note: 'one known' })
  await talk.each(offsetFetchApi, fetch(groupId, [unknown]), { note: 'unknown topic' })
  await talk.each(offsetFetchApi, fetch(groupId, []), { note: 'no topics' })
  await talk.each(offsetFetchApi, fetch(groupId, null), { note: 'all topics', from: 2 })
  await talk.each(offsetFetchApi, fetch(groupId, null, { requireStable: true }), { note: 'stable', from: 7 })
  await talk.each(offsetFetchApi, fetch(groupId, [{ name: '', id: 'AAAAAAAAAAAAAAAAAAAAAA' }]), { note: 'empty topic' })
  const one = fetch(groupId, [topic]).groups ?? []
  const other = fetch(talk.name('other'), [topic]).groups ?? []
  const all = fetch(groupId, null).groups ?? []
  await talk.each(offsetFetchApi, { groups: [...one, ...other] }, { note: 'two groups', from: 8 })
  await talk.each(offsetFetchApi, { groups: [...one, ...all] }, { note: 'twice one group', from: 8 })
  await talk.each(offsetFetchApi, { groups: [] }, { note: 'no group', from: 8 })
  const stranger = one.map(group => ({ ...group, memberId: 'x', memberEpoch: 4 }))
  await talk.each(offsetFetchApi, { groups: stranger }, { note: 'a stranger of a simple group', from: 9 })
  const joined = talk.name('joined')
  const memberId = await settled(talk, joined)
  for (const member of ['x', memberId, ''])
    for (const memberEpoch of [-1, 0, 1, 2]) {
      const groups = (fetch(joined, [topic]).groups ?? []).map(group => ({ ...group, memberId: member, memberEpoch }))
      await talk.each(offsetFetchApi, { groups }, { note: `${member === memberId ? 'member' : member} ${memberEpoch}`, from: 9 })
    }
}

const deletions: Scenario = async talk => {
  const topic = await talk.topic('topic')
  const other = await talk.topic('other')
  const groupId = talk.name('group')
  const partitions = [{ partitionIndex: 0 }, { partitionIndex: 8 }]
  const ask = (note: string, group: string, topics: string[]) =>
    talk.ask(offsetDeleteApi, 0, { groupId: group, topics: topics.map(name => ({ name, partitions })) }, { note })
  await ask('unknown group', groupId, [topic.name])
  await ask('empty group id', '', [topic.name])
  await ask('unknown group and topic', groupId, [unknown.name])
  await talk.ask(offsetCommitApi, 9, commit(groupId, topic))
  await ask('no topics', groupId, [])
  await ask('unknown topic', groupId, [unknown.name])
  await ask('committed, and not', groupId, [topic.name, other.name, unknown.name])
  await ask('again', groupId, [topic.name])
  await talk.ask(offsetFetchApi, 9, fetch(groupId, null))
  const joined = talk.name('joined')
  await settled(talk, joined, subscription([topic.name]))
  await ask('subscribed, and not', joined, [topic.name, other.name])
  const opaque = talk.name('opaque')
  await settled(talk, opaque, Buffer.alloc(0))
  await ask('nobody can tell', opaque, [topic.name, other.name])
}

const transactions: Scenario = async talk => {
  const topic = await talk.topic('topic')
  const groupId = talk.name('group')
  const transactionalId = talk.name('transaction')
  const init = await talk.ask(initProducerIdApi, 4, { transactionalId, transactionTimeoutMs: 30_000 })
  const producer = { transactionalId, producerId: init?.producerId ?? 0, producerEpoch: init?.producerEpoch ?? 0, groupId }
  await talk.each(addOffsetsToTxnApi, { ...producer, producerEpoch: 9 }, { note: 'other epoch' })
  await talk.each(addOffsetsToTxnApi, { ...producer, transactionalId: 'nobody' }, { note: 'unknown' })
  await talk.each(addOffsetsToTxnApi, { ...producer, groupId: '' }, { note: 'empty group id' })
  await talk.each(addOffsetsToTxnApi, producer, { note: 'fine' })
  const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: 'note' }]
  const body = { ...producer, topics: [{ name: topic.name, partitions }] }
  await talk.each(txnOffsetCommitApi, { ...body, topics: [{ name: unknown.name, partitions }] }, { note: 'unknown topic' })
  await talk.each(txnOffsetCommitApi, { ...body, memberId: 'x', generationId: 4 }, { note: 'stranger', from: 3 })
  await talk.each(txnOffsetCommitApi, { ...body, groupId: '' }, { note: 'empty group id' })
  await talk.each(txnOffsetCommitApi, { ...body, topics: [] }, { note: 'no topics' })
  await talk.each(txnOffsetCommitApi, body, { note: 'fine' })
  await talk.each(offsetFetchApi, fetch(groupId, [topic]), { note: 'pending' })
  await talk.each(offsetFetchApi, fetch(groupId, [topic], { requireStable: true }), { note: 'pending, stable only', from: 7 })
  await talk.each(offsetFetchApi, fetch(groupId, null, { requireStable: true }), { note: 'pending, stable only, all', from: 7 })
}

export const offsets = { commits, fetches, 'deleted offsets': deletions, 'offsets of transactions': transactions }
