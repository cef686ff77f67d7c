// The steps of a broker's start that stand for themselves: metadata store, cluster, settings, logs, listeners. Each leaves behind in
// `closers` what undoes it.
import { join } from 'node:path'
import type { ClusterImage, MetadataStore } from '@ottla/metadata'
import { LocalStore, type Metadata } from '@ottla/metadata'
import type { Clock, Logger, Random } from '@ottla/protocol'
import type { Files } from '@ottla/storage'
import { lockDirectory, LogManager } from '@ottla/storage'
import type { BrokerConfig } from './config/index.ts'
import { topicLogConfig, usableDynamicSettings } from './config/index.ts'
import { establishCluster } from './controller/index.ts'
import { initialFeatures } from './features.ts'
import type { FoundIdentity } from './identity.ts'
import { refuseStrangers } from './identity.ts'
import { networkLimits } from './network-limits.ts'
import type { NetworkCounters } from './network/index.ts'
import { Listener, SocketServer } from './network/index.ts'
import type { ByteStream, RequestService } from './network/connection.ts'
import { listenError, StartError } from './start-errors.ts'

/** What all steps share. */
export interface World {
  readonly config: BrokerConfig
  readonly files: Files
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Log directories, absolute. */
  readonly directories: readonly string[]
  readonly onFatal: (error: Error) => void
  /** Whether listeners bind their ports. */
  readonly bound: boolean
  /** What is to be done at the end, last first. Everything in it is idempotent. */
  readonly closers: (() => void | Promise<void>)[]
}

/** An open listener: where it is bound, and what clients are told. */
export interface OpenListener {
  readonly name: string
  /** As it was given; empty: all interfaces. */
  readonly host: string
  readonly port: number
  readonly advertisedHost: string
  readonly advertisedPort: number
}

/** Where the metadata store of its own lies. */
export const metadataDirectory = (config: BrokerConfig, directories: readonly string[]): string =>
  join(config.value('metadata.log.dir') ?? directories[0] ?? '', '__ottla_metadata')

/** Opens the store of this broker alone, locked against a second process. */
export async function openStore(world: World, found: FoundIdentity): Promise<MetadataStore> {
  const { config, files, clock, logger, closers, onFatal } = world
  const directory = metadataDirectory(config, world.directories)
  if (files.statSync(directory) === undefined) refuseStrangers(found, directory)
  files.makeDirectorySync(directory)
  closers.push(lockDirectory(files, directory))
  const store = await LocalStore.open({ directory, clock, logger, onFatal })
  closers.push(() => store.close())
  return store
}

/** Takes part in the cluster that the store holds, or makes it. Returns its id. */
export async function joinCluster(world: World, store: MetadataStore, found: FoundIdentity): Promise<string> {
  const { config, random } = world
  const wanted = config.clusterId ?? found.clusterId
  const cluster = await establishCluster(store, {
    ...(wanted === null ? {} : { clusterId: wanted }),
    features: initialFeatures,
    // As Apache Kafka formats a cluster with eligible leader replicas (KIP-966).
    brokerDefaults: new Map([['min.insync.replicas', String(config.value('min.insync.replicas'))]]),
    random,
  })
  if (wanted !== null && cluster.id !== wanted)
    throw new StartError(
      config.clusterId === null
        ? `the log directories belong to cluster ${wanted}, but the metadata to cluster ${cluster.id}. Choose log.dirs and metadata.log.dir of one cluster`
        : `the metadata belongs to cluster ${cluster.id}, but the cluster id given is ${wanted}. Correct or remove CLUSTER_ID, or choose other log.dirs`,
    )
  return cluster.id
}

/** Brings altered settings of brokers into the configuration, now and whenever they change. */
export function followSettings(world: World, metadata: Metadata): void {
  const { config, logger, closers } = world
  const name = String(config.nodeId)
  const apply = (image: ClusterImage) => {
    const stored = { broker: image.config('broker', name), defaults: image.config('broker', '') }
    config.setDynamic(
      usableDynamicSettings(stored, config, (setting, reason) =>
        logger.error({ setting, reason }, 'a stored setting is not valid and not used'),
      ),
    )
  }
  apply(metadata.image)
  closers.push(
    metadata.onChange((_changes, image, previous) => {
      if (isOther(image, previous, name) || isOther(image, previous, '')) apply(image)
    }),
  )
}

