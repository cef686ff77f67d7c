// DescribeLogDirs, versions 1 to 5: the log directories of this broker, their room, and what lies in them (KIP-113, KIP-827). Replicas are
// not moved between directories, so there are no future ones; no directory is cordoned.
import type { DescribeLogDirsRequest, Logger } from '@ottla/protocol'
import { describeLogDirsApi, ErrorCode } from '@ottla/protocol'
import type { Log, LogDirectory } from '@ottla/storage'
import type { Replicas } from '../replica/replicas.ts'
import type { Slices } from '../replica/slices.ts'
import { type AnyHandler, handler } from '../requests/handler.ts'

/** Says whether a partition is asked for. */
type Wanted = (log: Log) => boolean

interface TopicAnswer {
  readonly name: string
  readonly partitions: { partitionIndex: number; partitionSize: number; offsetLag: number; isFutureKey: boolean }[]
}

const wantedBy = ({ topics }: DescribeLogDirsRequest): Wanted => {
  if (topics === null) return () => true
  const wanted = new Map(topics.map(({ partitions, topic }) => [topic, new Set(partitions)]))
  return log => wanted.get(log.topic)?.has(log.partition) === true
}

const topicsIn = async (directory: LogDirectory, wanted: Wanted, slices: Slices): Promise<TopicAnswer[]> => {
  const topics = new Map<string, TopicAnswer>()
  await slices.each(directory.logs.values(), log => {
    if (!wanted(log)) return
    const topic = topics.get(log.topic) ?? { name: log.topic, partitions: [] }
    topics.set(log.topic, topic)
    const offsetLag = Math.max(log.highWatermark - log.logEndOffset, 0)
    topic.partitions.push({ partitionIndex: log.partition, partitionSize: log.size, offsetLag, isFutureKey: false })
  })
  return [...topics.values()]
}

/** Makes the handler. */
export const describeLogDirs = (parts: { replicas: Replicas; logger: Logger }): AnyHandler => {
  const answer = async (directory: LogDirectory, wanted: Wanted) => {
    const failed = { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logDir: directory.path, topics: [] }
    if (!directory.online) return failed
    try {
      await directory.refreshSpace()
    } catch (error) {
      parts.logger.warn({ directory: directory.path, err: error }, 'the room of a log directory is not known')
      return failed
    }
    const { path: logDir, totalBytes, usableBytes } = directory
    return { errorCode: ErrorCode.NONE, logDir, topics: await topicsIn(directory, wanted, parts.replicas.slices), totalBytes, usableBytes }
  }

  return handler({
    api: describeLogDirsApi,
    versions: [1, 5],
    async handle(request) {
      const wanted = wantedBy(request)
      const results = await Promise.all(parts.replicas.logs.directories.map(directory => answer(directory, wanted)))
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, results }
    },
  })
}
