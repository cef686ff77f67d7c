// `meta.properties` in the root of a log directory: which node of which cluster it belongs to, and its own id (KIP-631, KIP-858,
// org.apache.kafka.metadata.properties.MetaProperties).
import { isUuid } from '@ottla/protocol'
import { readIfPresent, replaceFile } from './atomic-file.ts'
import { parseInteger } from './checkpoint.ts'
import { CorruptFileError, quoted } from './corrupt-file.ts'
import type { Files } from './files.ts'
import { parseProperties, propertyLine } from './properties.ts'

/** Name of the file in a log directory. */
export const META_PROPERTIES = 'meta.properties'

export interface MetaProperties {
  readonly clusterId: string
  readonly nodeId: number
  /** Absent in directories formatted by Kafka before 3.7. */
  readonly directoryId?: string
}

/** Parses version 1; version 0 belongs to Kafka with ZooKeeper and is refused. Throws CorruptFileError. */
export function parseMetaProperties(path: string, content: Buffer): MetaProperties {
  const values = new Map(parseProperties(content.toString('utf8')).map(property => [property.key, property.value]))
  const required = (key: string) => {
    const value = values.get(key)
    if (value === undefined || value === '') throw new CorruptFileError(path, `${key} is missing`)
    return value
  }
  const version = values.get('version') ?? '0'
  if (version !== '1') throw new CorruptFileError(path, `version ${quoted(version)} instead of 1`)
  const node = required('node.id')
  const nodeId = parseInteger(node)
  if (nodeId === undefined || nodeId < 0 || nodeId > 0x7fffffff) throw new CorruptFileError(path, `node.id is ${quoted(node)}`)
  const clusterId = required('cluster.id')
  const directoryId = values.get('directory.id')
  if (directoryId === undefined) return { clusterId, nodeId }
  if (!isUuid(directoryId)) throw new CorruptFileError(path, `directory.id is ${quoted(directoryId)}`)
  return { clusterId, nodeId, directoryId }
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (value: number) => String(value).padStart(2, '0')

/** A time as Java's Date prints it, in UTC. */
const javaDate = (date: Date): string =>
  `${days[date.getUTCDay()]} ${months[date.getUTCMonth()]} ${two(date.getUTCDate())} ` +
  `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} UTC ${date.getUTCFullYear()}`

/** Content of the file as Kafka writes it; `nowMs` is the time in its comment. */
export function metaPropertiesContent(properties: MetaProperties, nowMs: number): Buffer {
  const lines = ['#\n', `#${javaDate(new Date(nowMs))}\n`, propertyLine('node.id', String(properties.nodeId))]
  if (properties.directoryId !== undefined) lines.push(propertyLine('directory.id', properties.directoryId))
  lines.push(propertyLine('version', '1'), propertyLine('cluster.id', properties.clusterId))
  return Buffer.from(lines.join(''))
}

/** Reads the file, undefined when there is none (a directory that was not formatted). Throws CorruptFileError or the platform's error. */
export function readMetaProperties(files: Files, path: string): MetaProperties | undefined {
  const content = readIfPresent(files, path)
  return content && parseMetaProperties(path, content)
}

/** Writes the file durably (see `replaceFile`); `nowMs` is the time in its comment. */
export const writeMetaProperties = (files: Files, path: string, options: { properties: MetaProperties; nowMs: number }): Promise<void> =>
  replaceFile(files, path, metaPropertiesContent(options.properties, options.nowMs))
