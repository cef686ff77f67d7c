/** Value of `parts/<topicId>/<partition>`; the partition epoch is the key's mod revision. */
export interface PartitionValue {
  /** -1 where there is none. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly isr: readonly number[]
  /** Eligible leader replicas (KIP-966). */
  readonly elr: readonly number[]
  readonly lastKnownElr: readonly number[]
  /** In the order of preference. */
  readonly replicas: readonly number[]
  /** Replicas that a reassignment adds. */
  readonly adding: readonly number[]
  readonly removing: readonly number[]
  /** 1 after an unclean election, until the leader has recovered. */
  readonly recoveryState: number
}

/** Shared by everything that has no replicas to name. */
export const NO_REPLICAS: readonly number[] = Object.freeze([])

type Compact = { l: number; e: number; i: number[]; r: number[]; x?: number[]; k?: number[]; a?: number[]; d?: number[]; s?: number }

/** One-letter names and no empty lists: there may be a hundred thousand of these. */
export function encodePartition(value: PartitionValue): string {
  const compact: Record<string, unknown> = { l: value.leader, e: value.leaderEpoch, i: value.isr, r: value.replicas }
  if (value.elr.length > 0) compact.x = value.elr
  if (value.lastKnownElr.length > 0) compact.k = value.lastKnownElr
  if (value.adding.length > 0) compact.a = value.adding
  if (value.removing.length > 0) compact.d = value.removing
  if (value.recoveryState !== 0) compact.s = value.recoveryState
  return JSON.stringify(compact)
}

export function decodePartition(value: string): PartitionValue {
  const compact: Compact = JSON.parse(value)
  const { l, e, i, r, x, k, a, d, s } = compact
  return {
    leader: l,
    leaderEpoch: e,
    isr: i,
    replicas: sameNumbers(i, r) ? i : r,
    elr: x ?? NO_REPLICAS,
    lastKnownElr: k ?? NO_REPLICAS,
    adding: a ?? NO_REPLICAS,
    removing: d ?? NO_REPLICAS,
    recoveryState: s ?? 0,
  }
}

const sameNumbers = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((n, at) => n === b[at])

/** A partition nobody has led yet: all replicas in sync. The first of them leads unless said otherwise. */
export function newPartition(replicas: readonly number[], isr: readonly number[] = replicas): PartitionValue {
  return {
    leader: isr[0] ?? -1,
    leaderEpoch: 0,
    isr,
    replicas,
    elr: NO_REPLICAS,
    lastKnownElr: NO_REPLICAS,
    adding: NO_REPLICAS,
    removing: NO_REPLICAS,
    recoveryState: 0,
  }
}
