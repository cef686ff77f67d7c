// Big groups: from nothing, and the step that an ordinary rebalance is, one member more over what was there.
import { randomUuid } from '@ottla/protocol'
import { bench, describe } from 'vitest'
import { describerOf } from './assignor-vectors.ts'
import type { GroupSpec, MemberSpec, PartitionsByTopic } from './index.ts'
import { assignors } from './index.ts'

type Owners = ReadonlyMap<string, ReadonlyMap<number, string>>

const none: PartitionsByTopic = new Map()

/** Members that subscribe to all topics, or each to all but one. */
function groupOf(
  topicIds: readonly string[],
  size: number,
  options: { same: boolean; had?: ReadonlyMap<string, PartitionsByTopic> },
): GroupSpec {
  const members = new Map<string, MemberSpec>()
  const owners = new Map<string, Map<number, string>>(topicIds.map(id => [id, new Map()]))
  for (let index = 0; index < size; index++) {
    const id = `member-${index}`
    const assignment = options.had?.get(id) ?? none
    for (const [topicId, partitions] of assignment) for (const partition of partitions) owners.get(topicId)?.set(partition, id)
    const subscribedTopicIds = new Set(topicIds.filter((_, topic) => options.same || topic !== index % topicIds.length))
    members.set(id, { instanceId: null, rackId: null, subscribedTopicIds, assignment })
  }
  return { members, isHomogeneous: options.same, isAssigned: isAssignedIn(owners) }
}

const isAssignedIn =
  (owners: Owners): GroupSpec['isAssigned'] =>
  (topicId, partition) =>
    owners.get(topicId)?.has(partition) ?? false

const shapes = [
  { size: 1000, topicCount: 10, partitionCount: 100 },
  { size: 1000, topicCount: 10, partitionCount: 1000 },
  { size: 1000, topicCount: 1000, partitionCount: 10 },
]
for (const { size, topicCount, partitionCount } of shapes) {
  describe(`${size} members, ${topicCount} topics of ${partitionCount} partitions`, () => {
    const topicIds = Array.from({ length: topicCount }, () => randomUuid())
    const topics = describerOf(new Map(topicIds.map(id => [id, partitionCount])))
    for (const same of [true, false]) {
      for (const assignor of assignors.values()) {
        const name = `${assignor.name}, ${same ? 'the same subscriptions' : 'different subscriptions'}`
        const fresh = groupOf(topicIds, size, { same })
        const had = assignor.assign(fresh, topics)
        const joined = groupOf(topicIds, size + 1, { same, had })
        const settled = groupOf(topicIds, size, { same, had })
        bench(`${name}: from nothing`, () => {
          assignor.assign(fresh, topics)
        })
        bench(`${name}: one member joins`, () => {
          assignor.assign(joined, topics)
        })
        bench(`${name}: nothing changed`, () => {
          assignor.assign(settled, topics)
        })
      }
    }
  })
}
