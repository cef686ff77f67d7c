// Committing and reading offsets against answers made up: what is tried again, with what, and what ends it.
import { ErrorCode, ZERO_UUID } from '@ottla/protocol'
import { expect, test } from 'vitest'
import { protocolError } from '../../errors/index.ts'
import { commitOffsets, committedOffsets, type OffsetsMember } from './offsets.ts'
import { ScriptedCluster } from './scripted-cluster.ts'

const topicId = 'AAAAAAAAAAAAAAAAAAAAAg'
const [first, second] = [
  { topic: 'a', partition: 0, offset: 5, leaderEpoch: 2, metadata: 'm' },
  { topic: 'a', partition: 1, offset: 6 },
]

/** A member that never hears of another epoch. */
const never = (): OffsetsMember => ({ memberId: 'm', generationId: 3, groupInstanceId: null })

const commitAnswer = (codes: Record<number, number>, name = 'a') => ({
  throttleTimeMs: 0,
  topics: [
    { name, topicId, partitions: Object.entries(codes).map(([index, errorCode]) => ({ partitionIndex: Number(index), errorCode })) },
  ],
})
const fetchAnswer = (errorCode: number, groupCode = 0, offset = 5) => ({
  throttleTimeMs: 0,
  topics: [],
  errorCode: 0,
  groups: [
    {
      groupId: 'g',
      errorCode: groupCode,
      topics: [
        {
          name: 'a',
          topicId,
          partitions: [{ partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: 1, metadata: '', errorCode }],
        },
      ],
    },
  ],
})

test('only what failed for a time is sent again', async () => {
  const cluster = new ScriptedCluster([commitAnswer({ 0: 0, 1: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS }), commitAnswer({ 1: 0 })])
  await commitOffsets(cluster, 'g', [first, second])
  expect(cluster.bodies).toMatchObject([
    { generationIdOrMemberEpoch: -1, memberId: '', topics: [{ partitions: [{ partitionIndex: 0 }, { partitionIndex: 1 }] }] },
    { topics: [{ partitions: [{ partitionIndex: 1 }] }] },
  ])
})

test('topics go by id when all ids are known, else by name in an older version', async () => {
  const cluster = new ScriptedCluster([commitAnswer({ 0: 0 }), commitAnswer({ 0: 0 })])
  await commitOffsets(cluster, 'g', [first])
  cluster.addTopic('a', topicId)
  await commitOffsets(cluster, 'g', [first])
  expect(cluster.versions).toEqual([9, 10])
  expect(cluster.bodies).toMatchObject([{ topics: [{ name: 'a' }] }, { topics: [{ topicId }] }])
  cluster.addTopic('old', ZERO_UUID)
  cluster.answers.push(commitAnswer({ 0: 0 }, 'old'))
  await commitOffsets(cluster, 'g', [{ ...first, topic: 'old' }])
  expect(cluster.versions.at(-1)).toBe(9)
})

test('a commit with an epoch that is no longer the newest is sent again with the newest', async () => {
  const cluster = new ScriptedCluster([commitAnswer({ 0: ErrorCode.STALE_MEMBER_EPOCH }), commitAnswer({ 0: 0 })])
  let generationId = 3
  const member = (): OffsetsMember => ({ memberId: 'm', generationId: generationId++, groupInstanceId: null })
  await commitOffsets(cluster, 'g', [first], { member })
  expect(cluster.bodies.length).toBe(2)
})

test('who has not heard of its next epoch yet waits for it, but not for ever, and not when it entered anew', async () => {
  const stale = [commitAnswer({ 0: ErrorCode.STALE_MEMBER_EPOCH }), commitAnswer({ 0: 0 })]
  let asked = 0
  const late = (): OffsetsMember => ({ memberId: 'm', generationId: asked++ < 5 ? 3 : 4, groupInstanceId: null })
  const cluster = new ScriptedCluster(stale)
  await commitOffsets(cluster, 'g', [first], { member: late })
  expect(cluster.bodies).toMatchObject([{ generationIdOrMemberEpoch: 3 }, { generationIdOrMemberEpoch: 4 }])
  await expect(commitOffsets(new ScriptedCluster(stale), 'g', [first], { member: never })).rejects.toMatchObject({
    code: ErrorCode.STALE_MEMBER_EPOCH,
  })
  let entered = false
  const other = (): OffsetsMember => {
    if (entered) throw protocolError(ErrorCode.UNKNOWN_MEMBER_ID)
    entered = true
    return never()
  }
  const twice = new ScriptedCluster(stale)
  await expect(commitOffsets(twice, 'g', [first], { member: other })).rejects.toMatchObject({ code: ErrorCode.UNKNOWN_MEMBER_ID })
  expect(twice.bodies.length).toBe(1)
})

test('an answer about the member is told and thrown', async () => {
  const told: number[] = []
  for (const code of [
    ErrorCode.UNKNOWN_MEMBER_ID,
    ErrorCode.ILLEGAL_GENERATION,
    ErrorCode.FENCED_INSTANCE_ID,
    ErrorCode.REBALANCE_IN_PROGRESS,
  ]) {
    const cluster = new ScriptedCluster([commitAnswer({ 0: code })])
    const refused = (_: Error, refusal: number): void => void told.push(refusal)
    await expect(commitOffsets(cluster, 'g', [first], { refused })).rejects.toMatchObject({ code })
    expect(told.at(-1)).toBe(code)
  }
})

test('an offset that cannot be committed ends it', async () => {
  const cluster = new ScriptedCluster([commitAnswer({ 0: ErrorCode.OFFSET_METADATA_TOO_LARGE, 1: ErrorCode.NOT_COORDINATOR })])
  await expect(commitOffsets(cluster, 'g', [first, second])).rejects.toMatchObject({ code: ErrorCode.OFFSET_METADATA_TOO_LARGE })
  expect(cluster.bodies.length).toBe(1)
})

test('a coordinator that is none any more is looked for again', async () => {
  const cluster = new ScriptedCluster([commitAnswer({ 0: ErrorCode.NOT_COORDINATOR }), commitAnswer({ 0: 0 })])
  await commitOffsets(cluster, 'g', [first])
  expect(cluster.forgotten).toBe(1)
})

test('offsets of transactions that are being committed are waited for', async () => {
  const cluster = new ScriptedCluster([fetchAnswer(ErrorCode.UNSTABLE_OFFSET_COMMIT), fetchAnswer(0)])
  const committed = await committedOffsets(cluster, 'g', [first], { requireStable: true })
  expect(committed).toEqual([{ topic: 'a', partition: 0, offset: 5, leaderEpoch: 1, metadata: '' }])
  expect(cluster.bodies[1]).toMatchObject({
    requireStable: true,
    groups: [{ groupId: 'g', topics: [{ name: 'a', partitionIndexes: [0] }] }],
  })
})

test('the errors of a group are thrown, and all of its offsets may be asked for', async () => {
  const cluster = new ScriptedCluster([fetchAnswer(0, ErrorCode.GROUP_AUTHORIZATION_FAILED), fetchAnswer(0)])
  await expect(committedOffsets(cluster, 'g', [first])).rejects.toMatchObject({ code: ErrorCode.GROUP_AUTHORIZATION_FAILED })
  expect(await committedOffsets(cluster, 'g', null)).toHaveLength(1)
  expect(cluster.bodies.at(-1)).toMatchObject({ groups: [{ topics: null }] })
  expect(await committedOffsets(cluster, 'g', [])).toEqual([])
})
