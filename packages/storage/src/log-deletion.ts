// Deleting whole logs: the folder gets another name at once, and goes away later, off the loop.

import type { Random } from '@ottla/protocol'
import { failWaiters } from './flush.ts'
import type { Log } from './log.ts'
import type { LogDirectory } from './log-directory.ts'
import type { LogWorld } from './log-world.ts'
import { asError, codeOf } from './platform-error.ts'

const DELETED_FOLDER = /-delete$/
const LONGEST_NAME = 255

const removeFolder = (world: LogWorld, path: string): void => {
  world.background(
    world.files.removeDirectory(path).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') world.logger.warn({ folder: path, error }, 'a deleted partition could not be removed')
    }),
  )
}

/** `<topic>-<partition>.<32 hex digits>-delete`, the topic cut where the name would be too long (as UnifiedLog.logDeleteDirName). */
const deletedName = (log: Log, random: Random): string => {
  const suffix = `-${log.partition}.${random.bytes(16).toString('hex')}-delete`
  return log.topic.slice(0, LONGEST_NAME - suffix.length) + suffix
}

/** Closes a log for good and renames its folder. */
export const deleteLog = (log: Log, random: Random): void => {
  const { world } = log
  log.closed = true
  log.generation++
  log.stagedChunks.length = 0
  log.stagedMark = null
  if (log.tail !== null) world.tails.dropAll(log.tail)
  log.tail = null
  world.unflushed.delete(log)
  world.openFiles.dropFolder(log.path)
  const target = `${log.directory.path}/${deletedName(log, random)}`
  try {
    world.files.renameSync(log.path, target)
  } catch (error) {
    world.deviceFailed(log.directory, asError(error))
    return
  }
  log.path = target
  failWaiters(log, new Error('it was deleted'))
  for (const segment of log.segments) segment.moveTo(target)
  world.clock.after(log.config.fileDeleteDelayMs, () => removeFolder(world, target))
}

/** Removes, after a while, the folders that an earlier process had renamed but not removed. */
export const removeDeletedFolders = (world: LogWorld, directories: readonly LogDirectory[], delayMs: number): void => {
  const found: string[] = []
  for (const { path } of directories) {
    for (const name of world.files.listSync(path)) if (DELETED_FOLDER.test(name)) found.push(`${path}/${name}`)
  }
  if (found.length > 0) world.clock.after(delayMs, () => found.forEach(path => removeFolder(world, path)))
}
