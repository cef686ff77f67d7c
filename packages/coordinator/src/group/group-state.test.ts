// All kinds of groups in one partition: whom requests go to, and what Kafka's logs of __consumer_offsets become.
import { readdirSync, readFileSync } from 'node:fs'
import { batchesIn, ErrorCode, type JoinGroupRequest } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { RecordDecoder } from '../record.ts'
import { load } from '../loader.ts'
import { MemoryLog } from '../runtime-testing.ts'
import { Turns } from '../turns.ts'
import { encodeSubscription } from './consumer-protocol.ts'
import { GroupPartitionState } from './group-state.ts'
import { type TestWorld, testWorld } from './testing.ts'
import type { Caller } from './world.ts'

const folder = new URL('../../../storage/fixtures/log/data/', import.meta.url)
const caller: Caller = { apiVersion: 9, clientId: 'client', clientHost: '/127.0.0.1' }

const open = (): { readonly state: GroupPartitionState; readonly test: TestWorld } => {
  const test = testWorld()
  const state = new GroupPartitionState(test.world)
  test.log.replay = (record, offset) => state.replay(record, offset, null)
  return { state, test }
}

/** All partitions of __consumer_offsets in a row, as if they were one. */
async function loaded(): Promise<{ readonly state: GroupPartitionState; readonly test: TestWorld }> {
  const { state, test } = open()
  for (const partition of readdirSync(folder).filter(name => name.startsWith('__consumer_offsets-'))) {
    const log = new MemoryLog()
    for (const file of readdirSync(new URL(partition, folder)).filter(name => name.endsWith('.log'))) {
      for (const batch of batchesIn(readFileSync(new URL(`${partition}/${file}`, folder)))) {
        log.batches.push(batch.bytes)
        log.endOffset = batch.nextOffset
      }
    }
    const { clock, logger } = test.world
    await load({
      log,
      state,
      decoder: new RecordDecoder('__consumer_offsets'),
      logger,
      turns: new Turns(clock, setImmediate),
      isWanted: () => true,
    })
  }
  state.loaded()
  return { state, test }
}

const offsetsOf = (state: GroupPartitionState, groupId: string): unknown =>
  Array.from(state.offsets.committed(groupId) ?? [], ([topic, partitions]) => [
    topic,
    Array.from(partitions, ([partition, { offset }]) => [partition, offset]),
  ])

describe('what a Kafka broker left', () => {
  it('is there again', async () => {
    const { state, test } = await loaded()
    const listed = await test.decide(state.administration.list({ states: new Set<string>(), types: new Set<string>() }))
    const shown = listed.map(one => [one.groupId, one.groupType, one.groupState, one.protocolType].join(' '))
    expect(shown.toSorted()).toEqual([
      'golden-classic classic Stable consumer',
      // Its last member left, and nobody has computed an assignment for nobody.
      'golden-modern consumer Assigning consumer',
      'golden-txn-group classic Empty ',
    ])
    expect(offsetsOf(state, 'golden-classic')).toEqual([['golden-groups', expect.any(Array)]])
    expect(offsetsOf(state, 'golden-deleted')).toEqual([])
    // One transaction was committed, the other aborted.
    expect(offsetsOf(state, 'golden-txn-group')).toEqual([['golden-groups', [[1, 5]]]])
    expect(test.lines.filter(({ level }) => level !== 'info' && level !== 'debug')).toEqual([])
  })

  it('expires with the members that do not come back', async () => {
    const { state, test } = await loaded()
    test.clock.advance(60_000)
    const listed = await test.decide(state.administration.list({ states: new Set(['empty']), types: new Set(['consumer']) }))
    expect(listed.map(({ groupId }) => groupId)).toEqual(['golden-modern'])
  })
})

const joinRequest = (memberId: string): JoinGroupRequest => ({
  groupId: 'g',
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  memberId,
  groupInstanceId: null,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: encodeSubscription(1, { topics: ['orders'] }) }],
  reason: null,
})

const consumerHeartbeat = (memberId: string, memberEpoch: number) => ({
  groupId: 'g',
  memberId,
  memberEpoch,
  instanceId: null,
  rackId: null,
  rebalanceTimeoutMs: 10_000,
  subscribedTopicNames: ['orders'],
  subscribedTopicRegex: null,
  serverAssignor: null,
  topicPartitions: [],
})

describe('requests', () => {
  it('of classic members go to a consumer group, as long as it has members', async () => {
    const { state, test } = open()
    test.topics.add('orders', 2)
    await test.decide(state.consumerHeartbeat(consumerHeartbeat('AAAAAAAAAAAAAAAAAAAAAQ', 0), caller))
    expect(state.groups.get('g')?.kind).toBe('consumer')
    const named = await test.decide(state.join(joinRequest(''), caller))
    expect(named.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED)
    const joined = await test.decide(state.join(joinRequest(named.memberId), caller))
    expect(joined).toMatchObject({ errorCode: ErrorCode.NONE, memberId: named.memberId, protocolName: 'range' })
    const { generationId } = joined
    const member = { groupId: 'g', memberId: named.memberId, groupInstanceId: null, generationId: generationId ?? -1 }
    const synced = await test.decide(state.sync({ ...member, protocolType: 'consumer', protocolName: 'range', assignments: [] }, caller))
    expect(synced.errorCode).toBe(ErrorCode.NONE)
    const beaten = await test.decide(state.heartbeat(member))
    expect([ErrorCode.NONE, ErrorCode.REBALANCE_IN_PROGRESS]).toContain(beaten.errorCode)
    const leavers = [{ memberId: named.memberId, groupInstanceId: null, reason: null }]
    const left = await test.decide(state.leave({ groupId: 'g', memberId: '', members: leavers }, caller))
    expect(left.members?.[0]?.errorCode).toBe(ErrorCode.NONE)
    await test.decide(state.consumerHeartbeat(consumerHeartbeat('AAAAAAAAAAAAAAAAAAAAAQ', -1), caller))
    expect(state.groups.get('g')).toMatchObject({ kind: 'consumer', memberCount: 0 })
    const later = await test.decide(state.join(joinRequest(''), caller))
    expect(later.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED)
    expect(state.groups.get('g')?.kind).toBe('classic')
  })

  it('of a consumer make a consumer group of a classic one', async () => {
    const { state, test } = open()
    test.topics.add('orders', 2)
    const named = await test.decide(state.join(joinRequest(''), caller))
    const joining = test.decide(state.join(joinRequest(named.memberId), caller))
    test.clock.advance(1)
    const joined = await joining
    const { generationId } = joined
    const member = { groupId: 'g', memberId: named.memberId, groupInstanceId: null, generationId: generationId ?? -1 }
    const assignments = [{ memberId: named.memberId, assignment: Buffer.from([0, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]) }]
    await test.decide(state.sync({ ...member, protocolType: 'consumer', protocolName: 'range', assignments }, caller))
    expect(state.groups.get('g')).toMatchObject({ kind: 'classic', state: 'Stable' })
    await test.decide(state.consumerHeartbeat(consumerHeartbeat('AAAAAAAAAAAAAAAAAAAAAQ', 0), caller))
    expect(state.groups.get('g')).toMatchObject({ kind: 'consumer', memberCount: 2 })
  })
})
