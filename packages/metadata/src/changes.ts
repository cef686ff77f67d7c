// What differs between two images.
import type { ClusterImage, PartitionImage, TopicImage } from './image.ts'
import type { ConfigType } from './keys.ts'

/** One partition of a topic that is in both images; `before` is missing for a new partition. */
export interface PartitionChange {
  readonly topic: TopicImage
  readonly partition: number
  readonly before: PartitionImage | undefined
  readonly after: PartitionImage
}

/** What differs between two images. A topic that was deleted and made again is in both of the first lists. */
export interface ClusterChanges {
  readonly topicsDeleted: readonly TopicImage[]
  /** With all their partitions, which `partitionsChanged` does not repeat. */
  readonly topicsCreated: readonly TopicImage[]
  readonly partitionsChanged: readonly PartitionChange[]
  readonly configsChanged: readonly { readonly type: ConfigType; readonly name: string }[]
  /** Ids of brokers that came, went or changed. */
  readonly brokersChanged: readonly number[]
  readonly controllerChanged: boolean
}

/** What became of one image in another; costs about as much as what differs. */
export function changesBetween(before: ClusterImage, after: ClusterImage): ClusterChanges {
  const old = before.parts
  const young = after.parts
  const topicsDeleted: TopicImage[] = []
  const topicsCreated: TopicImage[] = []
  const partitionsChanged: PartitionChange[] = []
  for (const [, gone, come] of old.topicsByName.differences(young.topicsByName)) {
    if (gone && come && gone.id === come.id) comparePartitions(gone, come, partitionsChanged)
    else {
      if (gone) topicsDeleted.push(gone)
      if (come) topicsCreated.push(come)
    }
  }
  const configsChanged: { type: ConfigType; name: string }[] = []
  for (const [, gone, come] of old.configs.differences(young.configs)) {
    const config = come ?? gone
    if (config) configsChanged.push({ type: config.type, name: config.name })
  }
  const brokersChanged: number[] = []
  if (old.brokers !== young.brokers) {
    for (const id of new Set([...old.brokers.keys(), ...young.brokers.keys()])) {
      if (old.brokers.get(id) !== young.brokers.get(id)) brokersChanged.push(id)
    }
  }
  const controllerChanged = before.controllerId !== after.controllerId || before.controllerEpoch !== after.controllerEpoch
  return { topicsDeleted, topicsCreated, partitionsChanged, configsChanged, brokersChanged, controllerChanged }
}

/** Compares partitions one by one; a topic never loses any. */
function comparePartitions(before: TopicImage, topic: TopicImage, into: PartitionChange[]): void {
  for (const [partition, after] of topic.partitions.entries()) {
    const old = before.partitions[partition]
    if (old !== after) into.push({ topic, partition, before: old, after })
  }
}
