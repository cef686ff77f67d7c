// Why groups rebalanced, when and how long: the first question of whoever runs consumers. Kept in memory for the groups that are led here, the last
// few of each, and told in the log.
import type { GroupObserver, Rebalance } from '@ottla/coordinator'
import type { Logger } from '@ottla/protocol'

/** So many are kept of one group. */
const KEPT_OF_GROUP = 20
/** What all groups may keep: a rebalance counts one, and one more for each of its members and partitions; some 100 bytes each. */
const MAX_WEIGHT = 100_000

/** All rebalances of a group since this broker coordinates it. */
export interface RebalanceTotals {
  readonly count: number
  readonly durationMs: number
  /** When the last one began, wall clock in ms. */
  readonly lastStartedAtMs: number
}

interface History {
  totals: RebalanceTotals
  readonly rebalances: { readonly rebalance: Rebalance; readonly weight: number }[]
}

const begun = (): History => ({ totals: { count: 0, durationMs: 0, lastStartedAtMs: 0 }, rebalances: [] })

/** What a history is made of. */
export interface RebalanceHistoryOptions {
  readonly logger: Logger
  readonly maxWeight?: number
}

/** See the top of the file. */
export class RebalanceHistory implements GroupObserver {
  readonly #logger: Logger
  readonly #maxWeight: number
  /** The group that rebalanced last is the last. */
  readonly #groups = new Map<string, History>()
  readonly #completed = { classic: 0, consumer: 0 }
  #weight = 0

  constructor({ logger, maxWeight = MAX_WEIGHT }: RebalanceHistoryOptions) {
    this.#logger = logger
    this.#maxWeight = maxWeight
  }

  /** Rebalances by type of group, of all groups that there ever were. */
  get completed(): { readonly classic: number; readonly consumer: number } {
    return this.#completed
  }

  /** Totals by group, of the groups that are remembered. */
  *totals(): Generator<readonly [groupId: string, totals: RebalanceTotals]> {
    for (const [groupId, { totals }] of this.#groups) yield [groupId, totals]
  }

  /** The last rebalances of a group, the newest last. */
  of(groupId: string): readonly Rebalance[] {
    return this.#groups.get(groupId)?.rebalances.map(({ rebalance }) => rebalance) ?? []
  }

  /** See GroupObserver. */
  rebalanced(rebalance: Rebalance): void {
    const { groupId, groupType, generation, reason, memberId, clientId, startedAtMs, assignment } = rebalance
    const durationMs = Math.round(rebalance.durationMs)
    this.#logger.info(
      { group: groupId, groupType, generation, reason, member: memberId, clientId, durationMs, members: assignment?.size ?? null },
      'a group has rebalanced',
    )
    this.#completed[groupType] += 1
    const { totals, rebalances } = this.#groups.get(groupId) ?? begun()
    const weight = weightOf(rebalance)
    rebalances.push({ rebalance, weight })
    this.#weight += weight
    if (rebalances.length > KEPT_OF_GROUP) this.#weight -= rebalances.shift()?.weight ?? 0
    this.#groups.delete(groupId)
    const count = totals.count + 1
    this.#groups.set(groupId, { totals: { count, durationMs: totals.durationMs + durationMs, lastStartedAtMs: startedAtMs }, rebalances })
    while (this.#weight > this.#maxWeight && this.#forgetOldest());
  }

  /** Forgets the groups that are not there any more. */
  retain(isThere: (groupId: string) => boolean): void {
    for (const [groupId, history] of this.#groups) if (!isThere(groupId)) this.#forget(groupId, history)
  }

  /** Makes room: the group that was quiet longest goes; of a group that is alone, its oldest rebalance. */
  #forgetOldest(): boolean {
    for (const [groupId, history] of this.#groups) {
      if (this.#groups.size > 1) {
        this.#forget(groupId, history)
        return true
      }
      if (history.rebalances.length <= 1) return false
      this.#weight -= history.rebalances.shift()?.weight ?? 0
      return true
    }
    return false
  }

  #forget(groupId: string, { rebalances }: History): void {
    for (const { weight } of rebalances) this.#weight -= weight
    this.#groups.delete(groupId)
  }
}

function weightOf({ assignment }: Rebalance): number {
  let weight = 1
  for (const topics of assignment?.values() ?? []) {
    weight += 1
    for (const { partitions } of topics) weight += partitions.length
  }
  return weight
}
