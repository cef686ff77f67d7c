import { FolderSyncs } from './folder-syncs.ts'
import type { LogManagerOptions } from './log-manager.ts'
import type { LogWorld } from './log-world.ts'
import { nodeFiles } from './node-files.ts'
import { OpenFiles } from './open-files.ts'
import { SlabPool } from './slabs.ts'
import { TailCache } from './tail-cache.ts'
import { WriteTurn } from './write-turn.ts'

/** Read buffers of this size fit the processor's caches: reading a fetch in such pieces is faster than in one. */
export const READ_SLAB_BYTES = 128 * 1024
const DAY_MS = 24 * 60 * 60 * 1000

/** What the logs of a manager share, and the work that is going on in the background. */
export const makeWorld = (
  options: LogManagerOptions,
  duties: Pick<LogWorld, 'deviceFailed' | 'lowerRecoveryPoint'>,
): { world: LogWorld; work: Set<Promise<void>> } => {
  const { clock, logger, random } = options
  const files = options.files ?? nodeFiles
  const slabBytes = options.readSlabBytes ?? READ_SLAB_BYTES
  const work = new Set<Promise<void>>()
  const world: LogWorld = {
    files,
    clock,
    random,
    logger,
    openFiles: new OpenFiles(files, options.openFilesLimit ?? 2000),
    folderSyncs: new FolderSyncs(files),
    tails: new TailCache(options.tailCacheBytes ?? 64 * 1024 * 1024, options.stagedBatchBytes),
    readSlabs: new SlabPool(slabBytes, Math.max(1, Math.floor((options.readBufferBytes ?? 96 * 1024 * 1024) / slabBytes))),
    turn: new WriteTurn(options.schedule ?? setImmediate, logger),
    unflushed: new Set(),
    writtenBytes: 0,
    hotBytes: options.hotBytes ?? 256 * 1024 * 1024,
    producerIdExpirationMs: options.producerIdExpirationMs ?? (() => DAY_MS),
    ...duties,
    background: promise => {
      work.add(promise)
      void promise.finally(() => work.delete(promise))
    },
  }
  return { world, work }
}
