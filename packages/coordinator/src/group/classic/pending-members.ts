// Members that were given an id and asked to come back with it (MEMBER_ID_REQUIRED, KIP-394). Each has a timer; besides there are never more
// than a bounded number of them, so that joins with unknown ids, however many, do not fill the memory: the oldest makes room, and its client
// starts over should it come back.

/** Of one group. */
export const MAX_PENDING_MEMBERS = 10_000
/** Of all ids together; an id begins with the client id, which may be long. */
const MAX_PENDING_BYTES = 4 * 1_024 * 1_024

/** The ids that one group gave out, the oldest first. */
export class PendingMembers {
  readonly #ids = new Set<string>()
  #bytes = 0

  get size(): number {
    return this.#ids.size
  }

  has(memberId: string): boolean {
    return this.#ids.has(memberId)
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#ids[Symbol.iterator]()
  }

  /** Adds one, and says who had to go for it. */
  add(memberId: string): readonly string[] {
    this.#ids.add(memberId)
    this.#bytes += 2 * memberId.length
    const gone: string[] = []
    for (const oldest of this.#ids) {
      if (oldest === memberId || (this.#ids.size <= MAX_PENDING_MEMBERS && this.#bytes <= MAX_PENDING_BYTES)) break
      this.remove(oldest)
      gone.push(oldest)
    }
    return gone
  }

  remove(memberId: string): boolean {
    if (!this.#ids.delete(memberId)) return false
    this.#bytes -= 2 * memberId.length
    return true
  }
}
