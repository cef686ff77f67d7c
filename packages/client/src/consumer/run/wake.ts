// One waiter that others can wake.

/** A wait that ends with the next `wake`, also with one that came just before it. */
export class Wake {
  #woken = false
  #resolve: (() => void) | null = null

  wake(): void {
    if (this.#resolve === null) {
      this.#woken = true
      return
    }
    const resolve = this.#resolve
    this.#resolve = null
    resolve()
  }

  wait(): Promise<void> {
    if (this.#woken) {
      this.#woken = false
      return Promise.resolve()
    }
    return new Promise(resolve => {
      this.#resolve = resolve
    })
  }
}
