// Which partitions the program has paused. A topic that was paused as a whole stays so for partitions that come later, until the topic is
// resumed; single partitions of it can be resumed (as KafkaJS has it).

interface TopicPauses {
  all: boolean
  readonly paused: Set<number>
  /** Exceptions from `all`. */
  readonly resumed: Set<number>
}

/** A topic, or some of its partitions. */
export interface TopicSelection {
  readonly topic: string
  readonly partitions?: readonly number[] | undefined
}

/** Pauses by topic; they outlast rebalances, and crashes that are followed by a new beginning. */
export class Pauses {
  readonly #topics = new Map<string, TopicPauses>()

  pause(selection: readonly TopicSelection[]): void {
    for (const { topic, partitions } of selection) {
      const pauses = this.#of(topic)
      if (partitions === undefined) {
        pauses.paused.clear()
        pauses.resumed.clear()
        pauses.all = true
        continue
      }
      for (const partition of partitions) {
        pauses.paused.add(partition)
        pauses.resumed.delete(partition)
      }
    }
  }

  resume(selection: readonly TopicSelection[]): void {
    for (const { topic, partitions } of selection) {
      const pauses = this.#of(topic)
      if (partitions === undefined) {
        this.#topics.delete(topic)
        continue
      }
      for (const partition of partitions) {
        pauses.paused.delete(partition)
        if (pauses.all) pauses.resumed.add(partition)
      }
    }
  }

  has(topic: string, partition: number): boolean {
    const pauses = this.#topics.get(topic)
    return pauses !== undefined && (pauses.paused.has(partition) || (pauses.all && !pauses.resumed.has(partition)))
  }

  clear(): void {
    this.#topics.clear()
  }

  #of(topic: string): TopicPauses {
    const pauses = this.#topics.get(topic) ?? { all: false, paused: new Set(), resumed: new Set() }
    this.#topics.set(topic, pauses)
    return pauses
  }
}
