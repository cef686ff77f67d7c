// The `range` assignor (Kafka's RangeAssignor): each topic is cut into one run of partitions per subscriber, the first ones a partition
// longer when it does not come out even. Members stand in the same order for every topic, so that equally partitioned topics of equal
// subscribers are co-partitioned. Static members stand first, by instance id, which keeps their runs when they come back as new members.
import type { Assignor, GroupSpec, PartitionsByTopic, TopicDescriber } from './assignor.ts'
import { existingPartitionCount } from './assignor.ts'

export const rangeAssignor: Assignor = {
  name: 'range',

  assign(group, topics) {
    const memberIds = sortedMemberIds(group)
    const runs = runsByTopic(group, topics)
    const target = new Map<string, PartitionsByTopic>()
    for (const memberId of memberIds) {
      const assignment = new Map<string, ReadonlySet<number>>()
      for (const topicId of group.members.get(memberId)?.subscribedTopicIds ?? []) {
        const run = runs.get(topicId)?.next()
        if (run !== undefined) assignment.set(topicId, run)
      }
      target.set(memberId, assignment)
    }
    return target
  },
}

/** The part of a topic that is not handed out yet. */
class Runs {
  readonly #shortest: number
  #longer: number
  #from = 0

  constructor(partitionCount: number, subscribers: number) {
    this.#shortest = Math.floor(partitionCount / subscribers)
    this.#longer = partitionCount % subscribers
  }

  /** The run of the next subscriber; undefined when there are fewer partitions than subscribers. */
  next(): ReadonlySet<number> | undefined {
    let end = this.#from + this.#shortest
    if (this.#longer > 0) {
      this.#longer--
      end++
    }
    if (end === this.#from) return undefined
    const run = new Set<number>()
    while (this.#from < end) run.add(this.#from++)
    return run
  }
}

function runsByTopic(group: GroupSpec, topics: TopicDescriber): ReadonlyMap<string, Runs> {
  const runs = new Map<string, Runs>()
  for (const [topicId, subscribers] of subscriberCounts(group)) {
    runs.set(topicId, new Runs(existingPartitionCount(topics, topicId), subscribers))
  }
  return runs
}

/** Topic id -> number of its subscribers. */
function subscriberCounts(group: GroupSpec): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { subscribedTopicIds } of group.members.values()) {
    for (const topicId of subscribedTopicIds) {
      counts.set(topicId, group.isHomogeneous ? group.members.size : (counts.get(topicId) ?? 0) + 1)
    }
    if (group.isHomogeneous) break
  }
  return counts
}

function sortedMemberIds(group: GroupSpec): string[] {
  const statics: [instanceId: string, memberId: string][] = []
  const dynamics: string[] = []
  for (const [memberId, { instanceId }] of group.members) {
    if (instanceId === null) dynamics.push(memberId)
    else statics.push([instanceId, memberId])
  }
  statics.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0))
  // Without a comparator strings are sorted by UTF-16 code units, as Java's String.compareTo does.
  return [...statics.map(([, memberId]) => memberId), ...dynamics.toSorted()]
}
