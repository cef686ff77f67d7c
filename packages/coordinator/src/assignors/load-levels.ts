// Members of one topic by how many partitions they have in the whole group, and from both ends of that order: who takes the next partition,
// who gives one (the balancer inside Kafka's UniformHeterogeneousAssignmentBuilder). Both ends are ranges of members on one level. A round over
// the low range lifts it by one, and members that stood on that level join; a round over the high range lowers it in the same way. So the
// next member costs constant time, not a search.

/** The two ranges over the subscribers of one topic at a time; made once and used for one topic after another. */
export class LoadLevels {
  /** Member index -> partitions that it has. The caller counts in it while it assigns. */
  readonly #loads: Int32Array
  /** Member indices, by load, then index. */
  #order = new Int32Array(0)
  /** The low range is [0, lowEnd): all had `lowLevel` partitions before this round, members before `lowNext` got one in it. */
  #lowEnd = 0
  #lowLevel = 0
  #lowNext = 0
  /** The high range is [highStart, highEnd): all had `highLevel`, members behind `highNext` gave one. Behind `highEnd` nobody has any to give. */
  #highStart = 0
  #highEnd = 0
  #highLevel = 0
  #highNext = 0

  constructor(loads: Int32Array) {
    this.#loads = loads
  }

  /** Difference between the most and the least loaded of some members. */
  spread(members: readonly number[]): number {
    let least = Number.MAX_SAFE_INTEGER
    let most = 0
    for (const member of members) {
      const load = this.#loadOf(member)
      if (load < least) least = load
      if (load > most) most = load
    }
    return most - least
  }

  /** Begins with the subscribers of another topic, at least one. */
  start(members: readonly number[]): void {
    // Load and index in one number: typed arrays of numbers are sorted without calling back.
    const width = this.#loads.length
    const keys = new Float64Array(members.length)
    for (let at = 0; at < keys.length; at++) {
      const member = members[at] ?? 0
      keys[at] = this.#loadOf(member) * width + member
    }
    keys.sort()
    const size = keys.length
    this.#order = new Int32Array(size)
    for (let at = 0; at < size; at++) this.#order[at] = (keys[at] ?? 0) % width
    this.#lowEnd = 0
    this.#lowNext = 0
    this.#lowLevel = this.#loadAt(0) - 1
    this.#highStart = size
    this.#highEnd = size
    this.#highNext = size - 1
    this.#highLevel = this.#loadAt(size - 1) + 1
  }

  /** Whether moving a partition from the high range to the low one would gain nothing. */
  get areEven(): boolean {
    return this.#highLevel - this.#lowLevel <= 1
  }

  /** The member that gets the next partition. */
  taker(): number {
    if (this.#lowNext >= this.#lowEnd) {
      this.#lowLevel++
      while (this.#lowEnd < this.#order.length && this.#loadAt(this.#lowEnd) === this.#lowLevel) this.#lowEnd++
      this.#lowNext = 0
    }
    return this.#order[this.#lowNext++] ?? -1
  }

  /** The member that gives the next partition; -1 when none can. Members for which `canGive` is false are not asked again. */
  giver(canGive: (member: number) => boolean): number {
    for (;;) {
      if (this.#highNext < this.#highStart) this.#lowerHighRange()
      if (this.#highNext < 0) return -1
      const at = this.#highNext--
      const member = this.#order[at] ?? -1
      if (canGive(member)) return member
      // It leaves the range: the member at the end takes its place. That one was asked in this round already, or is itself.
      this.#highEnd--
      this.#order[at] = this.#order[this.#highEnd] ?? -1
      this.#order[this.#highEnd] = member
    }
  }

  #lowerHighRange(): void {
    // When nobody is left in the range, it begins anew at the level of the next members, however far below that is.
    const isEmpty = this.#highEnd <= this.#highStart && this.#highStart > 0
    this.#highLevel = isEmpty ? this.#loadAt(this.#highStart - 1) : this.#highLevel - 1
    while (this.#highStart > 0 && this.#loadAt(this.#highStart - 1) === this.#highLevel) this.#highStart--
    this.#highNext = this.#highEnd - 1
  }

  #loadOf(member: number): number {
    return this.#loads[member] ?? 0
  }
  #loadAt(at: number): number {
    return this.#loadOf(this.#order[at] ?? 0)
  }
}
