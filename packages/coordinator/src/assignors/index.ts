// Server-side assignors of consumer groups (KIP-848).
import type { Assignor } from './assignor.ts'
import { rangeAssignor } from './range.ts'
import { uniformAssignor } from './uniform.ts'

export type { Assignor, GroupSpec, MemberSpec, PartitionsByTopic, TopicDescriber } from './assignor.ts'

/** All assignors by name. The first is the default, as in `group.consumer.assignors` of Kafka 4.3. */
export const assignors: ReadonlyMap<string, Assignor> = new Map([uniformAssignor, rangeAssignor].map(assignor => [assignor.name, assignor]))
