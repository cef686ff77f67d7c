// The consumer: KafkaJS's methods, checked and handed on, and Ottla's own.
import type { Cluster } from '../cluster/cluster.ts'
import { KafkaJSNonRetriableError } from '../errors/index.ts'
import type { Listener } from '../events/emitter.ts'
import { checkConfig, checkEventName, checkRun, offsetsToCommit, seekTarget, selectedPartitions, subscribedTopics } from './checks.ts'
import type { MessagesOf } from './codec.ts'
import { consumerEvents, innerEventName } from './events.ts'
import { createFetcher } from './fetch/fetcher.ts'
import { lagsOf } from './fetch/lag.ts'
import { describeGroup } from './group-description.ts'
import { GroupConsumer } from './group-consumer.ts'
import { createMembership } from './group/membership.ts'
import { offsetsOf } from './offsets-of.ts'
import { runSettings, streamSettings } from './run/run-settings.ts'
import type { ConsumerParts } from './run/settings.ts'
import { BatchStream } from './stream/batch-stream.ts'
import { messagesIn } from './stream/message-stream.ts'
import type { TopicPartition } from './parts.ts'
import type {
  Consumer,
  ConsumerOptions,
  ConsumerRunConfig,
  EachBatchPayload,
  EachMessagePayload,
  PartitionLag,
  StreamOptions,
  TopicPartitionOffset,
  TopicPartitions,
} from './types.ts'

const ownParts: ConsumerParts = { createFetcher, createMembership, offsetsOf }

/**
 * Makes a consumer. The types of its messages follow from the deserializers in `options`. Throws KafkaJSNonRetriableError for options that
 * make no sense.
 */
export function createConsumer<const O extends ConsumerOptions>(
  cluster: Cluster,
  options: O,
  parts?: ConsumerParts,
): Consumer<MessagesOf<O>>
export function createConsumer(cluster: Cluster, options: ConsumerOptions, parts: ConsumerParts = ownParts): Consumer {
  checkConfig(options)
  return plainConsumer(new GroupConsumer(cluster, options, parts), parts)
}

function plainConsumer(own: GroupConsumer, parts: ConsumerParts): Consumer {
  const { cluster, config } = own
  const disconnect = async (): Promise<void> => {
    try {
      await own.disconnect()
    } catch (error) {
      own.logger.error('Caught error when disconnecting the consumer', { groupId: own.groupId, error: String(error) })
      throw error
    }
  }
  return {
    connect: () => own.connect(),
    disconnect,
    stop: () => own.stop(),
    subscribe: async subscription => {
      if (own.running !== null) throw new KafkaJSNonRetriableError('Cannot subscribe to topic while consumer is running')
      await own.subscriptions.add(subscribedTopics(subscription), subscription.fromBeginning)
    },
    assign: partitions => own.assign(partitions.map(({ offset, ...at }) => (offset === undefined ? at : seekTarget({ ...at, offset })))),
    run: runConfig => run(own, runConfig ?? {}),
    stream: streamsOf(own),
    commitOffsets: async offsets => {
      const checked = offsetsToCommit(offsets)
      await own.engine.commitOffsets(checked)
    },
    seek: target => {
      const { offset, ...at } = seekTarget(target)
      own.engine.assignment.seek(at, offset)
    },
    pause: selection => {
      const checked = selectedPartitions(selection, 'pause')
      own.engine.assignment.pause(checked)
    },
    resume: selection => {
      const checked = selectedPartitions(selection, 'resume')
      own.engine.assignment.resume(checked)
    },
    paused: () => own.running?.assignment.paused() ?? [],
    assignment: () => assignmentOf(own),
    describeGroup: () => describeGroup(cluster, own.groupId, config.groupProtocol ?? 'classic'),
    on: (eventName: string, listener: Listener<never>) => {
      checkEventName(eventName)
      const named: Listener<never> = event => listener({ ...event, type: eventName })
      return cluster.events.on(innerEventName(eventName), named)
    },
    events: consumerEvents,
    logger: () => own.logger,
    offsetsForTimestamps: partitions => offsetsForTimestamps(own, parts, partitions),
    lag: () => lag(own),
    groupMetadata: () => own.engine.membership.groupMetadata(),
    [Symbol.asyncDispose]: disconnect,
  }
}

async function run(own: GroupConsumer, runConfig: ConsumerRunConfig): Promise<void> {
  if (own.running !== null) {
    own.logger.warn('consumer#run was called, but the consumer is already running', { groupId: own.groupId })
    return
  }
  checkRun(runConfig)
  await own.start(runSettings({ config: own.config, clientId: own.cluster.clientId }, runConfig))
}

function streamsOf(own: GroupConsumer): Consumer['stream'] {
  function stream(options: StreamOptions & { readonly by: 'message' }): AsyncIterableIterator<EachMessagePayload>
  function stream(options?: StreamOptions & { readonly by?: 'batch' }): AsyncIterableIterator<EachBatchPayload>
  function stream(options: StreamOptions = {}): AsyncIterableIterator<EachMessagePayload | EachBatchPayload> {
    const batches = batchStream(own, options)
    return options.by === 'message' ? messagesIn(batches) : batches
  }
  return stream
}

function batchStream(own: GroupConsumer, options: StreamOptions): BatchStream {
  const start = async (handler: (payload: EachBatchPayload) => Promise<void>): Promise<void> => {
    if (own.running !== null) throw new KafkaJSNonRetriableError('The consumer is already running')
    own.ended.add(error => batches.over(error))
    await own.start(streamSettings({ config: own.config, clientId: own.cluster.clientId }, options, handler))
  }
  const batches = new BatchStream({ start, stop: () => own.stop() }, options.signal)
  return batches
}

const assignmentOf = (own: GroupConsumer): TopicPartitions[] =>
  Object.entries(own.running?.assignment.owned.byTopic() ?? {}).map(([topic, partitions]) => ({ topic, partitions }))

async function offsetsForTimestamps(
  own: GroupConsumer,
  parts: ConsumerParts,
  partitions: readonly (TopicPartition & { readonly timestamp: number })[],
): Promise<TopicPartitionOffset[]> {
  const { readUncommitted = false } = own.config
  for (const { timestamp } of partitions) {
    if (!Number.isSafeInteger(timestamp) || timestamp < 0)
      throw new KafkaJSNonRetriableError(`Invalid timestamp ${timestamp}, expected ms as an integer`)
  }
  const queries = partitions.map(({ topic, partition, timestamp: at }) => ({ topic, partition, at }))
  const found = await parts.offsetsOf(own.cluster, queries, { readUncommitted })
  const missing = found.filter(({ offset }) => offset < 0)
  const ends = await parts.offsetsOf(
    own.cluster,
    missing.map(({ topic, partition }) => ({ topic, partition, at: 'latest' })),
    { readUncommitted },
  )
  const endOf = new Map(missing.map((at, index) => [at, ends[index]?.offset ?? -1]))
  return found.map(at => ({ topic: at.topic, partition: at.partition, offset: String(endOf.get(at) ?? at.offset) }))
}

async function lag(own: GroupConsumer): Promise<PartitionLag[]> {
  const { readUncommitted = false } = own.config
  const positions = [...own.engine.assignment.owned].map(({ topic, partition, resolved: offset }) => ({ topic, partition, offset }))
  const lags = await lagsOf(own.cluster, positions, { readUncommitted })
  return lags.map(({ topic, partition, records, seconds }) => ({ topic, partition, records, seconds }))
}
