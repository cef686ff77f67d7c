import { type Validated, type ValidateOptions, validateBatch } from './validate.ts'

/**
 * Keeps the batches of one partition in order while some of them are validated elsewhere: one that could be done at once waits for those
 * before it, since a producer's sequence numbers must arrive as they were sent.
 */
export class ValidationQueue {
  #last: Promise<unknown> | undefined

  /** As `validateBatch`; who is told first was asked first. */
  validate(records: Buffer, options: ValidateOptions): Validated | Promise<Validated> {
    const before = this.#last
    const result = before === undefined ? validateBatch(records, options) : before.then(() => validateBatch(records, options))
    if (!(result instanceof Promise)) return result
    const settled = result.then(
      () => {},
      () => {},
    )
    this.#last = settled
    void settled.then(() => {
      if (this.#last === settled) this.#last = undefined
    })
    return result
  }
}
