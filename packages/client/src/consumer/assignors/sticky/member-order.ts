// Members in the order of how much they have; of those that have equally much, by id. Kept sorted while partitions move.

/** A sorted list of member ids. */
export class MemberOrder {
  readonly #size: (memberId: string) => number
  readonly #sorted: string[] = []

  /** `size` says how much a member has; it may change only while the member is out of the order. */
  constructor(size: (memberId: string) => number) {
    this.#size = size
  }

  /** From the one with the least. */
  get all(): readonly string[] {
    return this.#sorted
  }

  add(memberId: string): void {
    this.#sorted.splice(this.#place(memberId), 0, memberId)
  }

  remove(memberId: string): void {
    const place = this.#place(memberId)
    if (this.#sorted[place] === memberId) this.#sorted.splice(place, 1)
  }

  /** Takes members out, runs a change of what they have, and puts them where they belong then. */
  moving(memberIds: readonly string[], change: () => void): void {
    for (const memberId of memberIds) this.remove(memberId)
    change()
    for (const memberId of memberIds) this.add(memberId)
  }

  #place(memberId: string): number {
    const size = this.#size(memberId)
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#sorted[middle] ?? ''
      const otherSize = this.#size(other)
      if (otherSize < size || (otherSize === size && other < memberId)) low = middle + 1
      else high = middle
    }
    return low
  }
}
