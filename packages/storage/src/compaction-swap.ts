// Puts a cleaned segment in the place of those it was made from (LocalLog.replaceSegments), so that a crash at any moment leaves either
// the old ones or the new one, or a mixture that holds nothing twice and lacks nothing:
//
// 1. `.cleaned` becomes `.swap`. As long as one file is still `.cleaned`, a start removes all of them.
// 2. The files of the old segments become `.deleted`, from the first to the last. Now a start finds complete `.swap` files, removes the
//    segments whose offsets they cover, and goes on with 3. An old segment behind the last offset that was kept may come back with what is
//    after it: what is newer than a record is never gone while the record is there.
// 3. `.swap` goes from the names, from the `.log` first: as long as it has the ending, a start does all of 2 again.
//
// All of it happens in one turn of the loop, so that a reader sees the old segments or the new one; one that is under way keeps its handle
// on a file that is unlinked only later.

import { CompactionAborted } from './clean-pace.ts'
import { SWAP_ENDING, whileSyncing } from './cleaned-segment.ts'
import type { Log } from './log.ts'
import { asError, codeOf } from './platform-error.ts'
import { whileWriting } from './log-files.ts'
import { type Segment, segmentSuffixes } from './segment.ts'
import { DELETED_SUFFIX } from './truncate.ts'

const setAside = (log: Log, path: string): string[] => {
  const { files, openFiles } = log.world
  if (files.statSync(path) === undefined) return []
  openFiles.drop(path)
  files.renameSync(path, path + DELETED_SUFFIX)
  return [path + DELETED_SUFFIX]
}

const unlinkLater = (log: Log, paths: readonly string[]): void => {
  const { clock, files, logger } = log.world
  clock.after(log.config.fileDeleteDelayMs, () => {
    for (const path of paths) {
      log.world.background(
        files.unlink(path).catch((error: unknown) => {
          if (codeOf(error) !== 'ENOENT') logger.warn({ file: path, error: asError(error).message }, 'a deleted file could not be removed')
        }),
      )
    }
  })
}

/** Gives all files of a segment another ending. */
const rename = (log: Log, segment: Segment, ending: string): void => {
  const { files, openFiles } = log.world
  const names = segmentSuffixes.map(suffix => segment.pathOf(log.path, suffix)).filter(path => files.statSync(path) !== undefined)
  segment.moveTo(log.path, ending)
  const targets = new Map(segmentSuffixes.map(suffix => [suffix, segment.pathOf(log.path, suffix)]))
  for (const path of names) {
    const suffix = segmentSuffixes.find(each => path.includes(`${each}.`))
    const target = suffix === undefined ? undefined : targets.get(suffix)
    if (target === undefined) continue
    openFiles.drop(path)
    files.renameSync(path, target)
  }
}

/** Readers must not find in memory what is no longer in the files: a record whose tombstone is gone, for one. */
const dropTail = (log: Log, endOffset: number): void => {
  const first = log.tail?.chunks[0]
  if (log.tail === null || first === undefined || first.baseOffset >= endOffset) return
  log.writeStaged()
  if (log.tail !== null) log.world.tails.dropAll(log.tail)
  log.tail = null
}

/** The snapshot of the producers at the start of a segment that is gone goes with it, unless it is the newest. */
const releaseSnapshot = (log: Log, baseOffset: number): string[] => {
  if ((log.snapshots.offsets.at(-1) ?? 0) <= baseOffset) return []
  const path = log.snapshots.release(baseOffset)
  return path === undefined ? [] : setAside(log, path)
}

/**
 * See the top of the file. `old` are neighbours in the log, and not the active segment. Resolves when the names are on the device. Throws
 * CompactionAborted, with nothing changed, when the log does not have all of them any more; KAFKA_STORAGE_ERROR.
 */
export const replaceSegments = async (log: Log, cleaned: Segment, old: readonly Segment[]): Promise<void> => {
  const [first] = old
  const index = first === undefined ? -1 : log.segments.indexOf(first)
  if (index < 0 || old.some((segment, place) => log.segments[index + place] !== segment || segment === log.active))
    throw new CompactionAborted('segments were deleted meanwhile')
  dropTail(log, log.endOffsetOf(index + old.length - 1))
  whileWriting(log, () => rename(log, cleaned, SWAP_ENDING))
  const gone: string[] = []
  try {
    for (const segment of old) {
      for (const suffix of segmentSuffixes) gone.push(...setAside(log, segment.pathOf(log.path, suffix)))
      if (segment !== first) gone.push(...releaseSnapshot(log, segment.baseOffset))
    }
    rename(log, cleaned, '')
  } catch (error) {
    // The disk is fine with it, but not what is known of it here: a start would finish the exchange.
    log.world.deviceFailed(log.directory, asError(error))
    log.ensureUsable()
  }
  log.segments.splice(index, old.length, cleaned)
  log.replacements++
  log.newEntries = true
  cleaned.unloadIndexes()
  unlinkLater(log, gone)
  await whileSyncing(log, () => log.world.folderSyncs.sync(log.path))
}
