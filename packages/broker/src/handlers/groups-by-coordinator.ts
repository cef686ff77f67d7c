// Requests about several groups go to the coordinator once for each of its partitions, and are answered in the order asked.
import { ErrorCode } from '@ottla/protocol'
import type { Decision, GroupPartition } from '@ottla/coordinator'
import { type Failure, failureOf, type GroupParts } from './group-calls.ts'

interface Asked<R> {
  readonly groupIds: readonly string[]
  readonly mayBeEmpty: boolean
  /** One answer for each group, in any order. */
  readonly ask: (state: GroupPartition, groupIds: readonly string[]) => Decision<readonly R[]>
  readonly failed: (groupId: string, failure: Failure) => R
}

/** One answer for each group that is named, however often. Never rejects. */
export async function askByCoordinator<R extends { readonly groupId: string }>(
  { groups, logger }: GroupParts,
  { groupIds, mayBeEmpty, ask, failed }: Asked<R>,
): Promise<R[]> {
  const answers = new Map<string, R>()
  const byPartition = new Map<number, string[]>()
  const askPartition = async (ids: readonly string[]): Promise<void> => {
    const [first = ''] = ids
    try {
      for (const answer of await groups.run(first, state => ask(state, ids))) answers.set(answer.groupId, answer)
    } catch (error) {
      const failure = failureOf(error, logger)
      for (const groupId of ids) answers.set(groupId, failed(groupId, failure))
    }
  }
  const distinct = new Set(groupIds)
  for (const groupId of distinct) {
    if (groupId === '' && !mayBeEmpty) {
      answers.set(groupId, failed(groupId, { code: ErrorCode.INVALID_GROUP_ID, message: null }))
      continue
    }
    const partition = groups.partitionOf(groupId)
    const others = byPartition.get(partition)
    if (others === undefined) byPartition.set(partition, [groupId])
    else others.push(groupId)
  }
  await Promise.all([...byPartition.values()].map(askPartition))
  return [...distinct].flatMap(groupId => answers.get(groupId) ?? [])
}
