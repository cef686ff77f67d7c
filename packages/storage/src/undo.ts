// When a write fails. A full disk is no reason to give up: the file is cut back to what was good, the staged appends are taken back
// as if they had never been, and the next append tries again. Any other error of the device takes the log directory offline.

import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { Log } from './log.ts'
import { asError, codeOf } from './platform-error.ts'

/** Errors that pass once there is room again. */
const passing = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR'])

/** Whether the next attempt may succeed without anybody doubting the device. */
export const isPassing = (error: Error): boolean => passing.has(codeOf(error))

const cutBack = (log: Log): Error | undefined => {
  const { active, path, world } = log
  const file = active.logPath(path)
  try {
    // Where the file could not even be opened there is nothing to cut, and opening it now would fail again.
    if ((world.files.statSync(file)?.size ?? 0) > active.written) world.openFiles.get(file).truncateSync(active.written)
    return undefined
  } catch (error) {
    return asError(error)
  }
}

/** Takes back all staged appends and keeps the error for whoever waits for them. */
export const undoStaged = (log: Log, error: Error): void => {
  const { active, config, stagedMark, tail, world } = log
  log.stagedChunks.length = 0
  if (tail !== null) world.tails.dropAll(tail)
  log.tail = null
  log.logEndOffset = log.writtenOffset
  log.stagedMark = null
  log.progressed = true
  log.writeError = new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `write to ${log.path} failed: ${error.message}`)
  if (stagedMark !== null) active.goBack(world, config, stagedMark)
  log.leaderEpochs.truncateFromEnd(log.writtenOffset)
  if (log.producersLoaded && !log.producers.rollback(log.writtenOffset)) log.forgetProducers()
  const again = isPassing(error) ? cutBack(log) : error
  if (again !== undefined) {
    world.deviceFailed(log.directory, again)
    return
  }
  world.logger.warn({ file: active.logPath(log.path), error: error.message }, 'write failed; the file was cut back to its last good size')
}
