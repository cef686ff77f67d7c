// Opening a log directory: whose it is, whether the last stop was clean, and the log in each partition's folder.

import { dirname } from 'node:path'
import { ErrorCode, KafkaError, randomUuid } from '@ottla/protocol'
import { defaultLogConfig } from './config.ts'
import { type LogDirectory, parsePartitionName, partitionName } from './log-directory.ts'
import type { LogManagerOptions } from './log-manager.ts'
import type { LogWorld } from './log-world.ts'
import { META_PROPERTIES, readMetaProperties, writeMetaProperties } from './meta-properties.ts'
import { openLog } from './recovery.ts'
import { makeDurable } from './truncate.ts'

const checkIdentity = async (world: LogWorld, directory: LogDirectory, options: LogManagerOptions): Promise<void> => {
  const path = `${directory.path}/${META_PROPERTIES}`
  const found = readMetaProperties(world.files, path)
  const { identity } = options
  if (found !== undefined && identity !== undefined && (found.clusterId !== identity.clusterId || found.nodeId !== identity.nodeId)) {
    const whose = `node ${found.nodeId} of cluster ${found.clusterId}, not to node ${identity.nodeId} of cluster ${identity.clusterId}`
    throw new KafkaError(ErrorCode.INCONSISTENT_CLUSTER_ID, `${directory.path} belongs to ${whose}`)
  }
  directory.id = found?.directoryId ?? ''
  if (identity === undefined || directory.id !== '') return
  directory.id = randomUuid(options.random)
  const properties = { ...identity, directoryId: directory.id }
  await writeMetaProperties(world.files, path, { properties, nowMs: options.clock.now() })
}

/** Makes a log directory and the folders above it where they are missing, durably. Throws the platform's error. */
export const makeDirectory = async (world: LogWorld, path: string): Promise<void> => {
  const missing: string[] = []
  for (let at = path; world.files.statSync(at) === undefined && dirname(at) !== at; at = dirname(at)) missing.push(at)
  world.files.makeDirectorySync(path)
  for (const made of missing) await world.files.syncDirectory(dirname(made))
}

/** Opens every log of a directory. Folders that are no partitions are left alone. Throws as LogManager.open. */
export const openDirectory = async (world: LogWorld, directory: LogDirectory, options: LogManagerOptions): Promise<void> => {
  await checkIdentity(world, directory, options)
  await directory.refreshSpace()
  const recoveryPoints = directory.readCheckpoint('recoveryPoint')
  const logStarts = directory.readCheckpoint('logStart')
  const highWatermarks = directory.readCheckpoint('highWatermark')
  const clean = await directory.takeCleanMark()
  for (const name of world.files.listSync(directory.path)) {
    const place = parsePartitionName(name)
    const path = `${directory.path}/${name}`
    if (place === undefined || world.files.statSync(path)?.isDirectory !== true) continue
    const log = openLog({
      world,
      directory,
      path,
      ...place,
      topicId: '',
      config: options.configOf?.(place.topic) ?? defaultLogConfig,
      clean,
      recoveryPoint: recoveryPoints.get(name) ?? 0,
      logStartOffset: logStarts.get(name) ?? 0,
      highWatermark: highWatermarks.get(name) ?? 0,
      created: false,
    })
    if (log.shortened) await makeDurable(log)
    // Recovery leaves files open.
    world.openFiles.dropFolder(path)
    directory.logs.set(partitionName(place.topic, place.partition), log)
  }
  for (const offsets of [recoveryPoints, logStarts, highWatermarks]) {
    for (const name of offsets.keys()) if (!directory.logs.has(name)) directory.forget(name)
  }
}
