// The only member of a group, over this project's own codecs, in the classic protocol or in the consumer protocol (KIP-848). It remembers
// what was acknowledged: when the broker comes back it goes on at its committed offsets, and those must be the ones of its last commit.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  batchesIn,
  consumerGroupHeartbeatApi,
  ErrorCode,
  fetchApi,
  findCoordinatorApi,
  joinGroupApi,
  offsetCommitApi,
  offsetFetchApi,
  recordsOf,
  syncGroupApi,
} from '@ottla/protocol'
import type { BrokerProcess } from '../compat/broker.ts'
import { Wire } from '../compat/wire.ts'

/** Which group, and what it reads. */
export interface GroupReading {
  readonly group: string
  readonly protocol: 'classic' | 'consumer'
  readonly topic: string
  readonly partitions: number
}

/** The coordinator is not there yet. */
const coming = new Set<number>([ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.NOT_COORDINATOR])
const loadTimeoutMs = 20_000

export class GroupConsumer {
  readonly reading: GroupReading
  /** What must not be. */
  readonly wrong: string[] = []
  commits = 0
  joins = 0
  /** Partition -> the last commit that was acknowledged; -1 before the first. */
  readonly #acknowledged: number[]
  /** Partition -> the commit whose answer did not come yet. */
  readonly #asked = new Map<number, number>()
  /** Partition -> the next offset to read. */
  readonly #positions: number[]
  #memberId = ''
  /** Generation or member epoch; -1 while it is in no group. */
  #epoch = -1

  constructor(reading: GroupReading) {
    this.reading = reading
    this.#acknowledged = Array.from({ length: reading.partitions }, () => -1)
    this.#positions = this.#acknowledged.map(() => 0)
  }

  /** Goes on at the committed offsets, then reads and commits until told to stop or the broker is gone. */
  async run(broker: BrokerProcess, goesOn: () => boolean): Promise<void> {
    try {
      await using wire = await Wire.connect(broker.port)
      await this.#resume(wire)
      while (goesOn()) {
        if (this.#epoch < 0) await this.#join(wire)
        const read = await this.#read(wire)
        if (read.size === 0) await sleep(10)
        else await this.#commit(wire, read)
      }
    } catch (error) {
      // The broker is gone; a commit that was not acknowledged may or may not be there.
      if (!(error instanceof Error) || !/closed the connection|ECONN|EPIPE/.test(error.message)) throw error
    }
  }

  /** Asks again while the coordinator is not there. */
  async #whenThere<T>(ask: () => Promise<T>, errorOf: (answer: T) => number | undefined): Promise<T> {
    for (const deadline = Date.now() + loadTimeoutMs; ; await sleep(20)) {
      const answer = await ask()
      const error = errorOf(answer) ?? ErrorCode.UNKNOWN_SERVER_ERROR
      if (error === ErrorCode.NONE || !coming.has(error)) return answer
      if (Date.now() > deadline) throw new Error(`${this.reading.group}: the coordinator did not come, error ${error}`)
    }
  }

