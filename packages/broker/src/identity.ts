// Whose data lies in the log directories, looked at before anything is written to them.
import { isUuid } from '@ottla/protocol'
import type { Files } from '@ottla/storage'
import { CLEAN_SHUTDOWN, META_PROPERTIES, readCleanShutdown, readMetaProperties } from '@ottla/storage'
import { StartError } from './start-errors.ts'

/** What the log directories say before they are opened. */
export interface FoundIdentity {
  /** Null: none of them says. */
  readonly clusterId: string | null
  /** Epoch in the marks of a clean stop, -1 unless every directory has the same (R12 of the cluster rules). */
  readonly cleanShutdownEpoch: number
  /** A folder of a partition, undefined when there is none. */
  readonly partitionFolder: string | undefined
}

/** What a broker is to be. */
export interface WantedIdentity {
  readonly directories: readonly string[]
  readonly nodeId: number
  /** The cluster that the user names, null for any. */
  readonly clusterId: string | null
}

/** Looks into the directories. Throws StartError for those of another cluster or node, CorruptFileError, or the platform's error. */
export function lookInto(files: Files, wanted: WantedIdentity): FoundIdentity {
  if (wanted.clusterId !== null && !isUuid(wanted.clusterId))
    throw new StartError(
      `the cluster id ${wanted.clusterId} is not one. It has 22 characters, like ${EXAMPLE}: correct or remove CLUSTER_ID`,
    )
  let found: { clusterId: string; directory: string } | null = null
  let partitionFolder: string | undefined
  const epochs: number[] = []
  for (const directory of wanted.directories) {
    const facts = files.statSync(directory)
    if (facts !== undefined && !facts.isDirectory)
      throw new StartError(`${directory} is not a directory. Remove the file of that name, or choose another directory with log.dirs`)
    const properties = facts && readMetaProperties(files, `${directory}/${META_PROPERTIES}`)
    epochs.push((facts && readCleanShutdown(files, `${directory}/${CLEAN_SHUTDOWN}`)?.brokerEpoch) ?? -1)
    partitionFolder ??= facts && partitionFolderIn(files, directory)
    if (properties === undefined) continue
    const { clusterId, nodeId } = properties
    if (nodeId !== wanted.nodeId)
      throw new StartError(
        `${directory} belongs to node ${nodeId}, but node.id is ${wanted.nodeId}. Set node.id=${nodeId}, or choose another directory with log.dirs`,
      )
    if (wanted.clusterId !== null && clusterId !== wanted.clusterId)
      throw new StartError(
        `${directory} belongs to cluster ${clusterId}, but the cluster id given is ${wanted.clusterId}. ` +
          'Correct or remove CLUSTER_ID, or choose another directory with log.dirs',
      )
    if (found !== null && found.clusterId !== clusterId)
      throw new StartError(
        `${found.directory} belongs to cluster ${found.clusterId}, but ${directory} to cluster ${clusterId}. Leave one of them out of log.dirs`,
      )
    found = { clusterId, directory }
  }
  const [epoch = -1] = epochs
  return { clusterId: found?.clusterId ?? null, cleanShutdownEpoch: epochs.every(one => one === epoch) ? epoch : -1, partitionFolder }
}

const EXAMPLE = '4L6g3nShT-eMCtK--X86sw'

const partitionFolderIn = (files: Files, directory: string): string | undefined => {
  const name = files.listSync(directory).find(one => /^[A-Za-z0-9._-]{1,249}-\d{1,10}$/.test(one))
  return name === undefined ? undefined : `${directory}/${name}`
}

/** A broker whose metadata store is new must not find partitions: it would not know their topics, and could not serve them. */
export function refuseStrangers(found: FoundIdentity, metadataDirectory: string): void {
  if (found.partitionFolder === undefined) return
  throw new StartError(
    `${found.partitionFolder} is a partition of a topic that the metadata in ${metadataDirectory} does not know (made by Apache Kafka, or ` +
      'the metadata is lost). Put the metadata back, or choose an empty directory with log.dirs',
  )
}