const isOther = (image: ClusterImage, previous: ClusterImage, name: string): boolean =>
  image.config('broker', name) !== previous.config('broker', name)

/** Locks and opens the log directories and recovers every log in them. */
export async function openLogs(
  world: World,
  parts: { clusterId: string; metadata: Metadata; brokerEpoch: () => number },
): Promise<LogManager> {
  const { config, files, clock, random, logger, closers, onFatal } = world
  const logs = await LogManager.open({
    directories: world.directories,
    files,
    clock,
    random,
    logger,
    identity: { clusterId: parts.clusterId, nodeId: config.nodeId },
    brokerEpoch: parts.brokerEpoch,
    configOf: topic => topicLogConfig(parts.metadata.image.config('topic', topic), config),
    producerIdExpirationMs: () => config.value('producer.id.expiration.ms'),
    producerIdExpirationCheckIntervalMs: config.value('producer.id.expiration.check.interval.ms'),
    retentionCheckIntervalMs: config.value('log.retention.check.interval.ms'),
    recoveryPointCheckpointIntervalMs: config.value('log.flush.offset.checkpoint.interval.ms'),
    logStartCheckpointIntervalMs: config.value('log.flush.start.offset.checkpoint.interval.ms'),
    highWatermarkCheckpointIntervalMs: config.value('replica.high.watermark.checkpoint.interval.ms'),
    cleaner: () => ({
      enable: config.value('log.cleaner.enable'),
      backoffMs: config.value('log.cleaner.backoff.ms'),
      dedupeBufferBytes: config.value('log.cleaner.dedupe.buffer.size'),
      loadFactor: config.value('log.cleaner.io.buffer.load.factor'),
      ioBufferBytes: config.value('log.cleaner.io.buffer.size'),
      ioMaxBytesPerSecond: config.value('log.cleaner.io.max.bytes.per.second'),
      threads: config.value('log.cleaner.threads'),
    }),
  })
  closers.push(() => logs.close())
  logs.onDirectoryOffline = (_directory, error) => {
    if (logs.directories.every(directory => !directory.online)) onFatal(error)
  }
  return logs
}

/** Open listeners, and what is done with all of them. */
export interface Listening {
  readonly listeners: readonly OpenListener[]
  /** Serves a stream as a connection of a listener, the first one unless named. Throws RangeError where there is no such listener. */
  readonly accept: (stream: ByteStream, listener?: string) => void
  readonly close: () => Promise<void>
}

/** Opens all listeners. What is pushed to `closers` stops accepting, lets requests finish and closes the connections. */
export async function listen(world: World, service: RequestService, counters: NetworkCounters): Promise<Listening> {
  const { config, clock, logger, closers, bound } = world
  const server = new SocketServer({ service, clock, logger, counters, limits: networkLimits(config) })
  const opened: Listener[] = []
  const close = async () => {
    await Promise.all(opened.splice(0).map(listener => listener.close()))
    server.close()
  }
  closers.push(
    close,
    config.onChange(() => server.setLimits(networkLimits(config))),
  )
  const listeners: OpenListener[] = []
  for (const { name, host, port, advertisedHost, advertisedPort } of config.listeners) {
    try {
      const options = { name, host, port, backlog: config.value('socket.listen.backlog.size') }
      const listener = bound ? await Listener.open(options, server) : Listener.unbound(options, server)
      opened.push(listener)
      listeners.push({ name, host, port: listener.port, advertisedHost, advertisedPort: advertisedPort || listener.port })
    } catch (error) {
      throw listenError(error, { name, host, port })
    }
  }
  const accept = (stream: ByteStream, name?: string): void => {
    const listener = name === undefined ? opened[0] : opened.find(one => one.name === name)
    if (listener === undefined) throw new RangeError(name === undefined ? 'the broker is closed' : `there is no open listener ${name}`)
    listener.accept(stream)
  }
  return { listeners, accept, close }
}
