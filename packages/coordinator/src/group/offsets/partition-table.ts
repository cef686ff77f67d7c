// Something for each partition that a group has to do with: Maps in Maps, as a group has few topics and a topic few or very many partitions.
// No map in here is ever empty.

/** Values by group, topic and partition. */
export class PartitionTable<V> {
  readonly #groups = new Map<string, Map<string, Map<number, V>>>()
  #size = 0

  /** Number of values of all groups. */
  get size(): number {
    return this.#size
  }

  /** Everything, for reading; may be iterated while values come and go. */
  get groups(): ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<number, V>>> {
    return this.#groups
  }

  /** What a group has, by topic and partition. */
  topics(groupId: string): ReadonlyMap<string, ReadonlyMap<number, V>> | undefined {
    return this.#groups.get(groupId)
  }

  get(groupId: string, topic: string, partition: number): V | undefined {
    return this.#groups.get(groupId)?.get(topic)?.get(partition)
  }

  /** Number of values of a group. */
  sizeOf(groupId: string): number {
    let size = 0
    for (const partitions of this.#groups.get(groupId)?.values() ?? []) size += partitions.size
    return size
  }

  set(of: PartitionOfGroup, value: V): void {
    let topics = this.#groups.get(of.groupId)
    if (topics === undefined) this.#groups.set(of.groupId, (topics = new Map<string, Map<number, V>>()))
    let partitions = topics.get(of.topic)
    if (partitions === undefined) topics.set(of.topic, (partitions = new Map<number, V>()))
    const before = partitions.size
    partitions.set(of.partition, value)
    this.#size += partitions.size - before
  }

  /** Whether there was one. */
  delete({ groupId, topic, partition }: PartitionOfGroup): boolean {
    const topics = this.#groups.get(groupId)
    const partitions = topics?.get(topic)
    if (topics === undefined || !partitions?.delete(partition)) return false
    this.#size -= 1
    if (partitions.size === 0) topics.delete(topic)
    if (topics.size === 0) this.#groups.delete(groupId)
    return true
  }

  *[Symbol.iterator](): Generator<PartitionOfGroup & { readonly value: V }> {
    for (const [groupId, topics] of this.#groups)
      for (const [topic, partitions] of topics) for (const [partition, value] of partitions) yield { groupId, topic, partition, value }
  }
}

/** A partition as a group sees it. */
export interface PartitionOfGroup {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
}
