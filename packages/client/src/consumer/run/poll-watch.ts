// Handlers that take longer than `maxPollInterval` (max.poll.interval.ms of Java's consumer): a member that lives and gets nothing done keeps its
// partitions from others, so it leaves the group until the handler is done. Waiting for records, or between two tries, is no work in hand.
import type { Clock, Timer } from '@ottla/protocol'

/** What a handler is at. */
export interface HandledPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: string
}

/** Something in hand; its handler's signs of progress make it new. */
export interface Hold {
  sign(): void
}

/** What is watched, and who is told. */
export interface PollWatchWorld {
  readonly clock: Clock
  readonly intervalMs: number
  /** Something is in hand for longer than the interval. */
  readonly exceeded: (place: HandledPlace) => void
  /** After `exceeded`: nothing is any more. */
  readonly over: () => void
}

class Held implements Hold {
  readonly place: () => HandledPlace
  readonly #clock: Clock
  since: number

  constructor(clock: Clock, place: () => HandledPlace) {
    this.#clock = clock
    this.place = place
    this.since = clock.monotonic()
  }

  sign(): void {
    this.since = this.#clock.monotonic()
  }
}

/** See the top of the file. */
export class PollWatch {
  readonly #world: PollWatchWorld
  readonly #inHand = new Set<Held>()
  #timer: Timer | null = null
  #hasExceeded = false
  #isStopped = false

  constructor(world: PollWatchWorld) {
    this.#world = world
  }

  /** Something is taken in hand; `place` is asked when it takes too long. */
  begin(place: () => HandledPlace): Hold {
    const held = new Held(this.#world.clock, place)
    this.#inHand.add(held)
    if (this.#timer === null && !this.#hasExceeded) this.#schedule(this.#world.intervalMs)
    return held
  }

  end(hold: Hold): void {
    if (hold instanceof Held) this.#inHand.delete(hold)
    if (!this.#hasExceeded || this.#isStopped || this.#leftMs() <= 0) return
    this.#hasExceeded = false
    if (this.#inHand.size > 0) this.#schedule(this.#leftMs())
    this.#world.over()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#timer = null
  }

  #oldest(): Held | undefined {
    let oldest: Held | undefined
    for (const held of this.#inHand) if (oldest === undefined || held.since < oldest.since) oldest = held
    return oldest
  }

  /** Until something has been in hand for too long. */
  #leftMs(): number {
    const { clock, intervalMs } = this.#world
    return (this.#oldest()?.since ?? clock.monotonic()) + intervalMs - clock.monotonic()
  }

  #schedule(delayMs: number): void {
    if (this.#isStopped) return
    this.#timer = this.#world.clock.after(delayMs, () => {
      this.#timer = null
      const oldest = this.#oldest()
      if (oldest === undefined) return
      const leftMs = this.#leftMs()
      if (leftMs > 0) return this.#schedule(leftMs)
      this.#hasExceeded = true
      this.#world.exceeded(oldest.place())
    })
  }
}
