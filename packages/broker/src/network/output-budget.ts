import type { NetworkLimits } from './limits.ts'

/** How long a connection may leave replies untaken while all connections together are past the limit. */
const PATIENCE_MS = 5000
/** Past so many times the limit nobody is given that time. */
const EXCESS_FACTOR = 2
/** How old the count may be that says that there is too much. */
const RECOUNT_MS = 10

/** A connection as the budget sees it. */
export interface OutputOwner {
  /** Bytes of replies that wait in memory. */
  readonly waitingBytes: number
  /** Since when there have always been some. */
  readonly owingSinceMs: number
  /** Closes the connection, which has not taken `bytes` bytes for `ageMs`. */
  closeUnread(bytes: number, ageMs: number): void
}

/**
 * Bounds the replies that wait in memory for clients to take them, over all connections of a broker. Each connection has a bound
 * of its own that makes it wait, a smaller one while all together have much; this one closes connections, for a thousand that each stay
 * below theirs can still use up all memory. Those go first that hold most for longest, so a client that reads slowly gets its time and one that reads keeps its connection.
 */
export class OutputBudget {
  readonly #limits: Readonly<NetworkLimits>
  readonly #owners: Iterable<OutputOwner>
  readonly #monotonic: () => number
  /** Bytes that waited at the last count, and all that came since: never below what waits now. */
  #mostBytes = 0
  #countedAtMs = 0
  #isPlanned = false

  constructor(limits: Readonly<NetworkLimits>, owners: Iterable<OutputOwner>, monotonic: () => number) {
    this.#limits = limits
    this.#owners = owners
    this.#monotonic = monotonic
  }

  /** Counts a reply. Nothing is closed before the code that is running now has ended. */
  add(bytes: number): void {
    this.#mostBytes += bytes
    if (this.#mostBytes <= this.#limits.outputBytes || this.#isPlanned) return
    this.#isPlanned = true
    process.nextTick(() => this.enforce())
  }

  /** Whether so much waits that whoever has replies to take shall take them before more is made for him. */
  get isCrowded(): boolean {
    const { crowdedOutputBytes } = this.#limits
    if (this.#mostBytes <= crowdedOutputBytes) return false
    if (this.#monotonic() - this.#countedAtMs >= RECOUNT_MS) {
      let total = 0
      for (const { waitingBytes } of this.#owners) total += waitingBytes
      this.#counted(total)
    }
    return this.#mostBytes > crowdedOutputBytes
  }

  /** Counts what waits and closes whom it has to. To be called now and then, as time makes more of them liable. */
  enforce(): void {
    this.#isPlanned = false
    if (this.#mostBytes <= this.#limits.outputBytes) return
    const now = this.#monotonic()
    const owing: { owner: OutputOwner; bytes: number; ageMs: number }[] = []
    let total = 0
    for (const owner of this.#owners) {
      const bytes = owner.waitingBytes
      if (bytes > 0) owing.push({ owner, bytes, ageMs: now - owner.owingSinceMs })
      total += bytes
    }
    if (total > this.#limits.outputBytes) {
      owing.sort((a, b) => b.bytes * (b.ageMs + 1) - a.bytes * (a.ageMs + 1))
      for (const { owner, bytes, ageMs } of owing) {
        if (total <= this.#limits.outputBytes) break
        if (ageMs < PATIENCE_MS && total <= EXCESS_FACTOR * this.#limits.outputBytes) continue
        total -= bytes
        owner.closeUnread(bytes, ageMs)
      }
    }
    this.#counted(total)
  }

  #counted(bytes: number): void {
    this.#mostBytes = bytes
    this.#countedAtMs = this.#monotonic()
  }
}
