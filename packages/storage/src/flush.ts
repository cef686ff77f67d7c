// Making written bytes durable: one fdatasync in flight per log, off the loop. When it ends, the flushed offset moves to what had been
// written when it began, everybody who waited for less is told together, and the next one starts if more was written meanwhile.
// A failed fdatasync is never tried again (the kernel may have dropped the pages): it takes the log directory offline.

import { ErrorCode, KafkaError } from '@ottla/protocol'
import { dirname } from 'node:path'
import { flushSmallFiles } from './log-files.ts'
import type { Log } from './log.ts'
import { asError, codeOf, SyncError, syncOnce } from './platform-error.ts'
import type { Segment } from './segment.ts'
import { isPassing } from './undo.ts'

const RETRY_MS = 1000

/** Who waits for the flushed offset to reach `offset`. */
export interface FlushWaiter {
  readonly offset: number
  resolve(): void
  reject(error: Error): void
}

const syncFile = async (log: Log, path: string): Promise<void> => {
  const pinned = log.world.openFiles.pin(path)
  try {
    await syncOnce(pinned.file)
  } finally {
    pinned.unpin()
  }
}

const syncFolder = async (log: Log, path: string): Promise<void> => {
  try {
    await log.world.folderSyncs.sync(path)
  } catch (error) {
    throw new SyncError(`fsync of ${path} failed: ${asError(error).message}`, { cause: error })
  }
}

const isMissing = (error: unknown): boolean => codeOf(error instanceof SyncError ? error.cause : error) === 'ENOENT'

/** Syncs a segment's file. One that was deleted meanwhile needs nothing. */
const syncSegment = async (log: Log, segment: Segment): Promise<void> => {
  try {
    await syncFile(log, segment.logPath(log.path))
  } catch (error) {
    if (!isMissing(error) || log.segments.includes(segment)) throw error
  }
}

/**
 * Makes the indexes of rolled segments durable, also of one that was rolled just now: a recovery point at or behind its end says that
 * its indexes need not be made anew.
 */
const syncRolled = async (log: Log): Promise<void> => {
  for (let segment = log.rolled[0]; segment !== undefined; segment = log.rolled[0]) {
    if (log.segments.includes(segment)) await segment.flushIndexes()
    // Only now: a disk that is full makes the next attempt begin with the same one.
    const place = log.rolled.indexOf(segment)
    if (place >= 0) log.rolled.splice(place, 1)
  }
}

const syncRange = async (log: Log, target: number): Promise<void> => {
  const from = log.flushedOffset
  const { segments } = log
  const first = Math.max(0, log.segmentIndexOf(from))
  const touched: Segment[] = []
  for (let index = first; index < segments.length; index++) {
    const segment = log.segmentAt(index)
    if (segment.baseOffset >= target && index > first) break
    touched.push(segment)
  }
  for (const segment of touched) await syncSegment(log, segment)
  await syncFolders(log)
}

/** Makes everything durable that lies beside the segments, and the names of all files. Throws SyncError or the platform's error. */
export const syncFolders = async (log: Log): Promise<void> => {
  await flushSmallFiles(log)
  // A segment may be rolled while this goes on.
  while (log.rolled.length > 0 || log.newEntries) {
    await syncRolled(log)
    if (!log.newEntries) continue
    log.newEntries = false
    await syncFolder(log, log.path)
  }
  if (!log.newFolder) return
  await syncFolder(log, dirname(log.path))
  // What the checkpoint files say of a log of the same name before would hide records of this one.
  await log.directory.forgetDeleted()
  log.newFolder = false
}

/** Tells everybody who waits for a flush that there will be none. */
export const failWaiters = (log: Log, error: Error): void => {
  settle(log, new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `flush of ${log.topic}-${log.partition} failed: ${error.message}`))
}

/** Nobody need wait for offsets that are gone. */
export const settleBelow = (log: Log, endOffset: number): void => {
  const waiters = log.flushWaiters
  if (waiters === null) return
  log.flushWaiters = waiters.filter(waiter => waiter.offset <= endOffset)
  for (const waiter of waiters) if (waiter.offset > endOffset) waiter.resolve()
}

const settle = (log: Log, error: KafkaError | undefined): void => {
  const waiters = log.flushWaiters
  if (waiters === null) return
  const left = []
  for (const waiter of waiters) {
    if (error !== undefined) waiter.reject(error)
    else if (waiter.offset <= log.flushedOffset) waiter.resolve()
    else left.push(waiter)
  }
  log.flushWaiters = left.length === 0 ? null : left
}

const run = async (log: Log): Promise<void> => {
  try {
    while (log.flushedOffset < log.flushWanted && log.usable) {
      const { generation } = log
      const target = Math.min(log.writtenOffset, log.flushWanted)
      if (target <= log.flushedOffset) break
      await syncRange(log, target)
      if (generation !== log.generation) continue
      log.flushedOffset = Math.max(log.flushedOffset, target)
      log.lastFlushMs = log.world.clock.monotonic()
      if (log.config.flushMode === 'ack') log.flushWanted = Math.max(log.flushWanted, log.writtenOffset)
      log.progressed = true
      settle(log, undefined)
      log.announce()
    }
    log.flushing = false
    settle(log, undefined)
  } catch (error) {
    log.flushing = false
    failed(log, asError(error))
  }
}

const failed = (log: Log, error: Error): void => {
  const { clock, logger } = log.world
  if (log.closed) {
    // It was deleted meanwhile, and its files with it.
    failWaiters(log, error)
    return
  }
  if (!isPassing(error)) {
    log.world.deviceFailed(log.directory, error)
  } else {
    logger.warn({ folder: log.path, error: error.message }, 'a flush could not be done and is tried again')
    log.newEntries = true
    clock.after(RETRY_MS, () => {
      if (log.usable) startFlush(log, log.flushWanted)
    })
  }
  failWaiters(log, error)
}

/** Begins a flush of everything below `offset` unless one is under way, which then goes on to it. */
export const startFlush = (log: Log, offset: number): void => {
  if (offset > log.flushWanted) log.flushWanted = offset
  if (log.flushing || log.flushedOffset >= log.flushWanted || log.directory.failure !== undefined) return
  log.flushing = true
  log.world.background(run(log))
}

/** As `startFlush`; resolves when the flushed offset has reached `offset`. Rejects with KAFKA_STORAGE_ERROR. */
export const requestFlush = (log: Log, offset: number): Promise<void> => {
  if (log.flushedOffset >= offset) return Promise.resolve()
  return new Promise<void>((resolve, reject) => {
    log.flushWaiters ??= []
    log.flushWaiters.push({ offset, resolve, reject })
    startFlush(log, offset)
    if (log.directory.failure !== undefined) failWaiters(log, log.directory.failure)
  })
}

/** After a write: what the flush mode asks for. */
export const flushAfterWrite = (log: Log): void => {
  const { config } = log
  log.world.unflushed.add(log)
  if (config.flushMode === 'ack' || log.writtenOffset - log.flushedOffset >= config.flushMessages) startFlush(log, log.writtenOffset)
}
