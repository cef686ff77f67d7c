// The small files beside the segments: leader epochs, producer snapshots, the topic id. They are written when they change and made
// durable before the recovery point passes what they tell of.

import { ErrorCode, KafkaError } from '@ottla/protocol'
import { LEADER_EPOCH_CHECKPOINT, writeLeaderEpochs } from './leader-epochs.ts'
import type { Log } from './log.ts'
import { PARTITION_METADATA, partitionMetadataContent } from './partition-metadata.ts'
import { asError, codeOf, syncOnce } from './platform-error.ts'
import { isPassing } from './undo.ts'

/** Runs work that writes files; what fails is KAFKA_STORAGE_ERROR, and takes the log directory offline unless the disk is just full. */
export const whileWriting = <T>(log: Log, work: () => T): T => {
  try {
    return work()
  } catch (error) {
    if (codeOf(error) === '' || error instanceof KafkaError) throw error
    if (!isPassing(asError(error))) log.world.deviceFailed(log.directory, asError(error))
    throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `writing in ${log.path} failed: ${asError(error).message}`)
  }
}

/** What a failed read becomes: KAFKA_STORAGE_ERROR, which is retriable, as another replica may have it, or the next attempt may succeed. */
export const readFailure = (log: Log, error: unknown): Error => {
  const code = codeOf(error)
  // Codes of Node.js itself, such as ERR_OUT_OF_RANGE, are mistakes of a program, which no further attempt mends.
  if (code === '' || code.startsWith('ERR_') || error instanceof KafkaError) return asError(error)
  log.world.logger.error({ folder: log.path, error: asError(error).message }, 'a read of the log failed')
  return new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, `reading ${log.topic}-${log.partition} failed: ${asError(error).message}`)
}

/** Takes a snapshot of the producers at the end of the log. */
export const saveProducers = (log: Log, offset: number): void => {
  if (log.snapshots.offsets.includes(offset)) return
  log.snapshots.take(log.producers, offset)
  log.newSnapshots ??= []
  log.newSnapshots.push(offset)
}

const saveEpochs = async (log: Log): Promise<void> => {
  const { leaderEpochs, path, world } = log
  const { unsavedFrom } = leaderEpochs
  leaderEpochs.unsavedFrom = Number.POSITIVE_INFINITY
  try {
    await writeLeaderEpochs(world.files, `${path}/${LEADER_EPOCH_CHECKPOINT}`, leaderEpochs)
  } catch (error) {
    leaderEpochs.unsavedFrom = Math.min(leaderEpochs.unsavedFrom, unsavedFrom)
    throw error
  }
}

/** Makes the small files durable as far as they changed. Throws the platform's error. */
export const flushSmallFiles = async (log: Log): Promise<void> => {
  const { leaderEpochs } = log
  if (leaderEpochs.unsavedFrom < log.logEndOffset) await saveEpochs(log)
  const snapshots = log.newSnapshots
  log.newSnapshots = null
  for (const offset of snapshots ?? []) if (log.snapshots.offsets.includes(offset)) await log.snapshots.flush(offset)
  if (log.newFolder && log.topicId !== '') {
    const file = log.world.files.openSync(`${log.path}/${PARTITION_METADATA}`, 'create')
    try {
      await syncOnce(file)
    } finally {
      file.closeSync()
    }
  }
}

/** Writes the topic id of a new partition, or one that its folder did not tell. */
export const saveTopicId = (log: Log, topicId: string): void => {
  log.topicId = topicId
  const file = log.world.files.openSync(`${log.path}/${PARTITION_METADATA}`, 'create')
  try {
    file.truncateSync(0)
    file.writeSync([partitionMetadataContent({ version: 0, topicId })], 0)
  } finally {
    file.closeSync()
  }
  log.newFolder = true
}
