// Where replicas of new partitions go: the rules of org.apache.kafka.metadata.placement.StripedReplicaPlacer.
// Partitions go around the racks, each starting one rack further; within a rack around its brokers. The first replica, which
// will lead, is always on a broker that is alive; fenced brokers get replicas only where the living ones of a rack are used up.
// After as many partitions as there are living brokers everything is shuffled, so that the same neighbours do not recur.
import type { BrokerImage } from '@ottla/metadata'
import { ErrorCode, KafkaError, type Random } from '@ottla/protocol'

const factorError = (message: string): KafkaError => new KafkaError(ErrorCode.INVALID_REPLICATION_FACTOR, message)

function shuffle(items: unknown[], random: Random): void {
  for (let left = items.length - 1; left > 0; left--) {
    const other = Math.floor(random.next() * (left + 1))
    const item = items[left]!
    items[left] = items[other]!
    items[other] = item
  }
}

const upTo = (bound: number, random: Random): number => Math.floor(random.next() * bound)

/** Brokers that are handed out once around in each epoch, starting one further in the next. */
class Ring {
  readonly brokers: number[]
  #offset: number
  #used = 0
  #epoch = 0

  constructor(brokers: readonly number[], random: Random) {
    this.brokers = brokers.toSorted((a, b) => a - b)
    this.#offset = brokers.length === 0 ? 0 : upTo(brokers.length, random)
  }

  /** The next broker, -1 when all have had their turn in this epoch. */
  next(epoch: number): number {
    const { length } = this.brokers
    if (length === 0) return -1
    if (this.#epoch !== epoch) {
      this.#epoch = epoch
      this.#used = 0
      this.#offset = (this.#offset + 1) % length
    }
    return this.#used < length ? this.brokers[(this.#used++ + this.#offset) % length]! : -1
  }
}

interface Rack {
  readonly alive: Ring
  readonly fenced: Ring
}

class Placer {
  readonly #random: Random
  readonly #racks: Rack[]
  readonly #aliveCount: number
  #epoch = 0
  #rackOffset: number

  constructor(brokers: readonly BrokerImage[], random: Random) {
    this.#random = random
    const byRack = new Map<string | null, BrokerImage[]>()
    for (const broker of brokers) {
      const rack = byRack.get(broker.rack)
      if (rack) rack.push(broker)
      else byRack.set(broker.rack, [broker])
    }
    const names = [...byRack.keys()].toSorted((a, b) => (a === b ? 0 : a === null || (b !== null && a < b) ? -1 : 1))
    this.#racks = names.map(name => {
      const members = byRack.get(name) ?? []
      const idsOf = (fenced: boolean): number[] => members.filter(broker => broker.fenced === fenced).map(({ id }) => id)
      return { alive: new Ring(idsOf(false), random), fenced: new Ring(idsOf(true), random) }
    })
    this.#aliveCount = brokers.filter(broker => !broker.fenced).length
    this.#rackOffset = upTo(this.#racks.length, random)
  }

  /** Replicas of the next partition, the leader first. */
  place(replicationFactor: number): number[] {
    if (this.#epoch === this.#aliveCount && this.#aliveCount > 1) {
      shuffle(this.#racks, this.#random)
      for (const rack of this.#racks) {
        shuffle(rack.alive.brokers, this.#random)
        shuffle(rack.fenced.brokers, this.#random)
      }
      this.#epoch = 0
    }
    const count = this.#racks.length
    const start = this.#rackOffset % count
    let leaderRack = start
    let leader = this.#racks[leaderRack]!.alive.next(this.#epoch)
    while (leader < 0) {
      leaderRack = (leaderRack + 1) % count
      leader = this.#racks[leaderRack]!.alive.next(this.#epoch)
    }
    const replicas = [leader]
    for (let rack = start, skipLeaderRack = true; replicas.length < replicationFactor; rack = (rack + 1) % count) {
      if (rack === leaderRack && skipLeaderRack) {
        skipLeaderRack = false
        continue
      }
      const { alive, fenced } = this.#racks[rack]!
      const alivePick = alive.next(this.#epoch)
      const pick = alivePick >= 0 ? alivePick : fenced.next(this.#epoch)
      if (pick >= 0) replicas.push(pick)
    }
    this.#epoch++
    this.#rackOffset = start + 1
    return replicas
  }
}

export interface PlacementRequest {
  readonly partitions: number
  readonly replicationFactor: number
}

/** Replica lists for new partitions. Throws INVALID_REPLICATION_FACTOR where the brokers do not suffice. */
export function placeReplicas(request: PlacementRequest, brokers: Iterable<BrokerImage>, random: Random): number[][] {
  const { partitions, replicationFactor } = request
  const usable = [...brokers]
  if (replicationFactor <= 0) {
    throw factorError(`Invalid replication factor ${replicationFactor}: the replication factor must be positive.`)
  }
  if (!usable.some(broker => !broker.fenced)) {
    throw factorError('All brokers are currently fenced, or have all their log directories cordoned.')
  }
  if (replicationFactor > usable.length) {
    throw factorError(
      `The target replication factor of ${replicationFactor} cannot be reached because only ${usable.length} broker(s) are registered ` +
        'or some brokers have all their log directories cordoned.',
    )
  }
  const placer = new Placer(usable, random)
  return Array.from({ length: partitions }, () => placer.place(replicationFactor))
}
