// Which replicas count (cluster rules R3, R9, R11; KIP-966).

/** The in-sync replicas that an append with acks=all needs: `min.insync.replicas`, but never more than there are replicas. */
export const effectiveMinInSync = (minInsyncReplicas: number, replicaCount: number): number =>
  Math.max(1, Math.min(minInsyncReplicas, replicaCount))

/** What decides about the high watermark. */
export interface InSyncState {
  /** The leader, whose offset is its own. */
  readonly leader: number
  /** In-sync replicas, together with those that a change under way would add. */
  readonly maximalIsr: readonly number[]
  /** What the leader has, as far as its flush mode lets it count. */
  readonly leaderOffset: number
  /** The end of what a follower is known to have in this leader epoch; -1 when it has not fetched yet. */
  readonly offsetOf: (follower: number) => number
}

/** The offset up to which every in-sync replica has the log: what the high watermark may move to. */
export const replicatedOffset = ({ leader, maximalIsr, leaderOffset, offsetOf }: InSyncState): number => {
  let offset = leaderOffset
  for (const replica of maximalIsr) {
    if (replica !== leader) offset = Math.min(offset, offsetOf(replica))
  }
  return offset
}
