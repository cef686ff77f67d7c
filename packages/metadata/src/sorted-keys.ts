// Keys in their order, for reads by prefix.
const BLOCK = 512

/**
 * A set of keys in order, kept in blocks, so that adding or removing one of a million moves a few hundred pointers.
 */
export class SortedKeys {
  readonly #blocks: string[][] = [[]]
  size = 0

  /** Adds a key; does nothing when it is there. */
  add(key: string): void {
    const b = this.#blockOf(key)
    const block = this.#blocks[b]!
    const at = lowerBound(block, key)
    if (block[at] === key) return
    block.splice(at, 0, key)
    this.size++
    if (block.length > 2 * BLOCK) this.#blocks.splice(b + 1, 0, block.splice(BLOCK))
  }

  /** Removes a key; does nothing when it is not there. */
  delete(key: string): void {
    const b = this.#blockOf(key)
    const block = this.#blocks[b]!
    const at = lowerBound(block, key)
    if (block[at] !== key) return
    block.splice(at, 1)
    this.size--
    if (block.length === 0 && this.#blocks.length > 1) this.#blocks.splice(b, 1)
  }

  /** Keys that start with `prefix`, in order. The set must not change meanwhile. */
  *startingWith(prefix: string, after = ''): Generator<string> {
    const start = after > prefix ? after : prefix
    let b = this.#blockOf(start)
    let at = lowerBound(this.#blocks[b]!, start)
    for (; b < this.#blocks.length; b++, at = 0) {
      const block = this.#blocks[b]!
      for (; at < block.length; at++) {
        const key = block[at]!
        if (!key.startsWith(prefix)) return
        if (key !== after) yield key
      }
    }
  }

  /** Index of the block in which a key is or belongs: the last one that does not start after it. */
  #blockOf(key: string): number {
    let low = 0
    let high = this.#blocks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      const first = this.#blocks[middle]?.[0]
      if (first !== undefined && first <= key) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** Index of the first element that is not below `key`. */
function lowerBound(block: readonly string[], key: string): number {
  let low = 0
  let high = block.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (block[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}
