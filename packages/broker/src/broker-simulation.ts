// A whole broker but for its sockets, on a disk in memory and a clock that stands still, for tests: requests go through the codecs to the
// handlers of the real composition, and the broker can be stopped, killed or robbed of its power at any moment.
import type { MetadataStore } from '@ottla/metadata'
import { memoryStore, Metadata, silentLogger } from '@ottla/metadata'
import type { AnyApi, Random, RequestInitOf, ResponseOf } from '@ottla/protocol'
import { encodeResponse, ManualClock, randomUuid, Reader, readResponse, requestCodec, seededRandom, Writer } from '@ottla/protocol'
import { MemoryDisk } from '@ottla/storage'
import type { World } from './broker-parts.ts'
import { joinCluster, openLogs } from './broker-parts.ts'
import { testConfig } from './config/testing.ts'
import { BrokerRegistration, Controller, letIn } from './controller/index.ts'
import { lookInto } from './identity.ts'
import type { GroupMetricsSources } from './metrics/group-metrics.ts'
import type { TransactionMetricsSources } from './metrics/transaction-metrics.ts'
import { TestConnection } from './replica/testing.ts'
import type { AnyHandler, RequestContext } from './requests/handler.ts'
import { Loaned, Ordered } from './requests/handler.ts'
import { openReplicas, serve } from './serving.ts'

const DIRECTORY = '/data'

/** How a broker ends. */
export type Ending = 'stop' | 'kill' | 'power loss'

/** See the top of the file. */
export class SimulatedBroker {
  readonly random: Random
  readonly clock = new ManualClock()
  readonly store: MetadataStore
  /** What metrics tell of groups. */
  groups: GroupMetricsSources | undefined
  /** The same of transactions. */
  transactions: TransactionMetricsSources | undefined
  disk = new MemoryDisk({ now: () => this.clock.now() })
  #connection = new TestConnection()
  #handlers = new Map<number, AnyHandler>()
  #world: World | null = null

  private constructor(random: Random, store: MetadataStore) {
    this.random = random
    this.store = store
  }

  /** A broker that serves, in an empty cluster. */
  static async start(seed: number): Promise<SimulatedBroker> {
    const random = seededRandom(seed)
    const broker = new SimulatedBroker(random, await memoryStore(new ManualClock()))
    await broker.#start()
    return broker
  }

  /** Ends this life of the broker and begins the next one. */
  async restart(ending: Ending): Promise<void> {
    await this.#end(ending)
    await this.#start()
  }

  async close(): Promise<void> {
    await this.#end('stop')
    await this.store.close()
  }

  /** The answer; null when the handler gives none, undefined when the broker ended before it did. */
  async ask<A extends AnyApi>(api: A, version: number, body: RequestInitOf<A>): Promise<ResponseOf<A> | null> {
    const handler = this.#handlers.get(api.key)
    if (handler === undefined) throw new Error(`${api.name} is not served`)
    const writer = new Writer()
    requestCodec(api, version).write(writer, body)
    const bytes = Buffer.concat(writer.chunks())
    const context: RequestContext = {
      apiKey: api.key,
      apiVersion: version,
      correlationId: 1,
      clientId: 'simulation',
      connection: this.#connection,
      receivedAtMs: this.clock.monotonic(),
      sizeBytes: bytes.length,
    }
    const outcome = handler.handle(requestCodec(api, version).read(new Reader(bytes)), context)
    bytes.fill(0xee)
    const reply = await (outcome instanceof Ordered ? outcome.reply : outcome)
    if (reply === null) return null
    const response = { api: handler.api, version, correlationId: 1, body: reply instanceof Loaned ? reply.body : reply }
    const frame = Buffer.concat(encodeResponse(response))
    if (reply instanceof Loaned) reply.release()
    return readResponse(api, version, frame.subarray(4)).body
  }

  async #start(): Promise<void> {
    const config = testConfig({ 'log.dirs': DIRECTORY, 'log.flush.mode': 'ack', 'log.initial.task.delay.ms': '1000' })
    const { clock, disk, random, store } = this
    const world: World = {
      bound: true,
      config,
      files: disk,
      clock,
      random,
      logger: silentLogger,
      directories: [DIRECTORY],
      onFatal: () => undefined,
      closers: [],
    }
    this.#world = world
    const { closers } = world
    const found = lookInto(disk, { directories: world.directories, nodeId: 1, clusterId: null })
    const clusterId = await joinCluster(world, store, found)
    const metadata = await Metadata.follow({ store, logger: silentLogger })
    closers.push(() => metadata.close())
    let epoch = -1
    const logs = await openLogs(world, { clusterId, metadata, brokerEpoch: () => epoch })
    const replicas = openReplicas(world, { metadata, logs })
    const { handlers, groups, transactions } = serve(world, { store, metadata, replicas })
    this.groups = groups
    this.transactions = transactions
    this.#handlers = new Map(handlers.map(handler => [handler.api.key, handler]))
    const registration = await BrokerRegistration.register({
      store,
      clock,
      logger: silentLogger,
      id: 1,
      incarnation: randomUuid(random),
      endpoints: [{ name: 'PLAINTEXT', host: 'here', port: 9092, securityProtocol: 'PLAINTEXT' }],
      rack: null,
      logDirs: logs.directories.map(directory => directory.id),
      cleanShutdownEpoch: found.cleanShutdownEpoch,
      leaseMs: 9000,
    })
    epoch = registration.epoch
    closers.push(() => registration.close())
    const controller = new Controller({ store, metadata, clock, logger: silentLogger, brokerId: 1, leaseMs: 9000 })
    closers.push(() => controller.close())
    await letIn(metadata, registration)
  }

  async #end(ending: Ending): Promise<void> {
    const { disk } = this
    if (ending === 'kill') this.disk = disk.crash()
    if (ending === 'power loss') this.disk = disk.powerLoss(this.random)
    this.#connection.close()
    this.#connection = new TestConnection()
    for (const close of this.#world?.closers.splice(0).toReversed() ?? []) {
      try {
        await close()
      } catch (error) {
        // A disk that is gone cannot be left in order.
        if (ending === 'stop') throw error
      }
    }
  }
}
