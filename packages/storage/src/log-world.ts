import type { Clock, Logger, Random } from '@ottla/protocol'
import type { Files } from './files.ts'
import type { FolderSyncs } from './folder-syncs.ts'
import type { Log } from './log.ts'
import type { OpenFiles } from './open-files.ts'
import type { SlabPool } from './slabs.ts'
import type { TailCache } from './tail-cache.ts'
import type { WriteTurn } from './write-turn.ts'

/** A log directory as its logs see it. */
export interface DirectoryState {
  readonly path: string
  /** Set once, when a write or flush failed in a way that cannot be repaired; every log in it then answers KAFKA_STORAGE_ERROR. */
  failure: Error | undefined
  /** Resolves once the checkpoint files, on the device, say nothing of logs that were deleted before. Rejects when the disk is full. */
  forgetDeleted(): Promise<void>
}

/** What all logs of a broker share. */
export interface LogWorld {
  readonly files: Files
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly openFiles: OpenFiles
  readonly folderSyncs: FolderSyncs
  readonly tails: TailCache
  readonly readSlabs: SlabPool
  readonly turn: WriteTurn
  /** Logs with written bytes that are not flushed yet. */
  readonly unflushed: Set<Log>
  /** Bytes that all logs have written since the start: how much younger data there is tells what the page cache still holds. */
  writtenBytes: number
  /** The most recent bytes written that are taken to be in the page cache. */
  readonly hotBytes: number
  /** `producer.id.expiration.ms`. */
  readonly producerIdExpirationMs: () => number
  /** Takes the whole log directory offline. Called once a device has answered with an error that must not be retried. */
  deviceFailed(directory: DirectoryState, error: Error): void
  /** Makes a lower recovery point durable before bytes above it are cut: what is cut and written anew is not yet flushed. */
  lowerRecoveryPoint(log: { readonly topic: string; readonly partition: number }, offset: number): Promise<void>
  /** Work that `close` waits for. It must not reject. */
  background(work: Promise<void>): void
}
