// Handlers that do not end. Heartbeats go on without them, so nobody else takes their partitions: that these stand still must not go unnoticed.
import type { Clock, Timer } from '@ottla/protocol'
import type { Logger } from '../../logger.ts'
import type { OwnedPartition } from './owned.ts'

/** What is watched, and how often. */
export interface HangWatchWorld {
  readonly clock: Clock
  readonly logger: Logger
  readonly owned: Iterable<OwnedPartition>
  readonly intervalMs: number
}

interface Seen {
  readonly resolved: number
  readonly entries: number
}

/** Warns of each partition with which nothing has happened between two looks while a handler had some of it in hand. */
export class HangWatch {
  readonly #world: HangWatchWorld
  #timer: Timer | null = null
  #seen = new Map<OwnedPartition, Seen>()

  constructor(world: HangWatchWorld) {
    this.#world = world
  }

  start(): void {
    const { clock, intervalMs } = this.#world
    this.#timer = clock.after(intervalMs, () => {
      this.#look()
      this.start()
    })
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  #look(): void {
    const before = this.#seen
    this.#seen = new Map()
    for (const owned of this.#world.owned) {
      if (owned.inHand === 0) continue
      const { topic, partition, resolved, entries } = owned
      this.#seen.set(owned, { resolved, entries })
      const seen = before.get(owned)
      if (seen?.resolved !== resolved || seen.entries !== entries) continue
      const facts = { topic, partition, offset: String(resolved), sinceMs: this.#world.intervalMs }
      this.#world.logger.warn('A handler does not end, and its partition stands still', facts)
    }
  }
}
