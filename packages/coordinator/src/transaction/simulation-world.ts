// Partitions and clients for the simulation of transactions: a partition keeps what it was sent as a leader would, and refuses what is fenced.

import { ErrorCode, KafkaError, type ManualClock, type Random } from '@ottla/protocol'
import { deferred } from './testing.ts'
import type { EndMarkers, MarkerOutcome, MarkerWriter } from './world.ts'

/** What lies in a partition. */
export type Entry =
  | { readonly kind: 'data'; readonly tag: string; readonly producerId: number; readonly producerEpoch: number }
  | { readonly kind: 'marker'; readonly committed: boolean; readonly producerId: number; readonly producerEpoch: number }

interface ProducerState {
  producerEpoch: number
  coordinatorEpoch: number
  isOpen: boolean
}

/** One partition of a topic. */
export class SimulatedPartition {
  readonly entries: Entry[] = []
  readonly #producers = new Map<number, ProducerState>()

  /** Whether a producer's data are taken: not from an epoch that is over. */
  write(tag: string, { producerId, producerEpoch }: { readonly producerId: number; readonly producerEpoch: number }): boolean {
    const state = this.#producer(producerId)
    if (producerEpoch < state.producerEpoch) return false
    Object.assign(state, { producerEpoch, isOpen: true })
    this.entries.push({ kind: 'data', tag, producerId, producerEpoch })
    return true
  }

  /** As class ProducerAppendInfo has it. */
  end({ producerId, producerEpoch, committed, coordinatorEpoch, transactionVersion }: EndMarkers): number {
    const state = this.#producer(producerId)
    const isAgain = producerEpoch === state.producerEpoch && !state.isOpen
    const isFenced = transactionVersion >= 2 ? producerEpoch <= state.producerEpoch && !isAgain : producerEpoch < state.producerEpoch
    if (isFenced) return ErrorCode.INVALID_PRODUCER_EPOCH
    if (coordinatorEpoch < state.coordinatorEpoch) return ErrorCode.TRANSACTION_COORDINATOR_FENCED
    Object.assign(state, { producerEpoch, coordinatorEpoch, isOpen: false })
    this.entries.push({ kind: 'marker', committed, producerId, producerEpoch })
    return ErrorCode.NONE
  }

  #producer(producerId: number): ProducerState {
    const known = this.#producers.get(producerId)
    if (known !== undefined) return known
    const state = { producerEpoch: -1, coordinatorEpoch: -1, isOpen: false }
    this.#producers.set(producerId, state)
    return state
  }
}

/** Waits on a clock that stands still. */
export const sleep = (clock: ManualClock, delayMs: number): Promise<void> => {
  const { promise, resolve } = deferred<void>()
  clock.after(Math.round(delayMs), () => resolve())
  return promise
}

/** Markers that come late, fail before or after they are written, or only in some partitions. */
export class ChancyMarkers implements MarkerWriter {
  readonly partitions = Array.from({ length: 4 }, () => new SimulatedPartition())
  isCalm = false
  readonly #arrivals = new Map<number, Promise<void>>()
  readonly #clock: ManualClock
  readonly #random: Random

  constructor(clock: ManualClock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  /** What one coordinator sends arrives in this order, as over one connection. */
  write(markers: EndMarkers): Promise<readonly MarkerOutcome[]> {
    const before = this.#arrivals.get(markers.coordinatorEpoch) ?? Promise.resolve()
    const { promise, resolve } = deferred<void>()
    this.#arrivals.set(markers.coordinatorEpoch, promise)
    return before.then(() => this.#arrive(markers, () => resolve()))
  }

  async #arrive(markers: EndMarkers, arrived: () => void): Promise<readonly MarkerOutcome[]> {
    try {
      if (this.#happens(0.3)) await sleep(this.#clock, this.#random.next() * 3000)
      if (this.#happens(0.15)) throw new KafkaError(ErrorCode.NETWORK_EXCEPTION)
    } finally {
      arrived()
    }
    const outcomes: MarkerOutcome[] = []
    for (const [topic, numbers] of markers.partitions)
      for (const partition of numbers) {
        if (this.#happens(0.1)) continue
        const outcome = this.#happens(0.1) ? ErrorCode.NOT_LEADER_OR_FOLLOWER : (this.partitions[partition]?.end(markers) ?? 'gone')
        outcomes.push({ topic, partition, outcome })
      }
    if (this.#happens(0.15)) await sleep(this.#clock, this.#random.next() * 500)
    if (this.#happens(0.15)) throw new KafkaError(ErrorCode.NETWORK_EXCEPTION)
    return outcomes
  }

  #happens(probability: number): boolean {
    return !this.isCalm && this.#random.next() < probability
  }
}
