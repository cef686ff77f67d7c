// DeleteGroups, versions 0 to 2: deletes groups without members, with their offsets (KIP-229). The empty group id is a group too.
import { deleteGroupsApi, type DeleteGroupsResponseInit } from '@ottla/protocol'
import { handler, type Handler } from '../requests/handler.ts'
import type { GroupParts } from './group-calls.ts'
import { askByCoordinator } from './groups-by-coordinator.ts'

type Deleted = DeleteGroupsResponseInit['results'][number]

/** Serves DeleteGroups. */
export function deleteGroups(parts: GroupParts): Handler<typeof deleteGroupsApi> {
  return handler({
    api: deleteGroupsApi,
    versions: [0, 2],
    async handle({ groupsNames }) {
      const results = await askByCoordinator<Deleted>(parts, {
        groupIds: groupsNames,
        mayBeEmpty: true,
        ask: (state, ids) => state.administration.delete(ids),
        failed: (groupId, { code: errorCode }) => ({ groupId, errorCode }),
      })
      return { throttleTimeMs: 0, results }
    },
    onError: (errorCode, { groupsNames }) => ({ throttleTimeMs: 0, results: groupsNames.map(groupId => ({ groupId, errorCode })) }),
  })
}
