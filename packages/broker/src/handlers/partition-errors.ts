// Partitions that are answered with an error before the coordinator is asked about the others, and both answers in one.

interface Place {
  readonly name: string
  readonly topicId: string
}

interface AnsweredPartition {
  readonly partitionIndex: number
  readonly errorCode: number
}

interface AnsweredTopic {
  readonly name?: string | undefined
  readonly topicId?: string | undefined
  readonly partitions: readonly AnsweredPartition[]
}

interface CollectedTopic extends Place {
  readonly partitions: AnsweredPartition[]
}

const keyOf = ({ name, topicId }: Pick<AnsweredTopic, 'name' | 'topicId'>): string => `${topicId ?? ''}/${name ?? ''}`

/** Errors by topic, in the order in which they came. */
export class PartitionErrors {
  readonly #topics = new Map<string, CollectedTopic>()
  #last: CollectedTopic | undefined

  add(place: Place, partitionIndex: number, errorCode: number): void {
    const last = this.#last
    const topic = last?.name === place.name && last.topicId === place.topicId ? last : this.#topic(place)
    this.#last = topic
    topic.partitions.push({ partitionIndex, errorCode })
  }

  get topics(): readonly CollectedTopic[] {
    return [...this.#topics.values()]
  }

  /** The errors, and what was answered besides; a topic of both stands once. */
  mergedWith<T extends AnsweredTopic>(answered: readonly T[]): readonly (T | CollectedTopic)[] {
    if (this.#topics.size === 0) return answered
    const others: T[] = []
    for (const topic of answered) {
      const collected = this.#topics.get(keyOf(topic))
      if (collected === undefined) others.push(topic)
      else for (const partition of topic.partitions) collected.partitions.push(partition)
    }
    return [...this.topics, ...others]
  }

  #topic(place: Place): CollectedTopic {
    const key = keyOf(place)
    let topic = this.#topics.get(key)
    if (topic === undefined) {
      topic = { name: place.name, topicId: place.topicId, partitions: [] }
      this.#topics.set(key, topic)
    }
    return topic
  }
}
