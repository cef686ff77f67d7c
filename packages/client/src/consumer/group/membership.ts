// A consumer's membership of its group, of either protocol.
import type { Cluster } from '../../cluster/cluster.ts'
import type { AssignmentListener, Membership } from '../parts.ts'
import { ClassicMembership } from './classic/classic-membership.ts'
import { ConsumerMembership } from './consumer/consumer-membership.ts'
import { type MembershipOptions, settingsOf } from './options.ts'
import { noSubscription } from './subscription.ts'

export { type CommitOptions, type CommittedOptions, commitOffsets, committedOffsets, type OffsetsMember } from './offsets.ts'
export type { MembershipOptions } from './options.ts'

/** Makes a membership; it begins with `join`. Throws KafkaJSNonRetriableError for assigners that do not go together. */
export function createMembership(cluster: Cluster, options: MembershipOptions, listener: AssignmentListener): Membership {
  const settings = settingsOf(options)
  const subscription = options.subscription ?? noSubscription
  const parts = { listener, subscription }
  if (options.groupProtocol === 'consumer') return new ConsumerMembership(cluster, settings, parts)
  return new ClassicMembership(cluster, settings, parts)
}
