// Kafka's RangeAssignor: of each topic, members get runs of consecutive partitions in the order of the members, so that topics with equally many partitions are
// divided alike. Where racks matter (KIP-881), partitions with a replica in a member's rack are given out first, and of topics that are divided
// alike the same numbers go to the same member.
import {
  type AssignableMember,
  type AssignablePartition,
  compareMembers,
  emptyOutput,
  type GroupInput,
  type GroupOutput,
  racksMatter,
} from './group-input.ts'
import { compareTopicPartitions } from './topic-partitions.ts'

/** One topic while it is being divided. */
class DividedTopic {
  readonly members: readonly AssignableMember[]
  readonly partitions: readonly AssignablePartition[]
  readonly needsRacks: boolean
  #left: AssignablePartition[]
  readonly #counts = new Map<string, number>()
  readonly #share: number
  #extras: number

  constructor(members: readonly AssignableMember[], partitions: readonly AssignablePartition[]) {
    this.members = members
    this.partitions = partitions
    this.needsRacks = racksMatter(members, partitions)
    this.#left = [...partitions]
    this.#share = members.length === 0 ? 0 : Math.floor(partitions.length / members.length)
    this.#extras = members.length === 0 ? 0 : partitions.length % members.length
  }

  /** How many more a member may get. */
  room({ memberId }: AssignableMember): number {
    return Math.max(0, this.#share + (this.#extras > 0 ? 1 : 0) - (this.#counts.get(memberId) ?? 0))
  }

  /** Gives a member partitions that have not been given yet. */
  give({ memberId }: AssignableMember, partitions: readonly AssignablePartition[], output: GroupOutput): void {
    if (partitions.length === 0) return
    output.get(memberId)?.push(...partitions)
    const given = new Set(partitions)
    this.#left = this.#left.filter(partition => !given.has(partition))
    const count = (this.#counts.get(memberId) ?? 0) + partitions.length
    this.#counts.set(memberId, count)
    if (count > this.#share) this.#extras--
  }

  /** Divides what is left, of it only what suits a member. */
  divide(suits: (member: AssignableMember, partition: AssignablePartition) => boolean, output: GroupOutput): void {
    for (const member of this.members) {
      if (this.#left.length === 0) return
      const suitable = this.#left.filter(partition => suits(member, partition))
      this.give(member, suitable.slice(0, this.room(member)), output)
    }
  }
}

/** Divides each topic. */
export function assignRange(input: GroupInput): GroupOutput {
  const output = emptyOutput(input)
  const sorted = input.members.toSorted(compareMembers)
  const topics = [...input.topics].map(([topic, partitions]) => {
    const members = sorted.filter(member => member.topics.includes(topic))
    return new DividedTopic(members, partitions)
  })
  const rackAware = topics.some(topic => topic.needsRacks)
  if (rackAware) for (const alike of dividedAlike(topics)) divideByRack(alike, output)
  for (const topic of topics) topic.divide(() => true, output)
  if (rackAware) for (const partitions of output.values()) partitions.sort(compareTopicPartitions)
  return output
}

const inRack = ({ rackId }: AssignableMember, partition: AssignablePartition | undefined): boolean =>
  rackId === null || partition?.racks.has(rackId) === true

/** Topics with the same members and equally many partitions. */
function dividedAlike(topics: readonly DividedTopic[]): Iterable<DividedTopic[]> {
  const groups = new Map<string, DividedTopic[]>()
  for (const topic of topics) {
    const key = JSON.stringify([topic.partitions.length, topic.members.map(({ memberId }) => memberId)])
    const group = groups.get(key) ?? []
    groups.set(key, group)
    group.push(topic)
  }
  return groups.values()
}

function divideByRack(topics: readonly DividedTopic[], output: GroupOutput): void {
  const [first, second] = topics
  if (first === undefined) return
  if (second === undefined) {
    if (first.needsRacks) first.divide(inRack, output)
    return
  }
  const left = new Set(first.members)
  for (let number = 0; number < first.partitions.length && left.size > 0; number++) {
    const fits = (member: AssignableMember): boolean =>
      topics.every(topic => inRack(member, topic.partitions[number]) && topic.room(member) > 0)
    const taker = [...left].find(fits)
    if (taker === undefined) continue
    for (const topic of topics) {
      const partition = topic.partitions[number]
      if (partition !== undefined) topic.give(taker, [partition], output)
    }
    if (topics.every(topic => topic.room(taker) === 0)) left.delete(taker)
  }
}
