// A broker under test in the hands of a test: what `startKafka` resolves with.
import type { Duplex } from 'node:stream'
import type { Broker } from '@ottla/broker'
import { Kafka, type KafkaConfig, logLevel } from '@ottla/client'
import { type Duration, milliseconds } from './duration.ts'
import { Faults } from './faults/faults.ts'
import type { Host } from './host/host.ts'
import { LocalHost } from './host/local-host.ts'
import type { StartOptions, TopicDeclaration } from './options.ts'
import { createTopics, deleteTopics, listTopics, prepareCoordinators, type TopicSummary } from './state/cluster-state.ts'
import { Group } from './state/group.ts'
import { removeMembers } from './state/group-state.ts'
import { Topic } from './state/topic.ts'
import { connectTo, type SocketFactory } from './wire/socket-factory.ts'
import { WireClient } from './wire/wire-client.ts'
import { nextTurn, pause } from './world/real-time.ts'
import type { AdvanceOptions } from './world/test-clock.ts'

/** Time as the broker has it. */
export interface KafkaClock {
  /** Wall-clock time of the broker in ms. */
  now(): number
  /**
   * Lets time pass at once: sessions, transactions, retention, delays and waits that become due are handled in their order. Resolves when
   * all of that is over. Of clients only those move on that share this clock, such as those of `kafka.client()`.
   */
  advance(duration: Duration, options?: AdvanceOptions): Promise<void>
  /** Lets time pass, a second at a time unless `step` says otherwise, until `work` is over; settles as that does. */
  advanceUntil<T>(work: Promise<T>, options?: { readonly step?: Duration }): Promise<T>
}

/** What tests use of a broker, with topic names and group ids as a test writes them. */
export interface KafkaView {
  /** A topic by name. */
  topic(name: string): Topic
  /** A consumer group by id. */
  group(id: string): Group
  /** Creates topics. */
  createTopics(topics: Readonly<Record<string, TopicDeclaration>>): Promise<void>
}

/** Topics and groups under a prefix of their own, for tests that share a broker. */
export interface IsolatedKafka extends KafkaView, AsyncDisposable {
  readonly prefix: string
  /** The name of a topic, or the id of a group or client, as the broker and clients know it. */
  name(name: string): string
  /** Deletes its topics. */
  close(): Promise<void>
}

/** What `TestKafka` is made of. */
export interface TestKafkaParts {
  readonly options: StartOptions
  readonly seed: number
  /** Starts the broker; `onHit` is told of faults that happen. */
  readonly start: (onHit: (id: number) => void) => Promise<Host>
  /** Removes what was made for the broker, when it is closed. */
  readonly cleanUp: () => Promise<void>
}

let nextPrefix = 0

/** Whether there is nothing yet where the broker keeps its data. */
const isFresh = ({ storage = 'memory' }: StartOptions): boolean => storage === 'memory' || storage === 'disk'

/** Work that waits for more than time, such as a client on a socket, gets a little of the real one with each step. */
async function advanceUntil<T>(work: Promise<T>, advance: () => Promise<void>): Promise<T> {
  const state = { isOver: false }
  const over = (): void => void (state.isOver = true)
  work.then(over, over)
  await nextTurn()
  while (!state.isOver) {
    await advance()
    await pause(1)
  }
  return work
}

/** See the top of the file. */
export class TestKafka implements KafkaView, AsyncDisposable {
  /** Chance goes by this; give it to `startKafka` to repeat a run. */
  readonly seed: number
  readonly faults: Faults
  readonly clock: KafkaClock
  readonly #host: Host
  readonly #parts: TestKafkaParts
  readonly #wire: WireClient
  #closed: Promise<void> | undefined

  private constructor(host: Host, parts: TestKafkaParts, faults: Faults) {
    this.#host = host
    this.#parts = parts
    this.seed = parts.seed
    this.faults = faults
    this.#wire = new WireClient(() => host.connect())
    this.clock = {
      now: () => host.clock.now(),
      advance: (duration, options = {}) => host.advance(milliseconds(duration), options),
      advanceUntil: (work, { step = '1s' } = {}) => advanceUntil(work, () => host.advance(milliseconds(step), {})),
    }
  }

