// Groups as administrators see and delete them.
import {
  consumerGroupHeartbeatApi,
  deleteGroupsApi,
  describeGroupsApi,
  leaveGroupApi,
  listGroupsApi,
  offsetCommitApi,
  offsetFetchApi,
} from '@ottla/protocol'
import { commit, consumerBeat, consumerBeatAgain, fetch, leave } from './bodies.ts'
import { settled } from './classic-members.ts'
import type { Scenario } from './talk.ts'

const lists: Scenario = async talk => {
  const filters = [['x'], [''], ['Assigning'], ['assigning', 'reconciling'], ['dead'], ['CompletingRebalance'], ['Dead', 'x']]
  for (const statesFilter of filters) await talk.each(listGroupsApi, { statesFilter }, { note: `states ${statesFilter.join()}`, from: 4 })
  for (const typesFilter of [['x'], [''], ['share'], ['streams'], ['Share', 'Unknown']])
    await talk.each(listGroupsApi, { typesFilter }, { note: `types ${typesFilter.join()}`, from: 5 })
}

const descriptions: Scenario = async talk => {
  const topic = await talk.topic('topic')
  const simple = talk.name('simple')
  await talk.each(describeGroupsApi, { groups: [] }, { note: 'none' })
  await talk.each(describeGroupsApi, { groups: [simple, ''] }, { note: 'unknown' })
  await talk.ask(offsetCommitApi, 9, commit(simple, topic))
  const stable = talk.name('stable')
  const memberId = await settled(talk, stable)
  await talk.each(describeGroupsApi, { groups: [simple, stable] }, { note: 'simple and stable' })
  await talk.each(describeGroupsApi, { groups: [stable, stable] }, { note: 'twice' })
  await talk.ask(leaveGroupApi, 2, leave(stable, memberId))
  await talk.each(describeGroupsApi, { groups: [stable] }, { note: 'empty' })
}

const deletions: Scenario = async talk => {
  const topic = await talk.topic('topic')
  for (const version of [0, 1, 2]) {
    const simple = talk.name(`simple${version}`)
    const busy = talk.name(`busy${version}`)
    const left = talk.name(`left${version}`)
    const consumer = talk.name(`consumer${version}`)
    await talk.ask(offsetCommitApi, 9, commit(simple, topic))
    await settled(talk, busy)
    const memberId = await settled(talk, left)
    await talk.ask(leaveGroupApi, 2, leave(left, memberId))
    await talk.ask(consumerGroupHeartbeatApi, 1, consumerBeat(consumer))
    const groupsNames = [simple, busy, left, consumer, '', 'nowhere', 'nowhere', simple]
    await talk.ask(deleteGroupsApi, version, { groupsNames })
    await talk.ask(deleteGroupsApi, version, { groupsNames }, { note: 'again' })
    await talk.ask(consumerGroupHeartbeatApi, 1, consumerBeatAgain(consumer, -1))
    await talk.ask(deleteGroupsApi, version, { groupsNames: [consumer] }, { note: 'empty consumer group' })
    await talk.ask(deleteGroupsApi, version, { groupsNames: [] }, { note: 'none' })
    await talk.ask(offsetFetchApi, 9, fetch(simple, null), { note: 'deleted' })
    await talk.ask(describeGroupsApi, 6, { groups: [simple, left, consumer, busy] })
  }
}

export const administration = { lists, descriptions, deletions }
