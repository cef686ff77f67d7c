// The pattern by which the retry topics of a group are found when the group itself subscribes by a pattern.

const digits = /^[1-9]\d{0,3}$/

/** Matches the names that end in `.<group>.retry.<n>`. A pattern that compares text instead of being compiled from it. */
export class RetryPattern extends RegExp {
  readonly #middle: string

  constructor(groupId: string) {
    super('')
    this.#middle = `.${groupId}.retry.`
  }

  override test(topic: string): boolean {
    return this.parts(topic) !== null
  }

  /** Whose retry topic it is, and which one. */
  parts(topic: string): { base: string; stage: number } | null {
    const at = topic.lastIndexOf(this.#middle)
    const stage = topic.slice(at + this.#middle.length)
    return at > 0 && digits.test(stage) ? { base: topic.slice(0, at), stage: Number(stage) } : null
  }
}
