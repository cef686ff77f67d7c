// The `cluster` that KafkaJS's specs make and hand to createProducer, createConsumer and createAdmin. For the client under test it is only a
// bag of options; the sockets that the client opens are counted, for `isConnected` and `disconnect`. Whatever else a spec asks of it (who
// coordinates a group, which offsets there are, ...) a real cluster of KafkaJS answers, which looks on from outside.
import type { ISocketFactory, ISocketFactoryArgs, KafkaConfig } from '@ottla/client'
import type { Duplex } from 'node:stream'

/** What specs give to createCluster. */
export type ClusterOptions = Omit<KafkaConfig, 'brokers' | 'socketFactory'> & {
  readonly socketFactory: ISocketFactory
  readonly logger?: unknown
  readonly isolationLevel?: number
  readonly metadataMaxAge?: number
  readonly allowAutoTopicCreation?: boolean
  readonly maxInFlightRequests?: number
}

/** KafkaJS's Cluster, as far as it is used here. */
export interface Observer {
  refreshMetadataIfNecessary(): Promise<void>
  addMultipleTargetTopics(topics: string[]): Promise<void>
  connect(): Promise<void>
  disconnect(): Promise<void>
  isConnected(): boolean
}

/** A bag of options and a looker-on. */
export class TestCluster {
  /** Of the looker-on, unless a spec has put a mock there. */
  declare readonly refreshMetadataIfNecessary: unknown
  readonly options: ClusterOptions
  readonly brokers: string[]
  readonly observer: Observer
  readonly #sockets = new Set<Duplex>()

  constructor(options: ClusterOptions, brokers: string[], observer: Observer) {
    this.options = options
    this.brokers = brokers
    this.observer = observer
  }

  /** The spec's socket factory, watched. */
  socketFactory(args: ISocketFactoryArgs): Duplex {
    const socket = this.options.socketFactory(args)
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    return socket
  }

  isConnected(): boolean {
    return [...this.#sockets].some(socket => !socket.destroyed && socket.writable)
  }

  async disconnect(): Promise<void> {
    await this.observer.disconnect()
    for (const socket of this.#sockets) socket.destroy()
  }
}

const own = ['options', 'brokers', 'observer', 'socketFactory', 'isConnected', 'disconnect']

/** KafkaJS's cluster answers only about topics that it has been told of. */
const topicsIn = ([entries]: readonly unknown[]): string[] =>
  Array.isArray(entries) ? entries.flatMap((entry: { readonly topic?: string }) => entry.topic ?? []) : []

/** The cluster as specs see it. What a spec replaces by a mock stays replaced, and has no effect on the client under test. */
export function asCluster(cluster: TestCluster): TestCluster {
  const replaced = new Map<string | symbol, unknown>()
  return new Proxy(cluster, {
    set: (_target, name, value) => replaced.set(name, value) === replaced,
    get(_target, name) {
      if (replaced.has(name)) return replaced.get(name)
      const from: object = typeof name === 'string' && own.includes(name) ? cluster : cluster.observer
      const value: unknown = Reflect.get(from, name)
      if (typeof value !== 'function') return value
      if (from === cluster || value.constructor.name !== 'AsyncFunction' || name === 'connect')
        return (...args: unknown[]) => Reflect.apply(value, from, args) as unknown
      return async (...args: unknown[]) => {
        await cluster.observer.connect()
        if (name === 'fetchTopicsOffset') await cluster.observer.addMultipleTargetTopics(topicsIn(args))
        return Reflect.apply(value, from, args) as unknown
      }
    },
  })
}