  /** Starts the broker and makes the topics. Use `startKafka`. */
  static async start(parts: TestKafkaParts): Promise<TestKafka> {
    let kafka: TestKafka | undefined
    const running = (): TestKafka => {
      if (kafka === undefined) throw new Error('the broker has not started yet')
      return kafka
    }
    const faults = new Faults({
      host: () => running().#host,
      seed: parts.seed,
      expire: (group, memberId) => removeMembers(running().#wire, group, memberId),
    })
    const host = await parts.start(id => faults.hit(id))
    kafka = new TestKafka(host, parts, faults)
    try {
      await kafka.#prepare({ mayLoad: !isFresh(parts.options) })
    } catch (error) {
      await kafka.close()
      throw error
    }
    return kafka
  }

  /** host:port of the broker. */
  get bootstrap(): string {
    const { host, port } = this.#host.address
    return `${host}:${port}`
  }

  /** The same as a list, as KafkaJS takes it. */
  get brokers(): string[] {
    return [this.bootstrap]
  }

  /** For clients that take a factory of sockets, as KafkaJS does: connections in memory, whatever the transport. */
  readonly socketFactory: SocketFactory = args => connectTo(this.#host, args)

  /**
   * A client of @ottla/client for this broker. It shares the broker's clock, so that its retries, heartbeats and waits move on with
   * `clock.advance`, and connects in memory where the broker has no port. It logs nothing unless told to.
   */
  client(config: Partial<KafkaConfig> = {}): Kafka {
    const inMemory = this.#parts.options.transport === 'memory'
    return new Kafka({
      clientId: 'test',
      brokers: this.brokers,
      clock: this.#host.clock,
      logLevel: logLevel.NOTHING,
      ...(inMemory ? { socketFactory: this.socketFactory } : {}),
      ...config,
    })
  }

  /** The broker itself, for what only this process can look at. Throws where it runs in a worker thread or is stopped. */
  get broker(): Broker {
    if (this.#host instanceof LocalHost) return this.#host.broker
    throw new Error('the broker runs in a worker thread')
  }

  topic(name: string): Topic {
    return new Topic(name, this.#wire, () => this.clock.now())
  }

  group(id: string): Group {
    return new Group(id, this.#wire, name => name)
  }

  /** All topics but internal ones. */
  async topics(): Promise<TopicSummary[]> {
    return (await listTopics(this.#wire)).filter(({ isInternal }) => !isInternal)
  }

  async createTopics(topics: Readonly<Record<string, TopicDeclaration>>): Promise<void> {
    await createTopics(this.#wire, topics)
  }

  /** Deletes topics with everything in them. */
  async deleteTopics(...names: readonly string[]): Promise<void> {
    await deleteTopics(this.#wire, names)
  }

  /**
   * As after the start: declared topics are there and empty, others are gone, so are groups with their offsets, transactions and faults.
   * Clients stay connected; those in the middle of something meet what they meet when topics are deleted.
   */
  async reset(): Promise<void> {
    await this.faults.clear()
    await deleteTopics(
      this.#wire,
      (await listTopics(this.#wire)).map(({ name }) => name),
    )
    await this.#prepare({ mayLoad: false })
  }

  /** Topics and groups under a prefix that no other test has, so that tests can run side by side on one broker. */
  isolated(prefix = `test-${process.pid}-${++nextPrefix}-`): IsolatedKafka {
    const name = (own: string): string => `${prefix}${own}`
    const close = async (): Promise<void> => {
      const own = (await this.topics()).map(topic => topic.name).filter(topic => topic.startsWith(prefix))
      await this.deleteTopics(...own)
    }
    return {
      prefix,
      name,
      topic: own => this.topic(name(own)),
      group: id => new Group(name(id), this.#wire, name),
      createTopics: topics => this.createTopics(Object.fromEntries(Object.entries(topics).map(([own, declared]) => [name(own), declared]))),
      close,
      [Symbol.asyncDispose]: close,
    }
  }

  /** Stops the broker, and keeps what it has. Clients lose their connections and get no new ones. `crash`: without finishing anything. */
  async stop(options: { readonly crash?: boolean } = {}): Promise<void> {
    await this.#host.stop(options.crash ?? false)
  }

  /** Starts a stopped broker where it was, with what it had. */
  start(): Promise<void> {
    return this.#host.start()
  }

  /** A fail-over of the one broker there is: it stops and starts. */
  async restart(options: { readonly crash?: boolean } = {}): Promise<void> {
    await this.stop(options)
    await this.start()
  }

  /** A stream to the broker, for clients that take neither an address nor a factory. */
  connect(): Duplex {
    return this.#host.connect()
  }

  /** Stops the broker and forgets everything. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #prepare(coordinators: { readonly mayLoad: boolean }): Promise<void> {
    const { options } = this.#parts
    const declared = Object.entries(options.topics ?? {})
    const there = isFresh(options) || declared.length === 0 ? [] : (await listTopics(this.#wire)).map(({ name }) => name)
    await this.createTopics(Object.fromEntries(declared.filter(([name]) => !there.includes(name))))
    await prepareCoordinators(this.#wire, coordinators)
  }

  async #close(): Promise<void> {
    this.faults.forget()
    this.#wire.close()
    await this.#host.close()
    await this.#parts.cleanUp()
  }
}
