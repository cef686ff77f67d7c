// Kafka's RoundRobinAssignor: all partitions in order, one to each member in turn, passing over those that do not subscribe the topic.
import { compareMembers, emptyOutput, type GroupInput, type GroupOutput } from './group-input.ts'
import { compareStrings } from './topic-partitions.ts'

/** Deals partitions out. */
export function assignRoundRobin(input: GroupInput): GroupOutput {
  const output = emptyOutput(input)
  const members = input.members.toSorted(compareMembers).map(({ memberId, topics }) => ({ memberId, topics: new Set(topics) }))
  let turn = 0
  for (const [topic, partitions] of [...input.topics].toSorted(([one], [other]) => compareStrings(one, other))) {
    if (!members.some(member => member.topics.has(topic))) continue
    for (const partition of partitions) {
      while (members[turn % members.length]?.topics.has(topic) !== true) turn++
      output.get(members[turn++ % members.length]?.memberId ?? '')?.push(partition)
    }
  }
  return output
}
