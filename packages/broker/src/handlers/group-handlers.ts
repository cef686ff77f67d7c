// The handlers of the APIs of groups: membership of classic and of consumer groups, offsets, administration.
import type { AnyHandler } from '../requests/handler.ts'
import { consumerGroupDescribe } from './consumer-group-describe.ts'
import { consumerGroupHeartbeat } from './consumer-group-heartbeat.ts'
import { deleteGroups } from './delete-groups.ts'
import { describeGroups } from './describe-groups.ts'
import type { GroupParts } from './group-calls.ts'
import { heartbeat } from './heartbeat.ts'
import { joinGroup } from './join-group.ts'
import { leaveGroup } from './leave-group.ts'
import { listGroups } from './list-groups.ts'
import { offsetCommit } from './offset-commit.ts'
import { offsetDelete } from './offset-delete.ts'
import { offsetFetch } from './offset-fetch.ts'
import { syncGroup } from './sync-group.ts'

export type { GroupParts } from './group-calls.ts'

/** All of them, over one coordinator. */
export const groupHandlers = (parts: GroupParts): readonly AnyHandler[] => [
  joinGroup(parts),
  syncGroup(parts),
  heartbeat(parts),
  leaveGroup(parts),
  offsetCommit(parts),
  offsetFetch(parts),
  offsetDelete(parts),
  listGroups(parts),
  describeGroups(parts),
  deleteGroups(parts),
  consumerGroupHeartbeat(parts),
  consumerGroupDescribe(parts),
]
