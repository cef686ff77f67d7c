// What all requests to the consumer groups of one coordinator partition work with.

import { ErrorCode, KafkaError } from '@ottla/protocol'
import type { ClassicRequests } from '../classic/classic-requests.ts'
import type { Groups } from '../group.ts'
import type { GroupWorld } from '../world.ts'
import { type ConsumerGroup, isConsumerGroup } from './consumer-group.ts'
import type { MemberTimers } from './member-timers.ts'
import type { PatternResolution } from './pattern-resolution.ts'
import type { Rebalances } from './rebalances.ts'
import type { SubscribedTopics } from './subscribed-topics.ts'
import type { TopicIds } from './topic-ids.ts'

/** What is asked of classic groups when groups change their kind; `ClassicRequests` does it. */
export type ClassicGroups = Pick<ClassicRequests, 'adopt' | 'release'>

/** See the top of the file. */
export interface Scope {
  readonly world: GroupWorld
  readonly groups: Groups
  readonly subscribed: SubscribedTopics
  readonly topicIds: TopicIds
  readonly rebalances: Rebalances
  readonly timers: MemberTimers
  readonly patterns: PatternResolution
  /** Null where groups do not change their kind. */
  readonly classic: ClassicGroups | null
}

/** @throws KafkaError GROUP_ID_NOT_FOUND */
export const consumerGroupOf = (groups: Groups, groupId: string): ConsumerGroup => {
  const group = groups.get(groupId)
  if (group === undefined) throw new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`)
  if (!isConsumerGroup(group)) throw new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a consumer group.`)
  return group
}
