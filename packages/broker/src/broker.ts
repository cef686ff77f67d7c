// The one place where a broker is put together. Order of the start: directories and whose they are, the metadata store, logs with
// recovery, replicas, handlers, listeners, registration; a stop goes the other way round.
import { resolve } from 'node:path'
import type { MetadataStore } from '@ottla/metadata'
import { Metadata } from '@ottla/metadata'
import type { Clock, Logger, Random } from '@ottla/protocol'
import { randomUuid } from '@ottla/protocol'
import type { Files, LogManager } from '@ottla/storage'
import { nodeFiles } from '@ottla/storage'
import type { OpenListener, World } from './broker-parts.ts'
import { followSettings, joinCluster, listen, openLogs, openStore } from './broker-parts.ts'
import type { BrokerConfig } from './config/index.ts'
import { BrokerRegistration, Controller, letIn } from './controller/index.ts'
import { lookInto } from './identity.ts'
import { createLogger } from './logging.ts'
import { NetworkCounters } from './network/index.ts'
import { openMetrics } from './open-metrics.ts'
import type { ByteStream } from './network/connection.ts'
import type { Replicas } from './replica/replicas.ts'
import { Dispatcher } from './requests/dispatcher.ts'
import type { AnyHandler } from './requests/handler.ts'
import { openReplicas, serve } from './serving.ts'
import { startError } from './start-errors.ts'
import { stayingAlive, systemClock, systemRandom } from './system.ts'

/** What a broker is started with. */
export interface BrokerOptions {
  readonly config: BrokerConfig
  /** The disk; the real one when left out. With another one `store` is needed too. */
  readonly files?: Files
  readonly clock?: Clock
  readonly random?: Random
  readonly logger?: Logger
  /** Facts of a cluster that is not this broker's alone; it is not closed with the broker. When left out: a store in `metadata.log.dir`. */
  readonly store?: MetadataStore
  /** Told when the broker can go on no longer: the metadata cannot be written, or no log directory is left. It should be closed. */
  readonly onFatal?: (error: Error) => void
  /** Called once with the handlers of all APIs; what it returns serves instead. For tests that stand between requests and handlers. */
  readonly handlers?: (handlers: readonly AnyHandler[]) => readonly AnyHandler[]
  /** false: no port is bound, connections come by `accept` alone. */
  readonly bound?: boolean
}

/** What a started broker shows of itself. */
interface BrokerParts {
  readonly clusterId: string
  /** Broker epoch: the revision of this start's registration. */
  readonly epoch: number
  readonly listeners: readonly OpenListener[]
  readonly store: MetadataStore
  readonly metadata: Metadata
  readonly logs: LogManager
  readonly replicas: Replicas
  readonly network: NetworkCounters
  /** Where metrics are served, null where they are not. */
  readonly metricsAddress: string | null
  /** Serves a stream as a connection of a listener, the first one unless named. Throws RangeError where there is no such listener. */
  readonly accept: (stream: ByteStream, listener?: string) => void
}

/** How long the cluster waits for a sign of life of a broker. */
const LEASE_MS = 9000

/** How long a stop leaves requests to finish by themselves, before those that wait are answered. */
const RELEASE_AFTER_MS = 200

/** A broker that serves. */
export class Broker implements BrokerParts {
  readonly config: BrokerConfig
  readonly clusterId: string
  readonly epoch: number
  readonly listeners: readonly OpenListener[]
  readonly store: MetadataStore
  readonly metadata: Metadata
  readonly logs: LogManager
  readonly replicas: Replicas
  readonly network: NetworkCounters
  readonly metricsAddress: string | null
  readonly accept: (stream: ByteStream, listener?: string) => void
  /** Absolute paths of the log directories. */
  readonly directories: readonly string[]
  readonly #world: World
  #closed: Promise<void> | undefined

  private constructor(world: World, parts: BrokerParts) {
    this.#world = world
    this.config = world.config
    this.directories = world.directories
    this.clusterId = parts.clusterId
    this.epoch = parts.epoch
    this.listeners = parts.listeners
    this.store = parts.store
    this.metadata = parts.metadata
    this.logs = parts.logs
    this.replicas = parts.replicas
    this.network = parts.network
    this.metricsAddress = parts.metricsAddress
    this.accept = parts.accept
  }

