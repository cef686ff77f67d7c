// Groups on a whole broker, as Prometheus sees them.
import {
  BatchBuilder,
  createTopicsApi,
  deleteGroupsApi,
  ErrorCode,
  findCoordinatorApi,
  offsetCommitApi,
  offsetDeleteApi,
  produceApi,
} from '@ottla/protocol'
import { afterEach, expect, it } from 'vitest'
import { SimulatedBroker } from '../broker-simulation.ts'
import { groupMetrics } from './group-metrics.ts'
import { registryOf } from './render.ts'

let broker: SimulatedBroker | undefined
afterEach(() => broker?.close())

async function start(): Promise<{ readonly by: SimulatedBroker; readonly scrape: () => Promise<Map<string, number>> }> {
  const by = (broker = await SimulatedBroker.start(1))
  await by.ask(createTopicsApi, 7, {
    topics: [{ name: 'orders', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }],
  })
  await by.ask(findCoordinatorApi, 3, { key: 'any', keyType: 0 })
  if (by.groups === undefined) throw new Error('not started')
  const registry = registryOf(groupMetrics(by.groups))
  const scrape = async () => {
    const lines = (await registry.metrics()).split('\n').filter(line => line.startsWith('kafka_'))
    return new Map(lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]))
  }
  return { by, scrape }
}

/** Produces records of these times. */
async function produce(to: SimulatedBroker, index: number, timestamps: readonly number[]): Promise<void> {
  const builder = new BatchBuilder({})
  for (const timestamp of timestamps) builder.append({ timestamp, value: 'v' })
  const topicData = [{ name: 'orders', partitionData: [{ index, records: builder.build().bytes }] }]
  const answer = await to.ask(produceApi, 9, { acks: -1, timeoutMs: 1000, topicData })
  expect(answer?.responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.NONE)
}

async function commit(to: SimulatedBroker, groupId: string, offsets: Readonly<Record<number, number>>): Promise<void> {
  const partitions = Object.entries(offsets).map(([partition, committedOffset]) => ({
    partitionIndex: Number(partition),
    committedOffset,
    committedMetadata: null,
  }))
  const topics = [{ name: 'orders', partitions }]
  const answer = await to.ask(offsetCommitApi, 8, { groupId, generationIdOrMemberEpoch: -1, memberId: '', topics })
  const code = answer?.topics[0]?.partitions[0]?.errorCode
  if (code === ErrorCode.NONE) return
  expect([ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR]).toContain(code)
  await new Promise(resolve => setImmediate(resolve))
  await commit(to, groupId, offsets)
}

it('lag is told in records and in seconds', async () => {
  const { by, scrape } = await start()
  const now = by.clock.now()
  await produce(by, 0, [now - 9_000, now - 6_000, now - 3_000])
  await commit(by, 'g', { 0: 1, 1: 0 })
  const first = await scrape()
  const at = (name: string, labels: string) => first.get(`kafka_consumergroup_${name}{consumergroup="g"${labels}}`)
  expect(at('current_offset', ',topic="orders",partition="0"')).toBe(1)
  expect(at('current_offset_sum', ',topic="orders"')).toBe(1)
  expect(at('lag', ',topic="orders",partition="0"')).toBe(2)
  expect(at('lag', ',topic="orders",partition="1"')).toBe(0)
  expect(at('lag_sum', ',topic="orders"')).toBe(2)
  expect(at('lag_seconds', ',topic="orders",partition="0"')).toBe(6)
  expect(at('lag_seconds', ',topic="orders",partition="1"')).toBe(0)
  expect(at('members', '')).toBe(0)
  expect(first.get('kafka_consumergroup_omitted')).toBe(0)
  by.clock.advance(500)
  await commit(by, 'g', { 0: 2 })
  const second = await scrape()
  expect(second.get('kafka_consumergroup_lag_seconds{consumergroup="g",topic="orders",partition="0"}')).toBe(3.5)
  await commit(by, 'g', { 0: 3 })
  const third = await scrape()
  expect(third.get('kafka_consumergroup_lag{consumergroup="g",topic="orders",partition="0"}')).toBe(0)
  expect(third.get('kafka_consumergroup_lag_seconds{consumergroup="g",topic="orders",partition="0"}')).toBe(0)
})

it('groups and offsets are counted, and their series go with them', async () => {
  const { by, scrape } = await start()
  await commit(by, 'g', { 0: 1, 1: 0 })
  await commit(by, 'h', { 0: 1 })
  by.groups?.history.rebalanced({
    groupId: 'g',
    groupType: 'classic',
    startedAtMs: 5_000,
    durationMs: 250,
    memberId: 'm',
    clientId: 'c',
    reason: 'somebody "else" joined',
    generation: 1,
    assignment: null,
  })
  const first = await scrape()
  expect(first.get('kafka_coordinator_group_groupmetadatamanager_numgroups')).toBe(2)
  expect(first.get('kafka_coordinator_group_groupmetadatamanager_numgroupsempty')).toBe(2)
  expect(first.get('kafka_coordinator_group_groupmetadatamanager_numgroupspreparingrebalance')).toBe(0)
  expect(first.get('kafka_coordinator_group_groupmetadatamanager_numoffsets')).toBe(3)
  expect(first.get('kafka_server_group_coordinator_metrics_group_count{protocol="classic"}')).toBe(2)
  expect(first.get('kafka_server_group_coordinator_metrics_consumer_group_count{state="Stable"}')).toBe(0)
  expect(first.get('kafka_server_group_coordinator_metrics_offset_commit_count')).toBe(3)
  expect(first.get('kafka_server_group_coordinator_metrics_group_completed_rebalance_count')).toBe(1)
  expect(first.get('kafka_consumergroup_rebalances_total{consumergroup="g"}')).toBe(1)
  expect(first.get('kafka_consumergroup_rebalance_seconds_total{consumergroup="g"}')).toBe(0.25)
  expect(first.get('kafka_consumergroup_last_rebalance_timestamp_seconds{consumergroup="g"}')).toBe(5)
  await by.ask(offsetDeleteApi, 0, { groupId: 'h', topics: [{ name: 'orders', partitions: [{ partitionIndex: 0 }] }] })
  await by.ask(deleteGroupsApi, 2, { groupsNames: ['g'] })
  const second = await scrape()
  expect([...second.keys()].filter(name => name.includes('consumergroup="g"'))).toEqual([])
  expect(second.get('kafka_coordinator_group_groupmetadatamanager_numoffsets')).toBe(0)
  expect(second.get('kafka_server_group_coordinator_metrics_offset_deletion_count')).toBe(1)
  expect(second.get('kafka_server_group_coordinator_metrics_offset_commit_count')).toBe(3)
})

it('ids of groups are shown whatever is in them', async () => {
  const { by, scrape } = await start()
  const groupId = 'a "b"\\c\nd\r\u0000é,topic:x}'
  await commit(by, groupId, { 0: 0 })
  const escaped = 'a \\"b\\"\\\\c\\nd\r\u0000é,topic:x}'
  expect((await scrape()).get(`kafka_consumergroup_lag{consumergroup="${escaped}",topic="orders",partition="0"}`)).toBe(0)
})
