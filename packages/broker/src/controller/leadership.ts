// Who leads a partition when a broker starts: a calculation over the image, without any effect of its own.
import { type ClusterImage, NO_REPLICAS, type PartitionImage, type PartitionValue } from '@ottla/metadata'
import { minInsyncReplicas } from './min-insync-replicas.ts'

/** A broker that is about to be let in. */
export interface ReturningBroker {
  readonly id: number
  /** Whether it proved that it lost nothing: then it keeps its place among the replicas in sync. */
  readonly clean: boolean
}

export interface PartitionUpdate {
  readonly topicId: string
  readonly partition: number
  readonly before: PartitionImage
  readonly after: PartitionValue
}

/**
 * What changes for the partitions of a broker that starts: one that did not shut down cleanly leaves every ISR and ELR, and
 * where that leaves nobody it is remembered as the last one known (R12); partitions that it led, or nobody leads, get a
 * leader, with the next leader epoch even if it is the same broker (R7).
 */
export function planReturn(image: ClusterImage, broker: ReturningBroker): PartitionUpdate[] {
  const updates: PartitionUpdate[] = []
  for (const topic of image.topics()) {
    const minInsync = minInsyncReplicas(image, topic.name)
    for (const [partition, before] of topic.partitions.entries()) {
      const after = before.replicas.includes(broker.id) ? afterReturn(before, { image, broker, minInsync }) : before
      if (after !== before) updates.push({ topicId: topic.id, partition, before, after })
    }
  }
  return updates
}

/** One partition after a replica's return; the same object when nothing changes. */
export function afterReturn(
  before: PartitionImage,
  { image, broker, minInsync }: { image: ClusterImage; broker: ReturningBroker; minInsync: number },
): PartitionValue {
  const excluded = broker.clean ? before : withoutUnclean(before, broker.id)
  const leaderLeads = excluded.leader !== broker.id && image.brokers.get(excluded.leader)?.fenced === false
  if (leaderLeads) return excluded
  const canLead = (id: number): boolean => id === broker.id || image.brokers.get(id)?.fenced === false
  const elected = elect(excluded, canLead)
  const leader = elected ?? { leader: -1, isr: excluded.isr, unclean: false }
  if (leader.leader === -1 && before.leader === -1) return excluded
  const required = Math.min(minInsync, excluded.replicas.length)
  return {
    ...excluded,
    leader: leader.leader,
    leaderEpoch: excluded.leaderEpoch + 1,
    isr: leader.isr,
    elr: leader.isr.length >= required ? NO_REPLICAS : excluded.elr.filter(id => !leader.isr.includes(id)),
    lastKnownElr: leader.leader === -1 ? excluded.lastKnownElr : NO_REPLICAS,
    recoveryState: leader.unclean && excluded.replicas.length > 1 ? 1 : excluded.recoveryState,
  }
}

function withoutUnclean(before: PartitionImage, id: number): PartitionImage {
  if (!before.isr.includes(id) && !before.elr.includes(id)) return before
  const isr = before.isr.filter(other => other !== id)
  const elr = before.elr.filter(other => other !== id)
  return { ...before, isr, elr, lastKnownElr: isr.length + elr.length === 0 ? [id] : before.lastKnownElr }
}

/** From the ISR, then the ELR, then the single last one known; never anybody else (R11, R12). */
function elect(partition: PartitionImage, canLead: (id: number) => boolean) {
  const { replicas, isr, elr, lastKnownElr } = partition
  const inSync = replicas.find(id => isr.includes(id) && canLead(id))
  if (inSync !== undefined) return { leader: inSync, isr, unclean: false }
  if (isr.length > 0) return undefined
  const eligible = replicas.find(id => elr.includes(id) && canLead(id))
  if (eligible !== undefined) return { leader: eligible, isr: [eligible], unclean: false }
  const [last] = lastKnownElr
  if (elr.length === 0 && lastKnownElr.length === 1 && last !== undefined && canLead(last))
    return { leader: last, isr: [last], unclean: true }
  return undefined
}
