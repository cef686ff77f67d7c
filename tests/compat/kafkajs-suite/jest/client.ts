// The modules of KafkaJS that its specs require, made of this client.
import * as ours from '@ottla/client'
import type { AdminConfig, ConsumerConfig, ConsumerRunConfig, KafkaConfig, ProducerConfig } from '@ottla/client'
import { murmur2 } from '@ottla/protocol'
import { legacyMurmur2 } from '../../../../packages/client/src/producer/partitioners.ts'
import type { TestCluster } from './test-cluster.ts'

const { Kafka } = ours
const { DefaultPartitioner, LegacyPartitioner } = ours.Partitioners
const bytesOf = (key: unknown): Buffer => (Buffer.isBuffer(key) ? key : Buffer.from(String(key)))

interface LoggerSettings {
  readonly level?: ours.logLevel
  readonly logCreator?: ours.logCreator
}
const settingsOf = new WeakMap<object, LoggerSettings>()

/** KafkaJS's createLogger. */
function createLogger({ level, logCreator }: LoggerSettings = {}): ours.Logger {
  const logger = new Kafka({ brokers: [], logLevel: level, logCreator }).logger()
  settingsOf.set(logger, { ...(level === undefined ? {} : { level }), ...(logCreator === undefined ? {} : { logCreator }) })
  return logger
}

interface Shared {
  /** Some specs make something of no cluster, and never connect it. */
  readonly cluster?: TestCluster
  readonly logger?: object
  readonly instrumentationEmitter?: unknown
  readonly isolationLevel?: number
}

/** What createProducer and the like take from a cluster, by where this client takes it. */
function settingsFrom({ cluster, logger = {} }: Shared): {
  kafka: ours.Kafka
  own: Pick<ConsumerConfig, 'metadataMaxAge' | 'allowAutoTopicCreation' | 'maxInFlightRequests'>
} {
  const { level, logCreator } = settingsOf.get(logger) ?? {}
  if (cluster?.options === undefined) return { kafka: new Kafka({ brokers: [] }), own: {} }
  const { socketFactory: _socketFactory, logger: _logger, isolationLevel: _level, ...options } = cluster.options
  const { metadataMaxAge, allowAutoTopicCreation, maxInFlightRequests, ...common } = options
  const settings: KafkaConfig = { ...common, brokers: cluster.brokers, socketFactory: args => cluster.socketFactory(args) }
  const own = Object.entries({ metadataMaxAge, allowAutoTopicCreation, maxInFlightRequests }).filter(([, value]) => value !== undefined)
  return { kafka: new Kafka({ ...settings, logLevel: level, logCreator }), own: Object.fromEntries(own) }
}

/** KafkaJS's createProducer. */
function createProducer({ instrumentationEmitter: _emitter, cluster, logger, ...config }: Shared & ProducerConfig): unknown {
  const { kafka, own } = settingsFrom({ ...(cluster && { cluster }), ...(logger && { logger }) })
  return kafka.producer({ ...own, ...config })
}

/** KafkaJS's createConsumer. Specs that count how often the cluster was asked to refresh its metadata find that it was. */
function createConsumer({
  instrumentationEmitter: _emitter,
  cluster,
  logger,
  isolationLevel,
  ...config
}: Shared & ConsumerConfig): unknown {
  const { kafka, own } = settingsFrom({ ...(cluster && { cluster }), ...(logger && { logger }) })
  const readUncommitted = (isolationLevel ?? cluster?.options.isolationLevel) === 0
  const consumer = kafka.consumer({ ...own, readUncommitted, ...config })
  const run = async (options: ConsumerRunConfig): Promise<void> => {
    await consumer.run(options)
    const refresh: unknown = cluster?.refreshMetadataIfNecessary
    if (typeof refresh === 'function' && 'mock' in refresh) Reflect.apply(refresh, cluster, [])
  }
  return { ...consumer, run }
}

/** KafkaJS's createAdmin; its cluster looks on as soon as the admin has connected. */
function createAdmin({ instrumentationEmitter: _emitter, cluster, logger, ...config }: Shared & AdminConfig): unknown {
  const { kafka, own } = settingsFrom({ ...(cluster && { cluster }), ...(logger && { logger }) })
  const { allowAutoTopicCreation } = own
  const admin = kafka.admin({ ...(allowAutoTopicCreation === undefined ? {} : { allowAutoTopicCreation }), ...config })
  const connect = async (): Promise<void> => {
    await admin.connect()
    await cluster?.observer.connect()
  }
  return { ...admin, connect }
}

/** By KafkaJS's file. */
export const modules: Readonly<Record<string, unknown>> = {
  'index.js': ours,
  'src/index.js': Kafka,
  'src/errors.js': ours,
  'src/loggers/index.js': { LEVELS: ours.logLevel, createLogger },
  'src/loggers/console.js': ours.consoleLogCreator,
  'src/producer/index.js': createProducer,
  'src/consumer/index.js': createConsumer,
  'src/admin/index.js': createAdmin,
  'src/producer/partitioners/index.js': ours.Partitioners,
  'src/producer/partitioners/default/index.js': DefaultPartitioner,
  'src/producer/partitioners/legacy/index.js': LegacyPartitioner,
  'src/producer/partitioners/default/murmur2.js': (key: unknown) => murmur2(bytesOf(key)),
  'src/producer/partitioners/legacy/murmur2.js': (key: unknown) => legacyMurmur2(bytesOf(key)),
  'src/consumer/assignerProtocol.js': ours.AssignerProtocol,
  'src/consumer/assigners/index.js': ours.PartitionAssigners,
  'src/consumer/assigners/roundRobinAssigner/index.js': ours.PartitionAssigners.roundRobin,
}
