// What the leader of a classic group does: it learns about all topics that members subscribe, has the group's assigner decide who gets what, and from then on
// watches whether these topics change, which asks for a new round.
import { type JoinGroupResponse, KafkaError } from '@ottla/protocol'
import type { Cluster, ClusterImage } from '../../../cluster/cluster.ts'
import { KafkaJSNonRetriableError, KafkaJSProtocolError } from '../../../errors/index.ts'
import type { Assigner, GroupMember, GroupMemberAssignment } from '../../assignors/types.ts'
import { parseAssignment, parseSubscription } from '../../assignors/consumer-protocol.ts'
import { partitionKey } from '../../assignors/topic-partitions.ts'

/** Of partitions that several members claim, this one knows whom to believe; what members of older clients say does not tell that (as in Kafka). */
const KNOWN_GOOD = 'cooperative-sticky'

/** What a leader needs. */
export interface LeaderWorld {
  readonly cluster: Cluster
  readonly assigners: readonly Assigner[]
  /** Topics that the member subscribes itself. */
  ownTopics(): readonly string[]
  /** Told when the topics of the group have changed since the assignment was made. */
  changed(topic: string): void
}

/** The leading of a group by one member; begins with `assign` and ends with `stop`. */
export class GroupLeader {
  readonly #world: LeaderWorld
  #snapshot = new Map<string, string>()
  #stopWatching: (() => void) | undefined

  constructor(world: LeaderWorld) {
    this.#world = world
  }

  /** Decides who gets what; nothing at all where the coordinator says to leave it as it is (KIP-814). Rejects with KafkaJSNonRetriableError. */
  async assign(joined: JoinGroupResponse): Promise<readonly GroupMemberAssignment[]> {
    const name = joined.protocolName ?? ''
    const assigner = this.#world.assigners.find(candidate => candidate.name === name)
    if (assigner === undefined) {
      throw new KafkaJSNonRetriableError(`Unsupported partition assigner "${name}", the assigner wasn't found in the assigners list`)
    }
    const members = joined.members.map(({ memberId, groupInstanceId, metadata }) => ({
      memberId,
      memberMetadata: metadata,
      groupInstanceId,
    }))
    const topics = this.#topicsOf(members)
    await this.#learn(topics)
    this.#watch(topics)
    if (joined.skipAssignment) return []
    try {
      const assignments = await assigner.assign({ members, topics: [...topics] })
      if (name !== KNOWN_GOOD && assigner.rebalanceProtocols?.includes('cooperative') === true) checkOwners(members, assignments)
      return assignments
    } catch (error) {
      if (error instanceof KafkaError)
        throw new KafkaJSNonRetriableError(`The assigner "${name}" cannot read what members say: ${error.message}`)
      throw error
    }
  }

  /** Another member leads, or nobody. */
  stop(): void {
    this.#stopWatching?.()
    this.#stopWatching = undefined
    const own = new Set(this.#world.ownTopics())
    this.#world.cluster.forget([...this.#snapshot.keys()].filter(topic => !own.has(topic)))
    this.#snapshot = new Map()
  }

  /** Metadata of an assigner of its own kind may be anything: such a member is taken to subscribe what the leader does. */
  #topicsOf(members: readonly GroupMember[]): readonly string[] {
    const topics = new Set(this.#world.ownTopics())
    for (const { memberMetadata } of members) {
      try {
        for (const topic of parseSubscription(memberMetadata).topics) topics.add(topic)
      } catch (error) {
        this.#world.cluster.logger.debug('Metadata of a group member cannot be read', { error: String(error) })
      }
    }
    return [...topics]
  }

  /** Topics that are not there get no assignment until they are. Rejects when the cluster could not be asked. */
  async #learn(topics: readonly string[]): Promise<void> {
    const { cluster } = this.#world
    const unknown = topics.filter(topic => !cluster.image.topics.has(topic))
    if (unknown.length < topics.length) await cluster.refresh()
    const asked = await Promise.allSettled(unknown.map(topic => cluster.topics([topic], { allowAutoTopicCreation: false })))
    for (const [index, outcome] of asked.entries()) {
      if (outcome.status === 'fulfilled') continue
      if (!(outcome.reason instanceof KafkaJSProtocolError)) throw outcome.reason
      cluster.logger.warn('A subscribed topic has no metadata and is not assigned', {
        topic: unknown[index],
        error: String(outcome.reason),
      })
    }
  }

  #watch(topics: readonly string[]): void {
    this.#stopWatching?.()
    const { cluster } = this.#world
    this.#snapshot = new Map(topics.map(topic => [topic, shapeOf(cluster.image, topic)]))
    this.#stopWatching = cluster.onChange(image => {
      for (const [topic, shape] of this.#snapshot) {
        const now = shapeOf(image, topic)
        if (now === shape) continue
        this.#snapshot.set(topic, now)
        this.#world.changed(topic)
      }
    })
  }
}

/** What an assignment depends on: how many partitions there are, and the racks of their replicas. */
function shapeOf(image: ClusterImage, topic: string): string {
  const partitions = image.topics.get(topic)?.partitions ?? []
  const racks = partitions.map(({ replicas }) =>
    replicas
      .map(id => image.nodes.get(id)?.rack ?? '')
      .toSorted()
      .join(),
  )
  return `${partitions.length} ${racks.some(rack => /[^,]/.test(rack)) ? racks.join(';') : ''}`
}

/** With the cooperative protocol a partition goes to its new owner only after the old one gave it up, in the round after this one. */
function checkOwners(members: readonly GroupMember[], assignments: readonly GroupMemberAssignment[]): void {
  const owners = new Map<string, { memberId: string; generationId: number }>()
  for (const { memberId, memberMetadata } of members) {
    const { ownedPartitions, generationId = -1 } = parseSubscription(memberMetadata)
    for (const partition of ownedPartitions) {
      const key = partitionKey(partition)
      if ((owners.get(key)?.generationId ?? -2) < generationId) owners.set(key, { memberId, generationId })
    }
  }
  for (const { memberId, memberAssignment } of assignments) {
    for (const partition of parseAssignment(memberAssignment).partitions) {
      const owner = owners.get(partitionKey(partition))
      if (owner === undefined || owner.memberId === memberId) continue
      throw new KafkaJSNonRetriableError(
        `The assigner gives partition ${partition.partition} of ${partition.topic} to ${memberId} while ${owner.memberId} owns it: a cooperative assigner has it given up first`,
      )
    }
  }
}
