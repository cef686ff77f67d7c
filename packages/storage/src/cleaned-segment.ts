// The segment that compaction writes beside those it will take the place of. Its files end with `.cleaned` until they are complete and on
// the device; what a crash leaves of them is removed at the next start.

import { ErrorCode, KafkaError, type RecordBatch } from '@ottla/protocol'
import { BatchChunks } from './batch-chunks.ts'
import { CompactionAborted } from './clean-pace.ts'
import type { GroupTarget } from './clean-work.ts'
import type { OpenFile } from './files.ts'
import { whileWriting } from './log-files.ts'
import type { Log } from './log.ts'
import { asError, codeOf, syncOnce } from './platform-error.ts'
import { Segment, segmentSuffixes } from './segment.ts'
import { isPassing } from './undo.ts'

/** Last offset, greatest timestamp and size of a batch. */
const FACTS = 3

/** Ending of files that are not complete. */
export const CLEANED_ENDING = '.cleaned'
/** Ending of files that are complete and about to take the place of others. */
export const SWAP_ENDING = '.swap'

/** Waits for the device; what fails is KAFKA_STORAGE_ERROR, and takes the directory offline unless the disk is just full. */
export const whileSyncing = async (log: Log, work: () => Promise<void>): Promise<void> => {
  try {
    await work()
  } catch (error) {
    if (error instanceof KafkaError) throw error
    // Its folder has another name now.
    if (log.closed) throw new CompactionAborted('the log was closed')
    if (!isPassing(asError(error))) log.world.deviceFailed(log.directory, asError(error))
    throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `writing in ${log.path} failed: ${asError(error).message}`)
  }
}

const remove = async (log: Log, path: string): Promise<void> => {
  const { files, logger } = log.world
  try {
    if (files.statSync(path) !== undefined) await files.unlink(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT')
      logger.warn({ file: path, error: asError(error).message }, 'what a compaction left could not be removed')
  }
}

/** Removes files of a compaction that did not come to its end. */
export const removeCleaned = async (log: Log, baseOffset: number): Promise<void> => {
  // A file that ends with `.swap` counts as complete as long as none ends with `.cleaned`: they go first.
  for (const ending of [SWAP_ENDING, CLEANED_ENDING]) {
    const named = new Segment({ baseOffset, folder: log.path, size: 0, createdMs: 0, jitterMs: 0, verified: 0, ending })
    for (const suffix of segmentSuffixes) await remove(log, named.pathOf(log.path, suffix))
  }
}

/** See the top of the file. */
export class CleanedSegment implements GroupTarget {
  readonly segment: Segment
  readonly #log: Log
  readonly #file: OpenFile
  readonly #chunks = new BatchChunks()

  private constructor(log: Log, segment: Segment) {
    this.segment = segment
    this.#log = log
    this.#file = log.world.files.openSync(segment.logPath(log.path), 'create')
  }

  /** Begins one. Throws KAFKA_STORAGE_ERROR. */
  static async begin(log: Log, facts: { baseOffset: number; createdMs: number }): Promise<CleanedSegment> {
    await removeCleaned(log, facts.baseOffset)
    if (!log.usable) throw new CompactionAborted('the log was closed')
    const segment = new Segment({ ...facts, folder: log.path, size: 0, jitterMs: 0, verified: 0, ending: CLEANED_ENDING })
    segment.startIndexes(log.world, log.config)
    segment.transactions(log.world).reset()
    return whileWriting(log, () => new CleanedSegment(log, segment))
  }

  add(batch: RecordBatch): void {
    const { config, world } = this.#log
    const { lastOffset, maxTimestamp, sizeInBytes: size } = batch
    this.segment.add(world, config, { lastOffset, maxTimestamp, size })
    this.#chunks.add(batch)
  }

  flush(): void {
    const { segment } = this
    const chunks = this.#chunks.take()
    if (chunks.length === 0) return
    whileWriting(this.#log, () => this.#file.writeSync(chunks, segment.written))
    segment.written = segment.size
    segment.verified = segment.size
  }

  get path(): string {
    return this.segment.logPath(this.#log.path)
  }

  wrote(facts: Float64Array): void {
    const { config, world } = this.#log
    const { segment } = this
    for (let at = 0; at < facts.length; at += FACTS) {
      segment.add(world, config, { lastOffset: facts[at] ?? 0, maxTimestamp: facts[at + 1] ?? 0, size: facts[at + 2] ?? 0 })
    }
    segment.written = segment.size
    segment.verified = segment.size
  }

  /** Makes everything durable but the files' names. Throws KAFKA_STORAGE_ERROR. */
  async complete(): Promise<void> {
    const { config, world } = this.#log
    this.flush()
    whileWriting(this.#log, () => this.segment.finish(world, config))
    await whileSyncing(this.#log, async () => {
      await syncOnce(this.#file)
      await this.segment.flushIndexes()
    })
  }

  close(): void {
    this.#file.closeSync()
  }
}
