// Batches on their way into a file: those that lie one behind the other in memory become one chunk.

import type { RecordBatch } from '@ottla/protocol'

/** Collects batches as references: their bytes must stay as they are until `take`. */
export class BatchChunks {
  #chunks: Buffer[] = []
  /** What the last chunk is made of. */
  #buffer: Buffer | undefined
  #from = 0
  #until = 0

  add({ at, buffer, sizeInBytes }: RecordBatch): void {
    if (this.#buffer === buffer && this.#until === at) {
      this.#until += sizeInBytes
      this.#chunks[this.#chunks.length - 1] = buffer.subarray(this.#from, this.#until)
      return
    }
    this.#buffer = buffer
    this.#from = at
    this.#until = at + sizeInBytes
    this.#chunks.push(buffer.subarray(at, this.#until))
  }

  /** What was added since the last call. */
  take(): Buffer[] {
    const chunks = this.#chunks
    this.#chunks = []
    this.#buffer = undefined
    return chunks
  }
}
