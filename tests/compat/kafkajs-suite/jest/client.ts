// The modules of KafkaJS that its specs require, made of this client.
import * as ours from '@ottla/client'
import type { AdminConfig, ConsumerConfig, KafkaConfig, ProducerConfig } from '@ottla/client'
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

interface Shared<Cluster = TestCluster> {
  readonly cluster: Cluster
  readonly logger?: object
  readonly instrumentationEmitter?: unknown
  readonly isolationLevel?: number
}

const kafkaOf = ({ cluster, logger }: Shared): ours.Kafka => {
  const { level, logCreator } = settingsOf.get(logger ?? {}) ?? {}
  const {
    clientId,
    ssl,
    sasl,
    connectionTimeout,
    authenticationTimeout,
    reauthenticationThreshold,
    requestTimeout,
    enforceRequestTimeout,
    retry,
  } = cluster.options
  const settings: KafkaConfig = {
    clientId,
    ssl,
    sasl,
    connectionTimeout,
    authenticationTimeout,
    reauthenticationThreshold,
    requestTimeout,
    enforceRequestTimeout,
    retry,
    brokers: cluster.brokers,
  }
  return new Kafka({ ...settings, socketFactory: args => cluster.socketFactory(args), logLevel: level, logCreator })
}

const optionsOf = ({ options }: TestCluster): Pick<ConsumerConfig, 'metadataMaxAge' | 'allowAutoTopicCreation' | 'maxInFlightRequests'> => {
  const { metadataMaxAge, allowAutoTopicCreation, maxInFlightRequests } = options
  return Object.fromEntries(
    Object.entries({ metadataMaxAge, allowAutoTopicCreation, maxInFlightRequests }).filter(([, value]) => value !== undefined),
  )
}

/** KafkaJS's createProducer. */
const createProducer = ({ cluster, logger, instrumentationEmitter: _emitter, ...config }: Shared & ProducerConfig): unknown =>
  kafkaOf({ cluster, ...(logger === undefined ? {} : { logger }) }).producer({ ...optionsOf(cluster), ...config })

/** KafkaJS's createConsumer. */
function createConsumer({
  cluster,
  logger,
  instrumentationEmitter: _emitter,
  isolationLevel,
  ...config
}: Shared & ConsumerConfig): unknown {
  const readUncommitted = (isolationLevel ?? cluster.options.isolationLevel) === 0
  return kafkaOf({ cluster, ...(logger === undefined ? {} : { logger }) }).consumer({ ...optionsOf(cluster), readUncommitted, ...config })
}

/** KafkaJS's createAdmin; its cluster looks on as soon as the admin has connected. Some specs make an admin of nothing, and never use it. */
function createAdmin({
  cluster,
  logger,
  instrumentationEmitter: _emitter,
  ...config
}: Shared<TestCluster | undefined> & AdminConfig): unknown {
  if (cluster === undefined) return undefined
  const admin = kafkaOf({ cluster, ...(logger === undefined ? {} : { logger }) }).admin(config)
  const connect = async (): Promise<void> => {
    await admin.connect()
    await cluster.observer.connect()
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
