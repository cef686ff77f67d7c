// A partition in KafkaJS's words: what its admin, its partitioners and its assigners are given.

/** A partition as brokers describe it. */
export type PartitionMetadata = {
  partitionErrorCode: number
  partitionId: number
  leader: number
  replicas: number[]
  isr: number[]
  offlineReplicas?: number[]
}
