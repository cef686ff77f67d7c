// Requests about several groups go to the coordinator for each of its partitions, some groups at a time so that nobody waits for all of them,
// and are answered in the order asked.
import { ErrorCode } from '@ottla/protocol'
import type { Decision, GroupPartition } from '@ottla/coordinator'
import { type Failure, failureOf, type GroupParts } from './group-calls.ts'

interface Asked<R> {
  readonly groupIds: readonly string[]
  readonly mayBeEmpty: boolean
  /** One answer for each group, in any order; where that would be much at once, for the first of them only. */
  readonly ask: (state: GroupPartition, groupIds: readonly string[]) => Decision<readonly R[]>
  readonly failed: (groupId: string, failure: Failure) => R
  /** An answer as the client gets it. */
  readonly shown?: (answer: R) => R
}

/** Groups that one decision is about. */
const ASKED_AT_ONCE = 200
/** Groups between two looks at the clock. */
const BETWEEN_LOOKS = 64

/** One answer for each group that is named, however often. Never rejects. */
export async function askByCoordinator<R extends { readonly groupId: string }>(
  { groups, slices, logger }: GroupParts,
  { groupIds, mayBeEmpty, ask, failed, shown = answer => answer }: Asked<R>,
): Promise<R[]> {
  const answers = new Map<string, R | null>()
  const byPartition = new Map<number, string[]>()
  const sort = (groupId: string): void => {
    if (answers.has(groupId)) return
    const isRefused = groupId === '' && !mayBeEmpty
    answers.set(groupId, isRefused ? failed(groupId, { code: ErrorCode.INVALID_GROUP_ID, message: null }) : null)
    if (isRefused) return
    const partition = groups.partitionOf(groupId)
    const others = byPartition.get(partition)
    if (others === undefined) byPartition.set(partition, [groupId])
    else others.push(groupId)
  }
  const askPartition = async (ids: readonly string[]): Promise<void> => {
    const [first = ''] = ids
    for (let at = 0; at < ids.length; ) {
      if ((at > 0 || byPartition.size > 1) && slices.isOver) await slices.pause()
      const some = ids.slice(at, at + ASKED_AT_ONCE)
      try {
        const given = await groups.run(first, state => ask(state, some))
        for (const answer of given) answers.set(answer.groupId, answer)
        at += Math.max(1, given.length)
      } catch (error) {
        const failure = failureOf(error, logger)
        for (const groupId of some) answers.set(groupId, failed(groupId, failure))
        at += some.length
      }
    }
  }
  await slices.each(groupIds, sort, BETWEEN_LOOKS)
  await Promise.all([...byPartition.values()].map(askPartition))
  const given: R[] = []
  await slices.each(
    answers.values(),
    answer => {
      if (answer !== null) given.push(shown(answer))
    },
    BETWEEN_LOOKS,
  )
  return given
}
