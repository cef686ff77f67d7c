// What a broker says of everything in its logs, in one order, so that two brokers can be compared.
import {
  consumerGroupDescribeApi,
  describeConfigsApi,
  describeGroupsApi,
  describeProducersApi,
  describeTransactionsApi,
  ErrorCode,
  fetchApi,
  listGroupsApi,
  listOffsetsApi,
  listTransactionsApi,
  metadataApi,
  offsetFetchApi,
  offsetForLeaderEpochApi,
} from '@ottla/protocol'
import type { Wire } from '../wire.ts'
import { until } from './asking.ts'

/** A topic of a broker, with what it was created with. */
export interface Topic {
  readonly name: string
  readonly id: string
  readonly partitions: number
  readonly leaderEpoch: number
  readonly configs: Readonly<Record<string, string>>
}

const TOPIC = 2
/** A setting of the topic itself. */
const DYNAMIC_TOPIC_CONFIG = 1

/** All topics, in the order of their names. */
export async function topicsOf(wire: Wire): Promise<Topic[]> {
  const body = { topics: null, allowAutoTopicCreation: false, includeTopicAuthorizedOperations: false }
  const { topics } = await wire.ask(metadataApi, 12, body)
  const resources = topics.map(({ name }) => ({ resourceType: TOPIC, resourceName: name ?? '', configurationKeys: null }))
  const { results } = await wire.ask(describeConfigsApi, 4, { resources })
  const found = topics.map(({ name, topicId, partitions }) => {
    const configs = results.find(({ resourceName }) => resourceName === name)?.configs ?? []
    const own = configs.filter(({ configSource }) => configSource === DYNAMIC_TOPIC_CONFIG)
    return {
      name: name ?? '',
      id: topicId,
      partitions: partitions.length,
      leaderEpoch: Math.max(...partitions.map(({ leaderEpoch }) => leaderEpoch)),
      configs: Object.fromEntries(own.map(config => [config.name, config.value ?? ''])),
    }
  })
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Arrays of objects in the order of their text; bytes as text. */
const inOrder = (value: unknown): unknown => {
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (Array.isArray(value)) {
    const items = value.map(inOrder)
    return items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, inOrder(field)]))
}

const numbers = (count: number) => Array.from({ length: count }, (_, number) => number)
const END = -1
/** Special timestamps of ListOffsets: the end, the start, the largest timestamp. */
const moments = [END, -2, -3]

async function groupAnswers(wire: Wire): Promise<Record<string, unknown>> {
  const { groups } = await wire.ask(listGroupsApi, 5, { statesFilter: [], typesFilter: [] })
  const idsOf = (type: string) => groups.filter(({ groupType }) => groupType === type).map(({ groupId }) => groupId)
  const classic = await wire.ask(describeGroupsApi, 6, { groups: idsOf('classic'), includeAuthorizedOperations: false })
  const consumer = await wire.ask(consumerGroupDescribeApi, 1, { groupIds: idsOf('consumer'), includeAuthorizedOperations: false })
  const all = groups.map(({ groupId }) => ({ groupId, topics: null }))
  const offsets = async (requireStable: boolean) => (await wire.ask(offsetFetchApi, 9, { groups: all, requireStable })).groups
  return { groups, classic: classic.groups, consumer: consumer.groups, offsets: await offsets(false), stableOffsets: await offsets(true) }
}

async function transactionAnswers(wire: Wire): Promise<Record<string, unknown>> {
  const { transactionStates } = await wire.ask(listTransactionsApi, 1, { stateFilters: [], producerIdFilters: [] })
  const transactionalIds = transactionStates.map(({ transactionalId }) => transactionalId)
  const described = await wire.ask(describeTransactionsApi, 0, { transactionalIds })
  return { transactions: transactionStates, described: described.transactionStates }
}

