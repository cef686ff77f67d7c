// Topics of the broker under test, asked for and changed by the protocol.
import {
  createTopicsApi,
  deleteTopicsApi,
  describeTransactionsApi,
  ErrorCode,
  findCoordinatorApi,
  KafkaError,
  listOffsetsApi,
  metadataApi,
  offsetFetchApi,
} from '@ottla/protocol'
import { asTexts, type TopicDeclaration } from '../options.ts'
import { throwIfError, type WireClient } from '../wire/wire-client.ts'
import { awaitState } from './await-state.ts'

/** Names of topics instead of ids. */
const DELETE_BY_NAME = 5
const OFFSETS_BY_NAME = 9
/** Kinds of coordinators. */
const GROUP = 0
const TRANSACTION = 1
const TIMEOUT_MS = 30_000
const LATEST = -1
const EARLIEST = -2
const READ_COMMITTED = 1

/** A topic that is there. */
export interface TopicSummary {
  readonly name: string
  readonly isInternal: boolean
  readonly partitions: number
}

/** All topics, or those of the names given that are there. */
export async function listTopics(wire: WireClient, names: readonly string[] | null = null): Promise<TopicSummary[]> {
  const { topics } = await wire.request(metadataApi, {
    topics: names?.map(name => ({ name })) ?? null,
    allowAutoTopicCreation: false,
  })
  return topics
    .filter(({ errorCode, name }) => errorCode === 0 && name !== null)
    .map(({ isInternal, name, partitions }) => ({ name: name ?? '', isInternal, partitions: partitions.length }))
}

/** The number of partitions of a topic. Throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, naming the topics that there are. */
export async function partitionCount(wire: WireClient, name: string): Promise<number> {
  const [topic] = await listTopics(wire, [name])
  if (topic !== undefined) return topic.partitions
  const others = (await listTopics(wire)).filter(({ isInternal }) => !isInternal).map(other => other.name)
  const there = others.length === 0 ? 'there are no topics' : `there are ${others.slice(0, 20).join(', ')}`
  throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${name}; ${there}`)
}

/** Creates topics. Throws KafkaError for the first that cannot be. */
export async function createTopics(wire: WireClient, topics: Readonly<Record<string, TopicDeclaration>>): Promise<void> {
  const wanted = Object.entries(topics).map(([name, declaration]) => {
    const { config = {}, partitions = 1 } = typeof declaration === 'number' ? { partitions: declaration } : declaration
    const configs = Object.entries(asTexts(config)).map(([setting, value]) => ({ name: setting, value }))
    return { name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs }
  })
  if (wanted.length === 0) return
  const answer = await wire.request(createTopicsApi, { topics: wanted, timeoutMs: TIMEOUT_MS })
  for (const topic of answer.topics) throwIfError(topic.errorCode, `creating the topic ${topic.name}`, topic.errorMessage)
}

/** Deletes topics. Throws KafkaError for the first that cannot be. */
export async function deleteTopics(wire: WireClient, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  const answer = await wire.request(deleteTopicsApi, { topicNames: names, timeoutMs: TIMEOUT_MS }, DELETE_BY_NAME)
  for (const topic of answer.responses) throwIfError(topic.errorCode, `deleting the topic ${topic.name}`, topic.errorMessage)
}

async function offsetsAt(
  wire: WireClient,
  name: string,
  at: { readonly partitions: readonly number[]; readonly timestamp: number; readonly isolationLevel: number },
): Promise<Map<number, number>> {
  const partitions = at.partitions.map(partitionIndex => ({ partitionIndex, timestamp: at.timestamp }))
  const request = { replicaId: -1, isolationLevel: at.isolationLevel, topics: [{ name, partitions }], timeoutMs: TIMEOUT_MS }
  const answer = await wire.request(listOffsetsApi, request)
  const found = answer.topics[0]?.partitions ?? []
  for (const { errorCode, partitionIndex } of found) throwIfError(errorCode, `offsets of ${name}-${partitionIndex}`)
  return new Map(found.map(({ offset, partitionIndex }) => [partitionIndex, offset]))
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

/** First offset of each partition. */
export const startOffsets = async (wire: WireClient, name: string): Promise<Map<number, number>> =>
  offsetsAt(wire, name, { partitions: upTo(await partitionCount(wire, name)), timestamp: EARLIEST, isolationLevel: 0 })

/** The offset behind the last record of each partition that a consumer may see. */
export const endOffsets = async (
  wire: WireClient,
  name: string,
  isolation: 'committed' | 'uncommitted' = 'committed',
): Promise<Map<number, number>> =>
  offsetsAt(wire, name, {
    partitions: upTo(await partitionCount(wire, name)),
    timestamp: LATEST,
    isolationLevel: isolation === 'committed' ? READ_COMMITTED : 0,
  })

/**
 * Has the internal topics made, so that the first group and the first transaction need not wait for them. Resolves when both can be used:
 * those that are made are loaded when they are found, those of a former broker (`mayLoad`) are asked for.
 */
export async function prepareCoordinators(wire: WireClient, { mayLoad }: { readonly mayLoad: boolean }): Promise<void> {
  const ask = async (keyType: number): Promise<boolean> => {
    const { coordinators } = await wire.request(findCoordinatorApi, { keyType, coordinatorKeys: ['@ottla/testing'] })
    return coordinators.every(({ errorCode }) => errorCode === 0)
  }
  const isLoaded = async (): Promise<boolean> => {
    const groups = await wire.request(offsetFetchApi, { groups: [{ groupId: '@ottla/testing', topics: null }] }, OFFSETS_BY_NAME)
    const transactions = await wire.request(describeTransactionsApi, { transactionalIds: ['@ottla/testing'] })
    const codes = [...groups.groups, ...transactions.transactionStates].map(({ errorCode }) => errorCode)
    return codes.every(code => code !== ErrorCode.COORDINATOR_LOAD_IN_PROGRESS && code !== ErrorCode.NOT_COORDINATOR)
  }
  await awaitState('coordinators', async () => {
    const areFound = await Promise.all([ask(GROUP), ask(TRANSACTION)])
    return !areFound.includes(false) && (!mayLoad || (await isLoaded())) ? { found: undefined } : { instead: 'They are not there yet' }
  })
}
