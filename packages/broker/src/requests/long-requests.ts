// Long requests that are not for records: decoding one, and what it is answered, may take fifty times the bytes that came. So only some are
// decoded and handled at a time, over all connections; the others wait as the bytes that they are, in the order in which they came.
import type { Clock, Timer } from '@ottla/protocol'
import { type AnyApi, fetchApi, joinGroupApi, produceApi, syncGroupApi } from '@ottla/protocol'

/** Shorter requests never wait. */
export const LONG_REQUEST_BYTES = 64 * 1024
/** Bytes of those that are handled at a time. One that is longer is handled alone. */
const HANDLED_BYTES = 2 * 1024 * 1024
/** Bytes of those that wait. */
const WAITING_BYTES = 64 * 1024 * 1024
/** Who takes longer waits for something else than this broker, and lets others in. */
const PLACE_MS = 10_000

/** Those that are made to wait for others, and those whose records are bounded elsewhere. */
const neverWaiting: ReadonlySet<number> = new Set([produceApi, fetchApi, joinGroupApi, syncGroupApi].map(({ key }) => key))

/** Whether requests of an API wait for each other where they are long. */
export const waitsWhenLong = ({ key }: AnyApi): boolean => !neverWaiting.has(key)

/** A short one may name as much as one of so many bytes. */
const LEAST_WEIGHT = 256 * 1024

const weightOf = (size: number): number => Math.max(size, LEAST_WEIGHT)

/** A request that waits. */
interface Waiting {
  readonly size: number
  readonly begin: () => void
}

/** See the top of the file. */
export class LongRequests {
  readonly #clock: Clock
  readonly #pause: () => Promise<void>
  readonly #waiting: Waiting[] = []
  #handled = 0
  #isAdmitting = false
  /** Bytes of those that wait. */
  waitingBytes = 0

  /** `pause` resolves in a later turn of the event loop. */
  constructor(clock: Clock, pause: () => Promise<void>) {
    this.#clock = clock
    this.#pause = pause
  }

  /** Whether a request may be handled now. Else it must `wait`, or be refused. */
  mayBegin(size: number): boolean {
    return this.#waiting.length === 0 && this.#hasRoom(size)
  }

  /** Whether one more may wait. */
  mayWait(size: number): boolean {
    return this.waitingBytes + size <= WAITING_BYTES
  }

  /** Calls `begin`, which must not throw, when it is the request's turn: it may `take` a place, or leave it to others. The returned function takes it back. */
  wait(size: number, begin: () => void): () => void {
    const waiting: Waiting = { size, begin }
    this.waitingBytes += size
    this.#waiting.push(waiting)
    return () => {
      const index = this.#waiting.indexOf(waiting)
      if (index !== -1) this.#remove(index)
    }
  }

  /** Takes a place; the returned function gives it back, however often it is called. */
  take(size: number): () => void {
    const weight = weightOf(size)
    this.#handled += weight
    let timer: Timer | null = null
    let isOver = false
    const leave = (): void => {
      if (isOver) return
      isOver = true
      timer?.cancel()
      this.#handled -= weight
      void this.#admit()
    }
    timer = this.#clock.after(PLACE_MS, leave)
    return leave
  }

  #hasRoom(size: number): boolean {
    return this.#handled === 0 || this.#handled + weightOf(size) <= HANDLED_BYTES
  }

  #remove(index: number): void {
    const [removed] = this.#waiting.splice(index, 1)
    if (removed !== undefined) this.waitingBytes -= removed.size
  }

  /** Lets in who has room, each in a turn of its own. */
  async #admit(): Promise<void> {
    if (this.#isAdmitting) return
    this.#isAdmitting = true
    for (let [first] = this.#waiting; first !== undefined && this.#hasRoom(first.size); [first] = this.#waiting) {
      this.#remove(0)
      first.begin()
      await this.#pause()
    }
    this.#isAdmitting = false
  }
}
