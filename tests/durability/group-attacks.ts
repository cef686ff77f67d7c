// What hostile clients do to the coordinator of groups.
import {
  type AnyApi,
  consumerGroupDescribeApi,
  deleteGroupsApi,
  describeGroupsApi,
  ErrorCode,
  findCoordinatorApi,
  joinGroupApi,
  leaveGroupApi,
  listGroupsApi,
  offsetCommitApi,
  offsetDeleteApi,
  offsetFetchApi,
  type RequestInitOf,
  type ResponseOf,
  readResponse,
} from '@ottla/protocol'
import { expect } from 'vitest'
import { Wire } from '../compat/wire.ts'
import type { Attack } from './attacks.ts'
import { Flood, frameOf } from './flood.ts'

const joining = (groupId: string, memberId: string, metadata: Buffer) => ({
  groupId,
  memberId,
  sessionTimeoutMs: 6000,
  rebalanceTimeoutMs: 6000,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata }],
})

/** Sends requests over some connections (4) and counts the error codes of the answers. */
async function ask<A extends AnyApi>(
  port: number,
  { api, version, bodies, connections = 4 }: { api: A; version: number; bodies: readonly RequestInitOf<A>[]; connections?: number },
  codeOf: (answer: ResponseOf<A>) => number,
): Promise<string> {
  const codes = new Map<number, number>()
  const floods = await Flood.all(port, connections)
  const sent = floods.map(() => 0)
  for (const [index, flood] of floods.entries()) {
    flood.onAnswer = frame => {
      const code = codeOf(readResponse(api, version, frame).body)
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
    for (let at = index; at < bodies.length; at += floods.length) {
      const body = bodies[at]
      if (body === undefined) continue
      flood.send(frameOf(api, version, body))
      sent[index] = (sent[index] ?? 0) + 1
    }
  }
  for (const [index, flood] of floods.entries()) {
    await flood.answered(sent[index] ?? 0)
    expect(flood.answers).toBe(sent[index])
    flood[Symbol.dispose]()
  }
  return [...codes].map(([code, count]) => `error ${code}: ${count}`).join(', ')
}

/** Waits until groups are served. */
export async function groupsServed(port: number): Promise<void> {
  using flood = await Flood.connect(port)
  for (let waited = 0; ; waited += 100) {
    const found = await flood.ask(findCoordinatorApi, 4, { keyType: 0, coordinatorKeys: ['any'] })
    if (found.coordinators[0]?.errorCode === ErrorCode.NONE) {
      const committed = await flood.ask(offsetCommitApi, 8, { groupId: 'any', memberId: '', topics: [] })
      if (committed.topics.length === 0) return
    }
    if (waited > 30_000) throw new Error('groups are not served')
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

const joinFlood: Attack = async ({ port, isLong }) => {
  const many = Array.from({ length: isLong ? 10_000 : 4000 }, (_, i) => i)
  const metadata = Buffer.alloc(100)
  const join = (bodies: readonly RequestInitOf<typeof joinGroupApi>[]) =>
    ask(port, { api: joinGroupApi, version: 4, bodies }, ({ errorCode }) => errorCode)
  const told = [
    `new members of one group: ${await join(many.map(() => joining('flooded', '', metadata)))}`,
    `unknown members: ${await join(many.map(i => joining('flooded', `nobody-${i}`, metadata)))}`,
    `a group each: ${await join(many.map(i => joining(`flooded-${i}`, '', metadata)))}`,
  ]
  return told.join('; ')
}

/**
 * 800 MiB (in the short form 320) of metadata that members want to have remembered, 8 MiB each, which no record holds; then 57 MiB that records would hold. Nothing
 * bounds what all members of all groups bring together, here as in Kafka: 400 of these take 530 MiB until their sessions end.
 */
const giantMetadata: Attack = async ({ port, isLong }) => {
  const join = (count: number, connections: number, metadata: Buffer) => {
    const bodies = Array.from({ length: count }, (_, i) => joining(`giant-${metadata.length}-${i}`, '', metadata))
    // One each: a connection's next request waits until a join is answered.
    return ask(port, { api: joinGroupApi, version: 3, bodies, connections }, ({ errorCode }) => errorCode)
  }
  const tooLarge = await join(isLong ? 100 : 40, 4, Buffer.alloc(8 * 1024 * 1024, 0x61))
  return `${tooLarge}; just below: ${await join(60, 60, Buffer.alloc(950_000, 0x61))}`
}

const giantCommit: Attack = async ({ port, isLong }) => {
  const partitions = Array.from({ length: 10_000 }, (_, at) => ({
    partitionIndex: at % 4,
    committedOffset: at,
    committedMetadata: 'x'.repeat(400),
  }))
  const modest = partitions.map(partition => ({ ...partition, committedMetadata: '' }))
  const unknown = partitions.map((partition, partitionIndex) => ({ ...partition, partitionIndex }))
  const commits = [
    { groupId: 'committing', memberId: '', topics: [{ name: 'large', partitions: modest }] },
    { groupId: 'committing', memberId: '', topics: [{ name: 'large', partitions }] },
    { groupId: 'committing', memberId: '', topics: [{ name: 'large', partitions: unknown }] },
    { groupId: 'committing', memberId: '', topics: partitions.map((partition, i) => ({ name: `none-${i}`, partitions: [partition] })) },
  ]
  const bodies = Array.from({ length: isLong ? 10 : 5 }, () => commits).flat()
  const of = { api: offsetCommitApi, version: 8, bodies }
  return ask(port, of, ({ topics }) => topics[0]?.partitions[0]?.errorCode ?? -1)
}

const controlCharacters: Attack = async ({ port }) => {
  const ids = [
    '\0',
    '\n{"level":60,"msg":"forged"}\n',
    '\x1b[2J\x1b[31m',
    '\u202egroup',
    '\ud800',
    '\ufeff',
    '\x7f'.repeat(32_000),
    "';--",
    '__proto__',
    '%s%n',
  ]
  const told: string[] = []
  const metadata = Buffer.from('\x1b[2J')
  const joins = ids.flatMap(id => [joining(id, '', metadata), joining(id, id, metadata)])
  told.push(await ask(port, { api: joinGroupApi, version: 4, bodies: joins }, ({ errorCode }) => errorCode))
  const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '\x1b[2J\n' }]
  const commits = ids.map(groupId => ({ groupId, memberId: '', topics: [{ name: 'large', partitions }] }))
  told.push(
    await ask(port, { api: offsetCommitApi, version: 8, bodies: commits }, ({ topics }) => topics[0]?.partitions[0]?.errorCode ?? -1),
  )
  const bodies = [{ groups: ids }]
  told.push(await ask(port, { api: describeGroupsApi, version: 5, bodies }, ({ groups }) => groups.length))
  return told.join('; ')
}

/** The error of the first of very many answers. */
const first = (answers: readonly { readonly errorCode: number }[]): number => {
  expect(answers.length).toBeGreaterThan(10_000)
  return answers[0]?.errorCode ?? -1
}

/** Requests about groups that name half of what they may. */
const largeRequests: Attack = async ({ port }) => {
  const numbers = Array.from({ length: 50_000 }, (_, at) => at)
  const ids = numbers.map(at => `nobody-${at}`)
  const some = numbers.slice(0, 20_000)
  const topics = some.map(at => ({
    name: at % 2 === 0 ? 'large' : `none-${at}`,
    partitions: [{ partitionIndex: at % 4, committedOffset: at, committedMetadata: '' }],
  }))
  const told: string[] = []
  await using wire = await Wire.connect(port)
  const once = async <A extends AnyApi>(api: A, version: number, body: RequestInitOf<A>, codeOf: (answer: ResponseOf<A>) => number) => {
    told.push(`${api.name} ${codeOf(await wire.ask(api, version, body))}`)
  }
  await once(offsetCommitApi, 8, { groupId: 'large', memberId: '', topics }, answer => first(answer.topics.flatMap(one => one.partitions)))
  const named = some.map(at => ({ name: `none-${at}`, partitionIndexes: [at] }))
  await once(offsetFetchApi, 9, { groups: [{ groupId: 'large', topics: named }] }, ({ groups }) => groups[0]?.errorCode ?? -1)
  await once(offsetFetchApi, 9, { groups: ids.map(groupId => ({ groupId, topics: null })) }, ({ groups }) => first(groups))
  await once(offsetDeleteApi, 0, { groupId: 'large', topics }, answer => answer.errorCode)
  await once(describeGroupsApi, 5, { groups: ids }, ({ groups }) => first(groups))
  await once(consumerGroupDescribeApi, 1, { groupIds: ids, includeAuthorizedOperations: false }, ({ groups }) => first(groups))
  await once(deleteGroupsApi, 2, { groupsNames: ids }, ({ results }) => first(results))
  await once(findCoordinatorApi, 4, { keyType: 0, coordinatorKeys: ids }, ({ coordinators }) => first(coordinators))
  await once(leaveGroupApi, 4, { groupId: 'large', members: ids.map(memberId => ({ memberId })) }, ({ members }) => first(members))
  await once(listGroupsApi, 5, { statesFilter: ids, typesFilter: [] }, ({ errorCode }) => errorCode)
  return told.join('; ')
}

export const groupAttacks: Record<string, Attack> = {
  'large requests about groups': largeRequests,
  'a flood of joins': joinFlood,
  'giant metadata of members': giantMetadata,
  'commits of ten thousand partitions': giantCommit,
  'group ids with control characters': controlCharacters,
}
