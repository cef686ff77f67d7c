// The `uniform` assignor where members subscribe to different topics (Kafka's UniformHeterogeneousAssignmentBuilder). First everybody keeps
// what it still subscribes to, then partitions of nobody go to the least loaded subscribers, topic by topic, then partitions move
// from loaded to less loaded subscribers of the same topic until nothing is gained or a bounded number of passes is done. Subscribers that
// have the same subscriptions end within one partition of each other; chains of partly overlapping ones may stay a little uneven.
import type { GroupSpec, PartitionsByTopic, TopicDescriber } from './assignor.ts'
import { existingPartitionCount } from './assignor.ts'
import { LoadLevels } from './load-levels.ts'

/** Balancing passes over all topics. The first does nearly all of the work; chains of overlapping subscriptions need more. */
const maxPasses = 16
const nobody = -1

/** A topic; members are indices into the group's order. */
interface Topic {
  readonly id: string
  /** In ascending order. */
  readonly subscribers: number[]
  /** Partition -> its member. */
  readonly owners: Int32Array
}

/** Target assignment of a group whose members subscribe to different topics. */
export function assignHeterogeneous(group: GroupSpec, topics: TopicDescriber): ReadonlyMap<string, PartitionsByTopic> {
  const draft = new Draft(group, topics)
  if (draft.topics.size === 0) return new Map()
  draft.keepSubscribed()
  draft.fill()
  draft.balance()
  return draft.target()
}

class Draft {
  readonly topics = new Map<string, Topic>()
  readonly #group: GroupSpec
  readonly #loads: Int32Array
  /** Members whose assignment is not what it was. */
  readonly #changed: Uint8Array
  readonly #levels: LoadLevels

  constructor(group: GroupSpec, topics: TopicDescriber) {
    this.#group = group
    this.#loads = new Int32Array(group.members.size)
    this.#changed = new Uint8Array(group.members.size)
    this.#levels = new LoadLevels(this.#loads)
    let member = 0
    for (const { subscribedTopicIds } of group.members.values()) {
      for (const id of subscribedTopicIds) {
        let topic = this.topics.get(id)
        if (topic === undefined) {
          topic = { id, subscribers: [], owners: new Int32Array(existingPartitionCount(topics, id)).fill(nobody) }
          this.topics.set(id, topic)
        }
        topic.subscribers.push(member)
      }
      member++
    }
  }

  /** Takes from members what they do not subscribe to any more. */
  keepSubscribed(): void {
    let member = 0
    for (const { assignment, subscribedTopicIds } of this.#group.members.values()) {
      for (const [topicId, partitions] of assignment) {
        const owners = subscribedTopicIds.has(topicId) ? this.topics.get(topicId)?.owners : undefined
        if (owners === undefined) this.#changed[member] = 1
        else for (const partition of partitions) this.#keep(owners, partition, member)
      }
      member++
    }
  }

  #keep(owners: Int32Array, partition: number, member: number): void {
    if (owners[partition] !== nobody) {
      // No such partition, or somebody before has it too: this member loses it.
      this.#changed[member] = 1
      return
    }
    owners[partition] = member
    this.#loads[member] = (this.#loads[member] ?? 0) + 1
  }

  /** Gives the partitions of nobody to the least loaded subscribers. */
  fill(): void {
    for (const topic of inOrder([...this.topics.values()].filter(({ owners }) => owners.includes(nobody)))) {
      this.#levels.start(topic.subscribers)
      for (let partition = 0; partition < topic.owners.length; partition++) {
        if (topic.owners[partition] === nobody) this.#give(topic, partition, this.#levels.taker())
      }
    }
  }

  /** Moves partitions to less loaded subscribers, until all topics in a row needed no move. */
  balance(): void {
    const topics = inOrder([...this.topics.values()].filter(({ subscribers }) => subscribers.length > 1))
    let last: Topic | undefined
    for (let pass = 0; pass < maxPasses; pass++) {
      for (const topic of topics) {
        if (topic === last) return
        const moved = this.#balanceTopic(topic)
        if (moved || last === undefined) last = topic
      }
    }
  }

  #balanceTopic(topic: Topic): boolean {
    if (this.#levels.spread(topic.subscribers) <= 1) return false
    this.#levels.start(topic.subscribers)
    // Only what members had at the beginning is given: what is moved here is moved once.
    const owned = new Map<number, number[]>()
    for (const [partition, owner] of topic.owners.entries()) {
      const partitions = owned.get(owner)
      if (partitions === undefined) owned.set(owner, [partition])
      else partitions.push(partition)
    }
    const canGive = (member: number): boolean => (owned.get(member)?.length ?? 0) > 0
    let moved = false
    for (;;) {
      const giver = this.#levels.giver(canGive)
      const partition = owned.get(giver)?.pop()
      if (partition === undefined) return moved
      const taker = this.#levels.taker()
      if (this.#levels.areEven) return moved
      this.#loads[giver] = (this.#loads[giver] ?? 0) - 1
      this.#changed[giver] = 1
      this.#give(topic, partition, taker)
      moved = true
      if (this.#levels.areEven) return moved
    }
  }

  #give(topic: Topic, partition: number, member: number): void {
    topic.owners[partition] = member
    this.#loads[member] = (this.#loads[member] ?? 0) + 1
    this.#changed[member] = 1
  }

  /** The new assignments of members whose assignment changed, the old ones of the others. */
  target(): ReadonlyMap<string, PartitionsByTopic> {
    const rebuilt = Array.from(this.#changed, changed => (changed === 1 ? new Map<string, Set<number>>() : undefined))
    for (const { id, owners } of this.topics.values()) {
      for (let partition = 0; partition < owners.length; partition++) {
        const assignment = rebuilt[owners[partition] ?? nobody]
        const partitions = assignment?.get(id)
        if (partitions === undefined) assignment?.set(id, new Set([partition]))
        else partitions.add(partition)
      }
    }
    const target = new Map<string, PartitionsByTopic>()
    let member = 0
    for (const [memberId, { assignment }] of this.#group.members) target.set(memberId, rebuilt[member++] ?? assignment)
    return target
  }
}

/** The topics whose subscribers must carry most come first, then those with few subscribers, then by topic id as Kafka compares uuids. */
function inOrder(topics: readonly Topic[]): Topic[] {
  const keyed = topics.map(topic => ({ topic, share: topic.owners.length / topic.subscribers.length, id: uuidHalves(topic.id) }))
  keyed.sort(
    (one, other) =>
      other.share - one.share ||
      one.topic.subscribers.length - other.topic.subscribers.length ||
      compare(one.id.high, other.id.high) ||
      compare(one.id.low, other.id.low),
  )
  return keyed.map(({ topic }) => topic)
}

const compare = (one: bigint, other: bigint): number => (one < other ? -1 : one > other ? 1 : 0)

/** The two signed numbers by which Kafka compares uuids. */
function uuidHalves(text: string): { high: bigint; low: bigint } {
  const bytes = Buffer.alloc(16)
  bytes.write(text, 'base64url')
  return { high: bytes.readBigInt64BE(0), low: bytes.readBigInt64BE(8) }
}
