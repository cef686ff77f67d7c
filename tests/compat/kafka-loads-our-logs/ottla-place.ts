// A log directory of Ottla on partitions that Apache Kafka wrote: a fresh one whose metadata learn of the topics, with the ids that they have there.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '@ottla/broker'
import { encodeConfig, encodePartition, encodeTopic, keys, LocalStore, newPartition, silentLogger, type Write } from '@ottla/metadata'
import { startBroker } from '../broker.ts'
import type { Topic } from './answers.ts'
import { copyPartitions } from './kafka-broker.ts'

/** The first producer id that this broker may give away. */
const NEXT_PRODUCER_ID = 1_000_000

const writesOf = (topic: Topic, brokerId: number): Write[] => {
  const { name, id, partitions, leaderEpoch, configs } = topic
  const places = Array.from({ length: partitions }, (_, number) => ({
    key: keys.partition(id, number),
    value: encodePartition({ ...newPartition([brokerId]), leaderEpoch }),
  }))
  return [
    { key: keys.topic(name), value: encodeTopic({ id, partitions }) },
    { key: keys.topicId(id), value: name },
    { key: keys.config('topic', name), value: encodeConfig(new Map(Object.entries(configs))) },
    ...places,
  ]
}

/** Makes it in `folder`, for `startBroker` there. */
export async function adoptPartitions(folder: string, from: { readonly data: string; readonly topics: readonly Topic[] }): Promise<void> {
  mkdirSync(folder, { recursive: true })
  // Disposing of the broker would remove the folder.
  const broker = await startBroker({}, { folder })
  await broker.stop()
  rmSync(join(broker.data, '.kafka_cleanshutdown'), { force: true })
  const store = await LocalStore.open({ directory: join(broker.data, '__ottla_metadata'), clock: systemClock, logger: silentLogger })
  const writes = from.topics.flatMap(topic => writesOf(topic, 1))
  await store.commit({ writes: [...writes, { key: keys.nextProducerId, value: String(NEXT_PRODUCER_ID) }] })
  await store.close()
  copyPartitions(from.data, broker.data)
}