  /**
   * Starts a broker; resolves when it can serve. Rejects with StartError for what its user can mend, with another error for what
   * nobody expected; nothing stays open then.
   */
  static async start(options: BrokerOptions): Promise<Broker> {
    const { config } = options
    const logger = options.logger ?? createLogger({ level: 'warn', readable: process.stderr.isTTY, output: process.stderr })
    const world: World = {
      config,
      files: options.files ?? nodeFiles,
      clock: options.clock ?? systemClock,
      random: options.random ?? systemRandom,
      logger,
      directories: [...new Set(config.logDirs.map(path => resolve(path)))],
      onFatal: options.onFatal ?? (error => logger.error({ err: error }, 'the broker cannot go on')),
      bound: options.bound ?? true,
      closers: [],
    }
    try {
      return new Broker(world, await build(world, options))
    } catch (error) {
      await closeAll(world)
      throw startError(error)
    }
  }

  /** Stops: finishes requests, flushes, writes checkpoints and the mark of a clean stop. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= stayingAlive(closeAll(this.#world))
    return this.#closed
  }
}

/** Closes everything even if some of it fails; what failed is logged. */
async function closeAll(world: World): Promise<void> {
  for (const close of world.closers.splice(0).toReversed()) {
    try {
      await close()
    } catch (error) {
      world.logger.error({ err: error }, 'a part of the broker did not stop as it should')
    }
  }
}

async function build(world: World, options: BrokerOptions): Promise<BrokerParts> {
  const { config, clock, random, logger, closers } = world
  const { nodeId } = config
  for (const warning of config.warnings) logger.warn({}, warning)
  const found = lookInto(world.files, { directories: world.directories, nodeId, clusterId: config.clusterId })
  const store = options.store ?? (await openStore(world, found))
  const clusterId = await joinCluster(world, store, found)
  const metadata = await Metadata.follow({ store, logger })
  closers.push(() => metadata.close())
  followSettings(world, metadata)
  let epoch = -1
  const logs = await openLogs(world, { clusterId, metadata, brokerEpoch: () => epoch })
  const network = new NetworkCounters()
  const replicas = openReplicas(world, { metadata, logs })
  const { handlers, groups, transactions } = serve(world, { store, metadata, replicas })
  const pause = () => replicas.slices.pause()
  const service = new Dispatcher({ handlers: options.handlers?.(handlers) ?? handlers, clock, logger, counters: network, pause })
  // Where the system picks a port, it must be known before the cluster is told; else nobody can connect before this broker can serve.
  const early = config.listeners.some(({ port }) => port === 0) ? await listen(world, service, network) : null
  const endpoints = early?.listeners ?? config.listeners
  const registration = await BrokerRegistration.register({
    store,
    clock,
    logger,
    id: nodeId,
    incarnation: randomUuid(random),
    endpoints: endpoints.map(one => ({
      name: one.name,
      host: one.advertisedHost,
      port: one.advertisedPort,
      securityProtocol: 'PLAINTEXT',
    })),
    rack: config.value('broker.rack'),
    logDirs: logs.directories.map(directory => directory.id),
    cleanShutdownEpoch: found.cleanShutdownEpoch,
    leaseMs: LEASE_MS,
  })
  epoch = registration.epoch
  closers.push(() => registration.close())
  const controller = new Controller({ store, metadata, clock, logger, brokerId: nodeId, leaseMs: LEASE_MS })
  closers.push(() => controller.close())
  await letIn(metadata, registration)
  const { listeners, accept, close } = early ?? (await listen(world, service, network))
  // Whatever was opened when, the stop begins with the connections. Fetches that wait for records are not waited for.
  closers.push(async () => {
    const release = clock.after(RELEASE_AFTER_MS, () => replicas.close())
    await close()
    release.cancel()
  })
  const metricsAddress = await openMetrics(world, { metadata, logs, replicas, network, groups, transactions })
  return { clusterId, epoch, listeners, store, metadata, logs, replicas, network, metricsAddress, accept }
}
