// Replica lists that clients make themselves: what they may be.
import type { BrokerImage } from '@ottla/metadata'
import { ErrorCode, KafkaError } from '@ottla/protocol'

/** Replicas that a client wants for one partition, in the order of preference. */
export interface Assignment {
  readonly partitionIndex: number
  readonly brokerIds: readonly number[]
}

interface ManualTopic {
  readonly assignments: readonly Assignment[]
  /** Must be left to the assignments (-1) where it is given. */
  readonly numPartitions?: number
  /** Of the topic: what every list must have; of a new topic: -1. */
  readonly replicationFactor: number
  /** First new partition; a new topic when left out. */
  readonly from?: number
}

const invalidAssignment = (message: string): KafkaError => new KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)

/**
 * Partitions from lists that a client made, by partition. Throws INVALID_REPLICA_ASSIGNMENT or INVALID_REQUEST with the wording
 * of Kafka's ReplicationControlManager.
 */
export function manualPartitions(
  topic: ManualTopic,
  brokers: ReadonlyMap<number, BrokerImage>,
): { readonly replicas: readonly number[]; readonly isr: readonly number[] }[] {
  const isNew = topic.from === undefined
  if (isNew) checkUnsaid(topic)
  let replicationFactor = isNew ? undefined : topic.replicationFactor
  const byPartition = new Map<number, { replicas: readonly number[]; isr: readonly number[] }>()
  for (const { partitionIndex, brokerIds } of topic.assignments) {
    if (byPartition.has(partitionIndex)) {
      throw invalidAssignment(`Found multiple manual partition assignments for partition ${partitionIndex}`)
    }
    checkReplicas(brokerIds, brokers, replicationFactor)
    replicationFactor = brokerIds.length
    const isr = brokerIds.filter(id => {
      const broker = brokers.get(id)
      return broker && !broker.fenced && !broker.shuttingDown
    })
    if (isr.length === 0) {
      throw invalidAssignment(
        `All brokers specified in the manual partition assignment for partition ${partitionIndex} are fenced or in controlled shutdown.`,
      )
    }
    byPartition.set(partitionIndex, { replicas: brokerIds, isr })
  }
  return Array.from({ length: byPartition.size }, (_, at) => {
    const partition = byPartition.get((topic.from ?? 0) + at)
    if (!partition) throw invalidAssignment('partitions should be a consecutive 0-based integer sequence')
    return partition
  })
}

function checkUnsaid({ replicationFactor, numPartitions = -1 }: ManualTopic): void {
  const manual = 'A manual partition assignment was specified, but'
  if (replicationFactor !== -1) throw new KafkaError(ErrorCode.INVALID_REQUEST, `${manual} replication factor was not set to -1.`)
  if (numPartitions !== -1) throw new KafkaError(ErrorCode.INVALID_REQUEST, `${manual} numPartitions was not set to -1.`)
}

function checkReplicas(
  replicas: readonly number[],
  brokers: ReadonlyMap<number, BrokerImage>,
  replicationFactor: number | undefined,
): void {
  const assignment = 'The manual partition assignment includes'
  if (replicas.length === 0) throw invalidAssignment(`${assignment} an empty replica list.`)
  let previous: number | undefined
  for (const id of replicas.toSorted((a, b) => a - b)) {
    if (!brokers.has(id)) throw invalidAssignment(`${assignment} broker ${id}, but no such broker is registered.`)
    if (id === previous) throw invalidAssignment(`${assignment} the broker ${id} more than once.`)
    previous = id
  }
  if (replicationFactor !== undefined && replicas.length !== replicationFactor) {
    throw invalidAssignment(
      `${assignment} a partition with ${replicas.length} replica(s), but this is not consistent with previous partitions, ` +
        `which have ${replicationFactor} replica(s).`,
    )
  }
}
