// `partition.metadata` in a partition's folder: the topic id, so that a folder left from a deleted topic of the same name is recognised
// (KIP-516, org.apache.kafka.storage.internals.checkpoint.PartitionMetadataFile).
import { isUuid, ZERO_UUID } from '@ottla/protocol'
import { readIfPresent, replaceFile } from './atomic-file.ts'
import { parseInteger } from './checkpoint.ts'
import { CorruptFileError, quoted } from './corrupt-file.ts'
import type { Files } from './files.ts'

/** Name of the file in a partition's folder. */
export const PARTITION_METADATA = 'partition.metadata'

export interface PartitionMetadata {
  readonly version: number
  readonly topicId: string
}

/** Parses a file's content. Versions above 0 are read as far as version 0 goes, as in Kafka. Throws CorruptFileError. */
export function parsePartitionMetadata(path: string, content: Buffer): PartitionMetadata {
  const [versionLine = '', idLine = ''] = content.toString('utf8').split(/\r\n|\n|\r/)
  const valueOf = (line: string) => {
    const words = line.split(/:\s+/)
    if (words.length === 2 && words[1] !== undefined) return words[1]
    throw new CorruptFileError(path, `malformed line ${quoted(line)}`)
  }
  const version = parseInteger(valueOf(versionLine))
  if (version === undefined || version < 0) throw new CorruptFileError(path, `unknown version in ${quoted(versionLine)}`)
  const topicId = valueOf(idLine)
  if (!isUuid(topicId) || topicId === ZERO_UUID) throw new CorruptFileError(path, `${quoted(topicId)} is no topic id`)
  return { version, topicId }
}

/** Content of the file. */
export const partitionMetadataContent = (metadata: PartitionMetadata): Buffer =>
  Buffer.from(`version: ${metadata.version}\ntopic_id: ${metadata.topicId}`)

/** Reads the file, undefined when there is none. Throws CorruptFileError or the platform's error. */
export function readPartitionMetadata(files: Files, path: string): PartitionMetadata | undefined {
  const content = readIfPresent(files, path)
  return content && parsePartitionMetadata(path, content)
}

/** Writes the file durably, as version 0 (see `replaceFile`). */
export const writePartitionMetadata = (files: Files, path: string, topicId: string): Promise<void> =>
  replaceFile(files, path, partitionMetadataContent({ version: 0, topicId }))
