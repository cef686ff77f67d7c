// Requests with the fields that every scenario fills in the same way.
import { consumerProtocolSubscription, type RequestInitOf, storedCodec, Writer } from '@ottla/protocol'
import type {
  consumerGroupHeartbeatApi,
  heartbeatApi,
  joinGroupApi,
  leaveGroupApi,
  offsetCommitApi,
  offsetFetchApi,
  syncGroupApi,
} from '@ottla/protocol'

type Join = RequestInitOf<typeof joinGroupApi>
type Sync = RequestInitOf<typeof syncGroupApi>
type Beat = RequestInitOf<typeof heartbeatApi>
type ConsumerBeat = RequestInitOf<typeof consumerGroupHeartbeatApi>
type Commit = RequestInitOf<typeof offsetCommitApi>
type Fetch = RequestInitOf<typeof offsetFetchApi>
type Leave = RequestInitOf<typeof leaveGroupApi>

/** What a classic consumer brings as metadata, in version 0 to 3. */
export function subscription(topics: readonly string[], version = 1): Buffer {
  const writer = new Writer()
  writer.int16(version)
  storedCodec(consumerProtocolSubscription, version).write(writer, { topics: [...topics], userData: null, ownedPartitions: [] })
  return writer.bytes()
}

export const join = (groupId: string, over: Partial<Join> = {}): Join => ({
  groupId,
  sessionTimeoutMs: 30_000,
  rebalanceTimeoutMs: 30_000,
  memberId: '',
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: subscription(['nowhere']) }],
  ...over,
})

export const sync = (groupId: string, over: Partial<Sync> = {}): Sync => ({
  groupId,
  generationId: 1,
  memberId: 'nobody',
  assignments: [],
  ...over,
})

export const beat = (groupId: string, over: Partial<Beat> = {}): Beat => ({ groupId, generationId: 1, memberId: 'nobody', ...over })

export const leave = (groupId: string, memberId: string, over: Partial<Leave> = {}): Leave => ({
  groupId,
  memberId,
  members: [{ memberId }],
  ...over,
})

/** The first heartbeat of a member, unless told otherwise. */
export const consumerBeat = (groupId: string, over: Partial<ConsumerBeat> = {}): ConsumerBeat => ({
  groupId,
  memberId: 'member',
  memberEpoch: 0,
  rebalanceTimeoutMs: 30_000,
  subscribedTopicNames: [],
  topicPartitions: [],
  ...over,
})

/** A later one, in which nothing has changed. */
export const consumerBeatAgain = (groupId: string, memberEpoch: number, over: Partial<ConsumerBeat> = {}): ConsumerBeat => ({
  groupId,
  memberId: 'member',
  memberEpoch,
  ...over,
})

export interface Named {
  readonly name: string
  readonly id: string
}

/** A commit of partition 0 by nobody in particular. */
export const commit = (groupId: string, { name, id }: Named, over: Partial<Commit> = {}): Commit => ({
  groupId,
  memberId: '',
  topics: [{ name, topicId: id, partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: 'note' }] }],
  ...over,
})

/** Partitions 0 and 1 of topics, or all. */
export const fetch = (groupId: string, topics: readonly Named[] | null, over: Partial<Fetch> = {}): Fetch => ({
  groupId,
  topics: topics === null ? null : topics.map(({ name }) => ({ name, partitionIndexes: [0, 1] })),
  groups: [{ groupId, topics: topics === null ? null : topics.map(({ name, id }) => ({ name, topicId: id, partitionIndexes: [0, 1] })) }],
  ...over,
})
