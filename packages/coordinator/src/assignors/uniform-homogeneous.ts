// The `uniform` assignor where all members subscribe to the same topics (Kafka's UniformHomogeneousAssignmentBuilder). All members end
// with the same number of partitions or one more, and keep as many as that allows. Linear in members plus partitions; a member that
// neither loses nor gains keeps its very assignment object.
import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { GroupSpec, PartitionsByTopic, TopicDescriber } from './assignor.ts'
import { existingPartitionCount } from './assignor.ts'

interface Free {
  readonly topicId: string
  readonly partition: number
}

/** Target assignment of a group whose members all subscribe to the topics of the first. */
export function assignHomogeneous(group: GroupSpec, topics: TopicDescriber): ReadonlyMap<string, PartitionsByTopic> {
  const subscribed = firstOf(group.members.values())?.subscribedTopicIds
  if (subscribed === undefined || subscribed.size === 0) return new Map()
  const free: Free[] = []
  let partitionCount = 0
  for (const topicId of subscribed) {
    const count = existingPartitionCount(topics, topicId)
    partitionCount += count
    for (let partition = 0; partition < count; partition++) if (!group.isAssigned(topicId, partition)) free.push({ topicId, partition })
  }
  const target = new Map<string, PartitionsByTopic>()
  const rooms = keepWithinQuota(group, { subscribed, partitionCount, free, target })
  fill(rooms, free, target)
  return target
}

interface Draft {
  readonly subscribed: ReadonlySet<string>
  readonly partitionCount: number
  /** Partitions of nobody: what members must give is added. */
  readonly free: Free[]
  readonly target: Map<string, PartitionsByTopic>
}

/** Gives every member what it may keep, and says how many more partitions each must get. */
function keepWithinQuota(group: GroupSpec, draft: Draft): Map<string, number> {
  const rooms = new Map<string, number>()
  const quota = Math.floor(draft.partitionCount / group.members.size)
  // So many members have one partition more than the quota.
  let extras = draft.partitionCount % group.members.size
  let membersLeft = group.members.size
  for (const [memberId, { assignment }] of group.members) {
    let takesExtra = extras > 0
    const allowed = quota + (takesExtra ? 1 : 0)
    const kept = keep(assignment, allowed, draft)
    draft.target.set(memberId, kept.assignment)
    let room = allowed - kept.size
    // An extra that is not in use already is left to members behind, while there are more of them than extras.
    if (room > 0 && takesExtra && membersLeft > extras) {
      room--
      takesExtra = false
    }
    if (room > 0) rooms.set(memberId, room)
    if (takesExtra) extras--
    membersLeft--
  }
  return rooms
}

/** The first `allowed` partitions of subscribed topics; those above become free. */
function keep(
  assignment: PartitionsByTopic,
  allowed: number,
  { subscribed, free }: Draft,
): { assignment: PartitionsByTopic; size: number } {
  let kept: Map<string, ReadonlySet<number>> | undefined
  let size = 0
  for (const [topicId, partitions] of assignment) {
    if (!subscribed.has(topicId)) {
      kept ??= new Map(assignment)
      kept.delete(topicId)
    } else if (size + partitions.size <= allowed) {
      size += partitions.size
    } else {
      const some = new Set<number>()
      for (const partition of partitions) {
        if (size < allowed) {
          some.add(partition)
          size++
        } else free.push({ topicId, partition })
      }
      kept ??= new Map(assignment)
      if (some.size > 0) kept.set(topicId, some)
      else kept.delete(topicId)
    }
  }
  return { assignment: kept ?? assignment, size }
}

/** Hands the free partitions to the members that have room, in order. */
function fill(rooms: ReadonlyMap<string, number>, free: readonly Free[], target: Map<string, PartitionsByTopic>): void {
  let next = 0
  for (const [memberId, room] of rooms) {
    const assignment = new Map(target.get(memberId))
    const grown = new Map<string, Set<number>>()
    const end = Math.min(next + room, free.length)
    for (const { topicId, partition } of free.slice(next, end)) {
      let partitions = grown.get(topicId)
      if (partitions === undefined) {
        partitions = new Set(assignment.get(topicId))
        grown.set(topicId, partitions)
        assignment.set(topicId, partitions)
      }
      partitions.add(partition)
    }
    if (end > next) target.set(memberId, assignment)
    next = end
  }
  if (next < free.length) throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, 'Partitions were left unassigned')
}

const firstOf = <Item>(items: Iterable<Item>): Item | undefined => {
  for (const item of items) return item
  return undefined
}