/** A partition as both kinds of readers fetch it. */
async function fetched(wire: Wire, topic: string, partition: number, fetchOffset: number): Promise<unknown[]> {
  const answers: unknown[] = []
  for (const isolationLevel of [0, 1]) {
    const { responses } = await wire.ask(fetchApi, 11, {
      maxWaitMs: 0,
      minBytes: 0,
      isolationLevel,
      topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 50_000_000 }] }],
      forgottenTopicsData: [],
    })
    answers.push(responses[0]?.partitions[0])
  }
  return answers
}

async function partitionAnswers(wire: Wire, { name, partitions, leaderEpoch }: Topic): Promise<Record<string, unknown>> {
  const answers: Record<string, unknown> = {}
  let isEmpty = false
  const list = async (isolationLevel: number, timestamp: number) => {
    const asked = numbers(partitions).map(partitionIndex => ({ partitionIndex, timestamp }))
    const answer = await wire.ask(listOffsetsApi, 7, { replicaId: -1, isolationLevel, topics: [{ name, partitions: asked }] })
    // The leader epoch of an end, and of the start of an empty log, is that of the leader.
    const isLeaders = timestamp === END || isEmpty
    return answer.topics[0]?.partitions.map(one => (isLeaders ? { ...one, leaderEpoch: 0 } : one))
  }
  const starts = await list(0, -2)
  const ends = await list(0, END)
  isEmpty = JSON.stringify(starts?.map(({ offset }) => offset)) === JSON.stringify(ends?.map(({ offset }) => offset))
  for (const timestamp of [...moments, Date.now() - 3_600_000])
    answers[`offsets at ${timestamp < 0 ? timestamp : 'an hour ago'}`] = [await list(0, timestamp), await list(1, timestamp)]
  const producers = await wire.ask(describeProducersApi, 0, { topics: [{ name, partitionIndexes: numbers(partitions) }] })
  answers.producers = producers.topics
  for (const partition of numbers(partitions)) {
    const start = starts?.find(({ partitionIndex }) => partitionIndex === partition)?.offset ?? 0
    answers[`records of ${partition}`] = await fetched(wire, name, partition, start)
    const epochs: unknown[] = []
    // Of those before the leader's own.
    for (const epoch of numbers(leaderEpoch)) {
      const asked = [{ topic: name, partitions: [{ partition, leaderEpoch: epoch }] }]
      epochs.push((await wire.ask(offsetForLeaderEpochApi, 4, { topics: asked })).topics[0]?.partitions[0])
    }
    answers[`epochs of ${partition}`] = epochs
  }
  return answers
}

/** Everything. */
export async function answersOf(wire: Wire, topics: readonly Topic[]): Promise<Record<string, unknown>> {
  const answers: Record<string, unknown> = { ...(await groupAnswers(wire)), ...(await transactionAnswers(wire)) }
  for (const topic of topics) {
    for (const [what, answer] of Object.entries(await partitionAnswers(wire, topic))) answers[`${topic.name}: ${what}`] = answer
  }
  return Object.fromEntries(Object.entries(answers).map(([what, answer]) => [what, inOrder(answer)]))
}

/** Waits until every partition is led, and its coordinators have loaded what they say they have. */
export async function loaded(wire: Wire, topics: readonly Topic[]): Promise<void> {
  await until(async () => {
    for (const { name, partitions } of topics) {
      const asked = numbers(partitions).map(partitionIndex => ({ partitionIndex, timestamp: -1 }))
      const answer = await wire.ask(listOffsetsApi, 7, { replicaId: -1, isolationLevel: 0, topics: [{ name, partitions: asked }] })
      if (answer.topics[0]?.partitions.some(({ errorCode }) => errorCode !== ErrorCode.NONE)) return false
    }
    const lists = [
      await wire.ask(listGroupsApi, 5, { statesFilter: [], typesFilter: [] }),
      await wire.ask(listTransactionsApi, 1, { stateFilters: [], producerIdFilters: [] }),
    ]
    return lists.every(({ errorCode }) => errorCode === ErrorCode.NONE)
  }, 'all being led')
}