  /** Looks for the group's committed offsets, which must be those of the last commit, acknowledged or under way when the broker went. */
  async #resume(wire: Wire): Promise<void> {
    const { group, topic } = this.reading
    await this.#whenThere(
      () => wire.ask(findCoordinatorApi, 4, { keyType: 0, coordinatorKeys: [group] }),
      answer => answer.coordinators[0]?.errorCode,
    )
    const partitionIndexes = [...this.#positions.keys()]
    const answer = await this.#whenThere(
      () => wire.ask(offsetFetchApi, 8, { groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes }] }], requireStable: true }),
      found => found.groups[0]?.errorCode,
    )
    const found = answer.groups[0]?.topics[0]?.partitions ?? []
    if (found.length !== partitionIndexes.length) this.wrong.push(`offsets of ${found.length} partitions came`)
    for (const { partitionIndex, committedOffset } of found) {
      const acknowledged = this.#acknowledged[partitionIndex] ?? -1
      const asked = this.#asked.get(partitionIndex)
      if (committedOffset !== acknowledged && committedOffset !== asked)
        this.wrong.push(
          `${topic}-${partitionIndex} goes on at ${committedOffset}, acknowledged was ${acknowledged}, under way ${asked ?? 'nothing'}`,
        )
      this.#acknowledged[partitionIndex] = committedOffset
      this.#positions[partitionIndex] = Math.max(0, committedOffset)
    }
    this.#asked.clear()
  }

  async #join(wire: Wire): Promise<void> {
    this.joins += 1
    if (this.reading.protocol === 'classic') await this.#joinClassic(wire)
    else await this.#joinConsumer(wire)
  }

  async #joinClassic(wire: Wire): Promise<void> {
    const { group } = this.reading
    const timeouts = { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 30_000 }
    const request = { groupId: group, ...timeouts, protocolType: 'durability', protocols: [{ name: 'all', metadata: Buffer.alloc(0) }] }
    const first = await wire.ask(joinGroupApi, 5, { ...request, memberId: '' })
    const joined = await wire.ask(joinGroupApi, 5, { ...request, memberId: first.memberId })
    const { generationId, memberId } = joined
    if (joined.errorCode !== ErrorCode.NONE) throw new Error(`${group}: JoinGroup error ${joined.errorCode}`)
    const assignments = [{ memberId, assignment: Buffer.from('all') }]
    const synced = await wire.ask(syncGroupApi, 3, { groupId: group, generationId, memberId, assignments })
    if (synced.errorCode !== ErrorCode.NONE) throw new Error(`${group}: SyncGroup error ${synced.errorCode}`)
    this.#memberId = memberId
    this.#epoch = generationId
  }

  async #joinConsumer(wire: Wire): Promise<void> {
    const { group, topic, partitions } = this.reading
    const memberId = randomUUID()
    const request = { groupId: group, memberId, rebalanceTimeoutMs: 30_000, subscribedTopicNames: [topic] }
    const answer = await wire.ask(consumerGroupHeartbeatApi, 1, { ...request, memberEpoch: 0, topicPartitions: [] })
    if (answer.errorCode !== ErrorCode.NONE) throw new Error(`${group}: ConsumerGroupHeartbeat error ${answer.errorCode}`)
    const topicPartitions = answer.assignment?.topicPartitions ?? []
    if (topicPartitions[0]?.partitions.length !== partitions) throw new Error(`${group}: the only member was not given everything`)
    await wire.ask(consumerGroupHeartbeatApi, 1, { ...request, memberEpoch: answer.memberEpoch, topicPartitions })
    this.#memberId = memberId
    this.#epoch = answer.memberEpoch
  }

  /** One fetch; partition -> the offset after the last record that came. */
  async #read(wire: Wire): Promise<Map<number, number>> {
    const { topic } = this.reading
    const partitions = this.#positions.map((fetchOffset, partition) => ({ partition, fetchOffset, partitionMaxBytes: 4000 }))
    const answer = await wire.ask(fetchApi, 11, {
      replicaId: -1,
      maxWaitMs: 20,
      minBytes: 1,
      maxBytes: 1_000_000,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic, partitions }],
      forgottenTopicsData: [],
      rackId: '',
    })
    const read = new Map<number, number>()
    for (const { partitionIndex, records } of answer.responses[0]?.partitions ?? []) {
      let due = this.#positions[partitionIndex] ?? 0
      for (const batch of records === null ? [] : batchesIn(records))
        for (const record of recordsOf(batch)) {
          if (record.offset < due) continue
          if (record.offset !== due) this.wrong.push(`${topic}-${partitionIndex}: ${record.offset} came where ${due} was due`)
          due = record.offset + 1
        }
      if (due > (this.#positions[partitionIndex] ?? 0)) read.set(partitionIndex, due)
    }
    return read
  }

  async #commit(wire: Wire, read: ReadonlyMap<number, number>): Promise<void> {
    const { group, topic } = this.reading
    const partitions = [...read].map(([partitionIndex, committedOffset]) => ({ partitionIndex, committedOffset, committedMetadata: null }))
    for (const [partition, offset] of read) this.#asked.set(partition, offset)
    const member = { memberId: this.#memberId, generationIdOrMemberEpoch: this.#epoch }
    const answer = await wire.ask(offsetCommitApi, 9, { groupId: group, ...member, topics: [{ name: topic, partitions }] })
    for (const { partitionIndex, errorCode } of answer.topics[0]?.partitions ?? []) {
      const offset = read.get(partitionIndex) ?? 0
      this.#asked.delete(partitionIndex)
      if (errorCode === ErrorCode.NONE) {
        this.#acknowledged[partitionIndex] = offset
        this.#positions[partitionIndex] = offset
        this.commits += 1
      } else if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID || errorCode === ErrorCode.ILLEGAL_GENERATION) this.#epoch = -1
      else if (!coming.has(errorCode)) throw new Error(`${group}: OffsetCommit error ${errorCode}`)
    }
  }
}
