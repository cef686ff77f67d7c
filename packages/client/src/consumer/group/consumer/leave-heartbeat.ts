// The last heartbeat of a member of KIP-848: it leaves, or as a static member goes away for a while and keeps its partitions until it is back.
import { consumerGroupHeartbeatApi } from '@ottla/protocol'
import type { Cluster } from '../../../cluster/cluster.ts'
import { askCoordinator } from '../coordinator-calls.ts'
import type { MembershipSettings } from '../options.ts'
import { LEAVE_EPOCH, STATIC_LEAVE_EPOCH } from './member-fields.ts'

/** The longest wait for the coordinator to hear of it. */
const leaveTimeoutMs = 5_000

/** Sends it; when it cannot be sent, the session ends by itself. */
export async function sendLeave(cluster: Cluster, { groupId, groupInstanceId }: MembershipSettings, memberId: string): Promise<void> {
  const memberEpoch = groupInstanceId === null ? LEAVE_EPOCH : STATIC_LEAVE_EPOCH
  const body = { groupId, memberId, memberEpoch, instanceId: groupInstanceId }
  try {
    await askCoordinator(
      { cluster, groupId },
      { api: consumerGroupHeartbeatApi, body },
      { timeoutMs: Math.min(leaveTimeoutMs, cluster.requestTimeoutMs) },
    )
  } catch (error) {
    cluster.logger.debug('The coordinator could not be told that the consumer leaves', { groupId, memberId, error: String(error) })
  }
}
