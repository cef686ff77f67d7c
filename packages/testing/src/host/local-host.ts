// A broker in the test's own thread.
import type { Duplex } from 'node:stream'
import { join } from 'node:path'
import { Broker, BrokerConfig, type ByteStream } from '@ottla/broker'
import { ManualClock, seededRandom } from '@ottla/protocol'
import { LocalStore, memoryStore, type MetadataStore, silentLogger } from '@ottla/metadata'
import type { Random } from '@ottla/protocol'
import { nodeFiles, VolatileFiles } from '@ottla/storage'
import { FaultEngine } from '../faults/engine.ts'
import type { FaultSpec, RandomFaultSpec } from '../faults/specs.ts'
import { MemorySocket } from '../world/memory-socket.ts'
import { keepAlive, nextTurn } from '../world/real-time.ts'
import { type AdvanceOptions, TestClock } from '../world/test-clock.ts'
import { type DiskState, TestDisk } from '../world/test-disk.ts'
import type { Host, HostEvents, HostOptions } from './host.ts'

/** So many turns of the event loop without anything new are taken for peace: a message over a socket takes about two. */
const QUIET_TURNS = 4
/** A client that asks again and again would never give peace. */
const MOST_TURNS = 1000
/** What a stop of the broker waits for by its clock: fetches that wait, then connections that stay open. */
const STOP_STEPS_MS = [250, 6000]
const STOP_TURNS = 50

/** See the top of the file. */
export class LocalHost implements Host {
  readonly clock: TestClock
  readonly #options: HostOptions
  readonly #disk: TestDisk
  readonly #engine: FaultEngine
  readonly #random: Random
  readonly #streams = new Set<Duplex>()
  #diskFault = 0
  #store: MetadataStore | undefined
  #broker: Broker | undefined
  #port = 0
  #nextPort = 40_000
  #settings: Readonly<Record<string, string>>
  #closed: Promise<void> | undefined
  /** A broker without a port keeps its process alive all the same, as one with a port does. */
  readonly #letGo = keepAlive()

  private constructor(options: HostOptions, events: HostEvents) {
    this.#options = options
    this.#settings = options.settings
    this.clock = new TestClock(options.clock, () => this.#settle())
    const now = (): number => this.clock.now()
    this.#disk = new TestDisk(options.directory === null ? new VolatileFiles({ capacityBytes: options.capacityBytes, now }) : nodeFiles)
    this.#disk.onFailure = () => events.onHit(this.#diskFault)
    this.#random = seededRandom(options.seed)
    this.#engine = new FaultEngine({
      clock: this.clock,
      random: seededRandom(options.seed + 1),
      nameOf: id => this.#broker?.metadata.image.topicById(id)?.name,
      onHit: events.onHit,
    })
  }

  /** Starts a broker. Rejects with StartError for settings that cannot be. */
  static async start(options: HostOptions, events: HostEvents): Promise<LocalHost> {
    const host = new LocalHost(options, events)
    try {
      await host.start()
    } catch (error) {
      await host.close()
      throw error
    }
    return host
  }

  /** The broker, for what only its own thread can look at. Throws when it does not run. */
  get broker(): Broker {
    if (this.#broker === undefined) throw new Error('the broker is stopped')
    return this.#broker
  }

  get address(): { readonly host: string; readonly port: number } {
    const [listener] = this.#broker?.config.listeners ?? []
    return { host: listener?.advertisedHost ?? '127.0.0.1', port: this.#port }
  }

  connect(): MemorySocket {
    const { broker, client } = MemorySocket.pair(this.#nextPort++, this.#port)
    this.#streams.add(broker)
    broker.once('close', () => this.#streams.delete(broker))
    const stream: ByteStream = broker
    this.broker.accept(stream)
    return client
  }

  advance(ms: number, options: AdvanceOptions): Promise<void> {
    return this.clock.advance(ms, options)
  }

  async addFault(spec: FaultSpec): Promise<void> {
    this.#engine.add(spec)
  }

  async addRandomFaults(spec: RandomFaultSpec): Promise<void> {
    this.#engine.addRandom(spec)
  }

  async removeFault(id: number): Promise<void> {
    this.#engine.remove(id)
    if (id === this.#diskFault) await this.setDisk('well', 0)
  }

  async clearFaults(): Promise<void> {
    this.#engine.clear()
    await this.setDisk('well', 0)
  }

  async setDisk(state: DiskState, id: number): Promise<void> {
    this.#diskFault = id
    this.#disk.state = state
  }

  async start(): Promise<void> {
    if (this.#broker !== undefined) return
    const { bound, directory } = this.#options
    this.#store ??= directory === null ? await memoryStore() : await openStore(directory)
    const config = BrokerConfig.load({ overrides: this.#settings })
    const broker = await Broker.start({
      config,
      files: this.#disk,
      store: this.#store,
      clock: this.clock,
      random: this.#random,
      logger: silentLogger,
      handlers: this.#engine.wrap,
      bound,
    })
    this.#broker = broker
    this.#port = broker.listeners[0]?.advertisedPort ?? 0
    // A broker that comes back is where it was.
    if (bound) this.#settings = { ...this.#settings, listeners: `PLAINTEXT://127.0.0.1:${this.#port}` }
  }

  async stop(crash: boolean): Promise<void> {
    const broker = this.#broker
    if (broker === undefined) return
    this.#broker = undefined
    if (crash) for (const stream of this.#streams) stream.destroy()
    const stop = { isOver: false }
    const closing = broker.close().finally(() => {
      stop.isOver = true
    })
    // Its own waits are over at once; what it waits for besides are clients, which get some turns to hear of it.
    for (const stepMs of STOP_STEPS_MS) {
      for (let turn = 0; turn < STOP_TURNS && !stop.isOver; turn++) await nextTurn()
      if (!stop.isOver) await this.clock.advance(stepMs)
    }
    await closing
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#engine.clear()
    this.#disk.state = 'well'
    await this.stop(false)
    for (const stream of this.#streams) stream.destroy()
    await this.#store?.close()
    this.clock.close()
    this.#letGo()
  }

  /** Resolves when nothing has happened for some turns: no request, no operation of the disk. */
  async #settle(): Promise<void> {
    let seen = -1
    for (let quiet = 0, turn = 0; quiet < QUIET_TURNS && turn < MOST_TURNS; turn++) {
      await nextTurn()
      const now = this.#engine.requests + this.#disk.operations
      quiet = now === seen && this.#disk.pending === 0 ? quiet + 1 : 0
      seen = now
    }
  }
}

/** Leases of brokers are none of a test's business: they never expire here, however far time is advanced. */
async function openStore(directory: string): Promise<MetadataStore> {
  const path = join(directory, '__ottla_metadata')
  nodeFiles.makeDirectorySync(path)
  return LocalStore.open({ directory: path, clock: new ManualClock(), logger: silentLogger })
}
