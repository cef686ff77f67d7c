// The pattern by which the retry topics of a group are found when the group itself subscribes by a pattern.

const digits = /^\d{1,4}$/

/** Matches the names that end in `.<group>.retry.<n>`. A pattern that compares text instead of being compiled from it. */
export class RetryPattern extends RegExp {
  readonly #middle: string

  constructor(groupId: string) {
    super('')
    this.#middle = `.${groupId}.retry.`
  }

  override test(topic: string): boolean {
    const at = topic.lastIndexOf(this.#middle)
    return at > 0 && digits.test(topic.slice(at + this.#middle.length))
  }
}
