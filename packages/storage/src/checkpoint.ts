// Kafka's checkpoint files: text with a version, the number of entries, and one entry a line
// (org.apache.kafka.server.common.CheckpointFile). Used for offsets of many partitions in the root of a log directory
// (org.apache.kafka.storage.internals.checkpoint.OffsetCheckpointFile: "topic partition offset") and for leader epochs.
import { readIfPresent } from './atomic-file.ts'
import { CorruptFileError, quoted } from './corrupt-file.ts'
import type { Files } from './files.ts'

/** Names of the offset checkpoints in a log directory. */
export const checkpointNames = {
  /** Offsets up to which a log is known to be on the device; what lies behind is checked after an unclean stop. */
  recoveryPoint: 'recovery-point-offset-checkpoint',
  /** First offsets of logs that start inside a segment (after DeleteRecords). */
  logStart: 'log-start-offset-checkpoint',
  /** High watermarks. */
  highWatermark: 'replication-offset-checkpoint',
  /** Offsets up to which logs are compacted. */
  cleaner: 'cleaner-offset-checkpoint',
} as const

export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

const VERSION = 0
const INTEGER = /^[+-]?\d{1,19}$/

/** A decimal integer within the safe range, as Java's parseLong takes it; undefined for anything else. */
export function parseInteger(text: string): number | undefined {
  if (!INTEGER.test(text)) return undefined
  const value = Number(text) + 0 // '-0' is 0
  return Number.isSafeInteger(value) ? value : undefined
}

/**
 * Entries of a checkpoint file. `parse` makes an entry from the words of a line, or undefined when they are none. An empty file has no
 * entries, as in Kafka. Throws CorruptFileError.
 */
export function parseCheckpoint<T>(path: string, content: Buffer, parse: (words: string[]) => T | undefined): T[] {
  const lines = content.toString('utf8').split(/\r\n|\n|\r/)
  if (lines.at(-1) === '') lines.pop()
  const malformed = (line: string) => new CorruptFileError(path, `malformed line ${quoted(line)}`)
  const [versionLine, countLine] = lines
  if (versionLine === undefined) return []
  const version = parseInteger(versionLine)
  if (version === undefined) throw malformed(versionLine)
  if (version !== VERSION) throw new CorruptFileError(path, `version ${version} instead of ${VERSION}`)
  if (countLine === undefined) return []
  const count = parseInteger(countLine)
  if (count === undefined) throw malformed(countLine)
  const entries: T[] = []
  for (const line of lines.slice(2)) {
    const entry = parse(line.split(/\s+/))
    if (entry === undefined) throw malformed(line)
    entries.push(entry)
  }
  if (entries.length !== count) throw new CorruptFileError(path, `${entries.length} entries instead of ${count}`)
  return entries
}

/** A checkpoint file of these lines. */
export const checkpointContent = (lines: readonly string[]): Buffer =>
  Buffer.from(`${VERSION}\n${lines.length}\n${lines.map(line => `${line}\n`).join('')}`)

function parsePartitionOffset(words: string[]): PartitionOffset | undefined {
  const [topic, partitionWord, offsetWord] = words
  if (words.length !== 3 || !topic || partitionWord === undefined || offsetWord === undefined) return undefined
  const partition = parseInteger(partitionWord)
  const offset = parseInteger(offsetWord)
  if (partition === undefined || partition < 0 || partition > 0x7fffffff || offset === undefined) return undefined
  return { topic, partition, offset }
}

/** Offsets in a checkpoint file's content, in its order. Throws CorruptFileError. */
export const parseOffsetCheckpoint = (path: string, content: Buffer): PartitionOffset[] =>
  parseCheckpoint(path, content, parsePartitionOffset)

/** Content of an offset checkpoint file. */
export function offsetCheckpointContent(offsets: Iterable<PartitionOffset>): Buffer {
  const lines: string[] = []
  for (const { topic, partition, offset } of offsets) lines.push(`${topic} ${partition} ${offset}`)
  return checkpointContent(lines)
}

/** Reads an offset checkpoint; without the file there are no offsets. Throws CorruptFileError or the platform's error. */
export function readOffsetCheckpoint(files: Files, path: string): PartitionOffset[] {
  const content = readIfPresent(files, path)
  return content === undefined ? [] : parseOffsetCheckpoint(path, content)
}
