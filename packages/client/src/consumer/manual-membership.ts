// Partitions that the program itself names: no group, no heartbeats, no rebalances. With a group id offsets are committed as a group's
// that has no members (generation -1), as Java's consumer does after `assign`.
import type { Cluster } from '../cluster/cluster.ts'
import { KafkaJSNonRetriableError } from '../errors/index.ts'
import { commitOffsets, committedOffsets } from './group/offsets.ts'
import type { AssignmentListener, CommittedOffset, JoinFacts, Membership, OffsetToCommit, TopicPartition } from './parts.ts'

/** A membership of nothing. */
export class ManualMembership implements Membership {
  readonly #cluster: Cluster
  readonly #groupId: string | null
  readonly #listener: AssignmentListener
  readonly assignment: readonly TopicPartition[]
  readonly #ending = new AbortController()
  facts: JoinFacts | null = null
  #left: Promise<void> | undefined

  constructor(cluster: Cluster, about: { groupId: string | null; partitions: readonly TopicPartition[] }, listener: AssignmentListener) {
    this.#cluster = cluster
    this.#groupId = about.groupId
    this.#listener = listener
    this.assignment = about.partitions.map(({ topic, partition }) => ({ topic, partition }))
  }

  async join(): Promise<void> {
    const groupId = this.#groupId ?? ''
    this.facts = { groupId, memberId: '', leaderId: '', isLeader: false, generationId: -1, groupProtocol: '', duration: 0 }
    await this.#listener.assigned(this.assignment, this.facts)
  }

  async subscribe(): Promise<void> {}

  rebalance(): void {}

  async heartbeat(): Promise<void> {}

  standAside(): void {}

  goOn(): void {}

  async commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    if (this.#groupId === null) throw new KafkaJSNonRetriableError('A consumer without a groupId has nowhere to commit offsets')
    await commitOffsets(this.#cluster, this.#groupId, offsets, { signal: this.#ending.signal })
  }

  async committed(partitions: readonly TopicPartition[]): Promise<CommittedOffset[]> {
    if (this.#groupId === null) return []
    return committedOffsets(this.#cluster, this.#groupId, partitions, { requireStable: true, signal: this.#ending.signal })
  }

  groupMetadata(): ReturnType<Membership['groupMetadata']> {
    return { groupId: this.#groupId ?? '', generationId: -1, memberId: '', groupInstanceId: null }
  }

  leave(): Promise<void> {
    this.#left ??= this.#listener.revoked(this.assignment).finally(() => this.#ending.abort(new Error('The consumer was stopped')))
    return this.#left
  }
}
