// Where partitions begin: where the program said by `seek`, else where the group has committed, else where the subscription says.
import { KafkaJSNonRetriableError } from '../../errors/index.ts'
import type { CommittedOffset, OffsetReset, TopicPartition } from '../parts.ts'

/** ListOffsets' names for the two ends of a partition. */
export const latestTimestamp = -1
export const earliestTimestamp = -2

/** Where a partition begins. */
export interface Position extends TopicPartition {
  readonly offset: number
  /** What counts as committed: `offset` itself, unless the program wanted to be elsewhere than the group was. */
  readonly committed: number
  /** What was committed with the offset. */
  readonly metadata: string | null
  /** Leader epoch that was committed with it, -1 when not known. */
  readonly leaderEpoch: number
}

/** What positions are found with. */
export interface PositionsWorld {
  readonly committed: (partitions: readonly TopicPartition[]) => Promise<readonly CommittedOffset[]>
  /** The first offset at or after a time, or of an end (-1 latest, -2 earliest), in the order asked. */
  readonly offsetsAt: (partitions: readonly (TopicPartition & { readonly timestamp: number })[]) => Promise<readonly number[]>
  /** Where partitions of this topic begin when nothing is committed. */
  readonly resetOf: (topic: string) => OffsetReset
  /** Seeks that came before their partition; they outlast a run. */
  readonly seeks: Map<string, Map<number, number>>
}

/** Finds positions. */
export class Positions {
  readonly #world: PositionsWorld

  constructor(world: PositionsWorld) {
    this.#world = world
  }

  /** Keeps a seek until the partition is owned. */
  seekLater({ topic, partition }: TopicPartition, offset: number): void {
    const { seeks } = this.#world
    const partitions = seeks.get(topic) ?? new Map<number, number>()
    seeks.set(topic, partitions.set(partition, offset))
  }

  /** The offset of an end of a partition. */
  async edge(at: TopicPartition, timestamp: number): Promise<number> {
    const [offset] = await this.#world.offsetsAt([{ topic: at.topic, partition: at.partition, timestamp }])
    if (offset === undefined) throw new KafkaJSNonRetriableError(`No offset of ${at.topic}-${at.partition}`)
    return offset
  }

  /** Where these begin. */
  async of(partitions: readonly TopicPartition[]): Promise<Position[]> {
    const committed = await this.#world.committed(partitions)
    const known = new Map<string, Map<number, CommittedOffset>>()
    for (const at of committed) known.set(at.topic, (known.get(at.topic) ?? new Map<number, CommittedOffset>()).set(at.partition, at))
    const wanted = partitions.map(({ topic, partition }) => {
      const found = known.get(topic)?.get(partition)
      const before = found?.offset ?? -1
      const sought = this.#world.seeks.get(topic)?.get(partition)
      const offset = sought ?? (before >= 0 ? before : this.#resetTimestamp(topic, partition))
      const leaderEpoch = sought === undefined && before >= 0 ? (found?.leaderEpoch ?? -1) : -1
      const metadata = sought === undefined && before >= 0 ? (found?.metadata ?? null) : null
      return { topic, partition, before, sought, offset, leaderEpoch, metadata }
    })
    const open = wanted.filter(({ offset }) => offset < 0)
    const found = open.length === 0 ? [] : await this.#world.offsetsAt(open.map(at => ({ ...at, timestamp: at.offset })))
    const edges = new Map(open.map((at, index) => [at, found[index]]))
    return wanted.map(at => {
      if (at.sought !== undefined) this.#world.seeks.get(at.topic)?.delete(at.partition)
      const offset = edges.get(at) ?? at.offset
      const { topic, partition, leaderEpoch, metadata } = at
      return { topic, partition, offset, leaderEpoch, metadata, committed: at.sought === undefined ? offset : at.before }
    })
  }

  #resetTimestamp(topic: string, partition: number): number {
    const reset = this.#world.resetOf(topic)
    if (reset === 'none') {
      throw new KafkaJSNonRetriableError(
        `Nothing is committed for ${topic}-${partition}, and offsetReset is none: seek, or commit where to begin`,
      )
    }
    return reset === 'earliest' ? earliestTimestamp : latestTimestamp
  }
}
