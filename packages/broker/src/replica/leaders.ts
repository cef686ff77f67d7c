// Where else to go: what an answer NOT_LEADER_OR_FOLLOWER tells of the leader, so that a client need not ask for metadata (KIP-951).
import type { ClusterImage, PartitionImage } from '@ottla/metadata'

/** A broker's address on the listener that the request came in on. */
export interface NodeEndpoint {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** The leader of a partition as the metadata has it, -1 for none. */
export const leaderOf = (state: PartitionImage | undefined): { leaderId: number; leaderEpoch: number } => ({
  leaderId: state?.leader ?? -1,
  leaderEpoch: state?.leaderEpoch ?? -1,
})

/** Addresses of brokers on a listener; those that are not known, or not there, are left out. */
export const endpointsOf = (image: ClusterImage, brokers: Iterable<number>, listener: string): NodeEndpoint[] => {
  const nodes: NodeEndpoint[] = []
  for (const nodeId of new Set(brokers)) {
    const broker = image.brokers.get(nodeId)
    const endpoint = broker?.endpoints.find(candidate => candidate.name === listener)
    if (broker !== undefined && endpoint !== undefined) nodes.push({ nodeId, host: endpoint.host, port: endpoint.port, rack: broker.rack })
  }
  return nodes
}
