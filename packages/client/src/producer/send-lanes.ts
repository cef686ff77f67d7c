// Sends that cannot go at once (their topic is not known yet, a serializer takes its time, memory is short) keep those behind them waiting, topic by
// topic: records of a partition are in the order of the calls.

/** See the top of the file. */
export class SendLanes {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Whether a send for these topics may go at once. */
  isFree(topics: readonly string[]): boolean {
    return this.#last.size === 0 || topics.every(topic => !this.#last.has(topic))
  }

  /** Runs `run` after all that wait for these topics; what it rejects with is the caller's only. */
  async enter(topics: readonly string[], run: () => Promise<void>): Promise<void> {
    const before = new Set(topics.flatMap(topic => this.#last.get(topic) ?? []))
    const turn = Promise.all(before).then(run)
    const settled = turn.catch(() => {})
    for (const topic of topics) this.#last.set(topic, settled)
    try {
      await turn
    } finally {
      for (const topic of topics) if (this.#last.get(topic) === settled) this.#last.delete(topic)
    }
  }

  /** Resolves when nobody of those that wait now does any more. */
  async passed(): Promise<void> {
    await Promise.all(this.#last.values())
  }
}
