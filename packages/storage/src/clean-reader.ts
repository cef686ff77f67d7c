// Reads a segment file from batch to batch with asynchronous reads, for compaction. Everything is checked: a batch that is damaged must
// neither hide others nor be sealed anew.

import { ErrorCode, KafkaError, RecordBatch } from '@ottla/protocol'
import { BATCH_HEADER_BYTES, LOG_OVERHEAD_BYTES } from './bytes.ts'
import type { OpenFile } from './files.ts'

const MAGIC_AT = 16
const SMALLEST_BATCH_BYTES = 26

export interface BatchReaderOptions {
  /** A boundary of batches. */
  readonly from: number
  /** Bytes of the file that count. */
  readonly until: number
  /** Offsets before it make no sense. */
  readonly minOffset: number
  /** About how much is read at a time. */
  readonly bufferBytes: number
}

/** `fill`, take every batch with `next`, and again. A batch is valid until the next `fill`. */
export class BatchReader {
  readonly #file: OpenFile
  readonly #until: number
  readonly #bufferBytes: number
  #bytes: Buffer = Buffer.alloc(0)
  /** Place in the file of the first byte in the buffer. */
  #from: number
  #held = 0
  /** Place in the file of the next batch. */
  #position: number
  /** Bytes that the next batch needs, as far as that is known. */
  #need = BATCH_HEADER_BYTES
  #nextOffset: number

  constructor(file: OpenFile, options: BatchReaderOptions) {
    this.#file = file
    this.#from = options.from
    this.#position = options.from
    this.#until = options.until
    this.#nextOffset = options.minOffset
    this.#bufferBytes = options.bufferBytes
  }

  /** Reads on; how many bytes, 0 at the end. Throws CORRUPT_MESSAGE when the file is too short, or the platform's error. */
  async fill(): Promise<number> {
    const left = this.#until - this.#position
    if (left <= 0) return 0
    const kept = this.#from + this.#held - this.#position
    const wanted = Math.min(left, Math.max(this.#need, this.#bufferBytes))
    const rest = this.#bytes.subarray(this.#held - kept, this.#held)
    if (wanted > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(wanted)
      rest.copy(larger)
      this.#bytes = larger
    } else rest.copy(this.#bytes)
    this.#from = this.#position
    this.#held = wanted
    const count = await this.#file.read(this.#bytes, { at: kept, length: wanted - kept, position: this.#from + kept })
    if (count !== wanted - kept) throw this.#damage('the file is too short')
    this.#need = BATCH_HEADER_BYTES
    return count
  }

  /** The next batch that is there as a whole; undefined when more must be read. Throws CORRUPT_MESSAGE. */
  next(): RecordBatch | undefined {
    const at = this.#position - this.#from
    const held = this.#held - at
    if (held <= MAGIC_AT) {
      if (held > 0 && this.#from + this.#held >= this.#until) throw this.#damage('a batch is cut off')
      return undefined
    }
    const size = LOG_OVERHEAD_BYTES + this.#bytes.readInt32BE(at + 8)
    const magic = this.#bytes[at + MAGIC_AT] ?? 0
    if (magic > 2 || size < (magic === 2 ? BATCH_HEADER_BYTES : SMALLEST_BATCH_BYTES) || this.#position + size > this.#until)
      throw this.#damage('a header cannot be one')
    if (size > held) {
      this.#need = size
      return undefined
    }
    const batch = new RecordBatch(this.#bytes, at)
    if (!batch.checksumMatches()) throw this.#damage('a checksum is wrong')
    const { lastOffset } = batch
    if (lastOffset < this.#nextOffset || (magic === 2 && (batch.lastOffsetDelta < 0 || batch.baseOffset < this.#nextOffset)))
      throw this.#damage('offsets go back')
    this.#nextOffset = lastOffset + 1
    this.#position += size
    return batch
  }

  #damage(what: string): KafkaError {
    return new KafkaError(ErrorCode.CORRUPT_MESSAGE, `${what} at position ${this.#position} of ${this.#file.path}`)
  }
}
