// Timers of members. All of them do the same when they expire: the member is thrown out, if it is still there.

import type { Decision } from '../../decision.ts'
import type { Timers } from '../../timers.ts'

/** A member that is late. */
export interface Late {
  readonly groupId: string
  readonly memberId: string
  /** In words. */
  readonly reason: string
  /** The member is only late if it is still at this epoch; null for any. */
  readonly memberEpoch: number | null
}

/** The timers of all members of the groups of one coordinator partition. */
export class MemberTimers {
  readonly #timers: Timers
  readonly #fence: (late: Late) => Decision<void>

  constructor(timers: Timers, fence: (late: Late) => Decision<void>) {
    this.#timers = timers
    this.#fence = fence
  }

  /** The member has just been heard of. */
  session(groupId: string, memberId: string, timeoutMs: number): void {
    this.#set('session', { groupId, memberId, reason: 'the member session expired', memberEpoch: null }, timeoutMs)
  }

  /** The member has to give partitions up in time. */
  rebalance(
    groupId: string,
    member: { readonly memberId: string; readonly memberEpoch: number; readonly rebalanceTimeoutMs: number },
  ): void {
    const { memberId, memberEpoch, rebalanceTimeoutMs } = member
    const reason = 'the member did not revoke its partitions within its rebalance timeout'
    this.#set('rebalance', { groupId, memberId, reason, memberEpoch }, rebalanceTimeoutMs)
  }

  /** The member has given up what it had to. */
  rebalanced(groupId: string, memberId: string): void {
    this.#timers.cancel(keyOf('rebalance', groupId, memberId))
  }

  /** The classic member was told to join again, maybe more than once: the first time counts. */
  join(groupId: string, memberId: string, timeoutMs: number): void {
    if (this.#timers.has(keyOf('join', groupId, memberId))) return
    const reason = 'the classic member failed to join within the rebalance timeout'
    this.#set('join', { groupId, memberId, reason, memberEpoch: null }, timeoutMs)
  }

  /** The classic member has joined. */
  joined(groupId: string, memberId: string): void {
    this.#timers.cancel(keyOf('join', groupId, memberId))
  }

  /** The classic member has joined and should ask for its assignment. */
  sync(groupId: string, memberId: string, timeoutMs: number): void {
    this.#set('sync', { groupId, memberId, reason: 'the member failed to sync within timeout', memberEpoch: null }, timeoutMs)
  }

  /** The classic member has asked for its assignment. */
  synced(groupId: string, memberId: string): void {
    this.#timers.cancel(keyOf('sync', groupId, memberId))
  }

  /** The member is gone. */
  cancel(groupId: string, memberId: string): void {
    for (const kind of ['session', 'rebalance', 'join', 'sync'] as const) this.#timers.cancel(keyOf(kind, groupId, memberId))
  }

  #set(kind: Kind, late: Late, delayMs: number): void {
    this.#timers.set(keyOf(kind, late.groupId, late.memberId), delayMs, () => this.#fence(late))
  }
}

type Kind = 'session' | 'rebalance' | 'join' | 'sync'

/** Names that no two members share, whatever is in their ids. */
const keyOf = (kind: Kind, groupId: string, memberId: string): string => `consumer-${kind} ${groupId.length} ${groupId} ${memberId}`
