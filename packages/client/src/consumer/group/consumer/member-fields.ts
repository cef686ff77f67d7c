// What a heartbeat of KIP-848 says. Fields that the coordinator knows already are left out; it is told everything when the member joins, and after any error, since
// nobody knows then what it heard.
import type { ConsumerGroupHeartbeatRequestInit } from '@ottla/protocol'
import { KafkaJSNonRetriableError } from '../../../errors/index.ts'
import type { Subscription } from '../../parts.ts'
import type { MembershipSettings } from '../options.ts'

/** Epochs with a meaning of their own. */
export const JOIN_EPOCH = 0
export const LEAVE_EPOCH = -1
/** A static member leaves for a while. */
export const STATIC_LEAVE_EPOCH = -2

/** Partitions of one topic by its id. */
export interface IdPartitions {
  readonly topicId: string
  readonly partitions: readonly number[]
}

/** A member as it is now. */
export interface MemberNow {
  readonly memberId: string
  readonly memberEpoch: number
  readonly subscription: Subscription
  readonly owned: readonly IdPartitions[]
}

/** First version that knows patterns. */
const patternVersion = 1

/** Makes the requests of one member. */
export class MemberFields {
  readonly #settings: MembershipSettings
  #told: { topics: string; pattern: string | null; owned: string } | undefined

  constructor(settings: MembershipSettings) {
    this.#settings = settings
  }

  /** The next request is to tell everything. */
  reset(): void {
    this.#told = undefined
  }

  /** Makes a request; what it tells is taken to be known from now on. Throws KafkaJSNonRetriableError for a pattern that the broker would not understand. */
  request(version: number, now: MemberNow): ConsumerGroupHeartbeatRequestInit {
    const { groupId, groupInstanceId, rackId, rebalanceTimeoutMs, groupRemoteAssignor } = this.#settings
    const { memberId, memberEpoch, subscription, owned } = now
    const pattern = subscription.pattern ?? null
    if (pattern !== null && version < patternVersion) {
      throw new KafkaJSNonRetriableError(
        'The broker knows no patterns in subscriptions of groups of the consumer protocol (ConsumerGroupHeartbeat 1)',
      )
    }
    const topics = [...new Set(subscription.topics)].toSorted()
    const joining = memberEpoch === JOIN_EPOCH
    const telling = { topics: JSON.stringify(topics), pattern, owned: joining ? '' : JSON.stringify(owned) }
    const told = joining ? undefined : this.#told
    this.#told = telling
    const full = told === undefined
    return {
      groupId,
      memberId,
      memberEpoch,
      // Always, as Java does it: so a member whose place another one took is told that.
      instanceId: groupInstanceId,
      rackId: full ? rackId : null,
      rebalanceTimeoutMs: full ? rebalanceTimeoutMs : -1,
      serverAssignor: full ? groupRemoteAssignor : null,
      subscribedTopicNames: told?.topics === telling.topics ? null : topics,
      ...(version >= patternVersion ? { subscribedTopicRegex: regexField(told?.pattern, pattern) } : {}),
      topicPartitions: joining ? [] : told?.owned === telling.owned ? null : [...owned],
    }
  }
}

/** An empty pattern ends one that the coordinator knows. */
function regexField(told: string | null | undefined, pattern: string | null): string | null {
  if (told === pattern) return null
  return pattern ?? (typeof told === 'string' ? '' : null)
}
