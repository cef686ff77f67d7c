// Why groups rebalance, and how long it takes: noted when a group's epoch goes up, told when the group is stable again. Not part of any
// record; what is under way when the coordinator moves is counted from the moment at which the group was loaded.

import type { GroupWorld } from '../world.ts'
import type { ConsumerGroup } from './consumer-group.ts'

/** Why a group epoch goes up. */
export interface Cause {
  /** In words. */
  readonly reason: string
  /** Member whose doing it is; empty for a change of topics. */
  readonly memberId: string
  readonly clientId: string
}

interface Started {
  readonly cause: Cause
  readonly startedAtMs: number
  readonly startedMonotonicMs: number
  /** The last epoch that the group was told to go to. */
  readonly epoch: number
}

/** The rebalances that are under way, by group. */
export class Rebalances {
  readonly #world: GroupWorld
  readonly #started = new Map<string, Started>()

  constructor(world: GroupWorld) {
    this.#world = world
  }

  /** A group's epoch goes up; the first cause since the group was stable is the one that is told. */
  began(groupId: string, epoch: number, cause: Cause): void {
    this.#world.logger.info({ groupId, epoch, ...cause }, 'the epoch of a consumer group goes up')
    this.#start(groupId, epoch, cause)
  }

  /** A group was loaded while it rebalanced. */
  loaded(groupId: string, epoch: number): void {
    this.#start(groupId, epoch, { reason: 'a rebalance was under way when the coordinator moved', memberId: '', clientId: '' })
  }

  /** Something about a group has changed: its rebalance may be over. */
  changed(group: ConsumerGroup): void {
    const started = this.#started.get(group.groupId)
    // Between the records of one batch a group may look stable that is not.
    if (started === undefined || group.groupEpoch < started.epoch) return
    const { state } = group
    if (state !== 'Stable' && state !== 'Empty') return
    this.#started.delete(group.groupId)
    const { clock, logger, observer } = this.#world
    const durationMs = clock.monotonic() - started.startedMonotonicMs
    logger.info({ groupId: group.groupId, epoch: group.groupEpoch, durationMs, ...started.cause }, 'a consumer group is stable')
    observer.rebalanced({
      groupId: group.groupId,
      groupType: 'consumer',
      startedAtMs: started.startedAtMs,
      durationMs,
      ...started.cause,
      generation: group.groupEpoch,
      assignment: this.#assignmentOf(group),
    })
  }

  /** The group is gone. */
  forget(groupId: string): void {
    this.#started.delete(groupId)
  }

  #start(groupId: string, epoch: number, cause: Cause): void {
    const before = this.#started.get(groupId)
    const { clock } = this.#world
    this.#started.set(groupId, {
      cause: before?.cause ?? cause,
      startedAtMs: before?.startedAtMs ?? clock.now(),
      startedMonotonicMs: before?.startedMonotonicMs ?? clock.monotonic(),
      epoch,
    })
  }

  #assignmentOf(group: ConsumerGroup): ReadonlyMap<string, { topic: string; partitions: number[] }[]> {
    const assignment = new Map<string, { topic: string; partitions: number[] }[]>()
    for (const member of group.members.values()) {
      const topics = []
      for (const [topicId, epochs] of member.assignedPartitions) {
        const topic = this.#world.topics.topicById(topicId)?.name
        if (topic !== undefined) topics.push({ topic, partitions: [...epochs.keys()] })
      }
      assignment.set(member.memberId, topics)
    }
    return assignment
  }
}
