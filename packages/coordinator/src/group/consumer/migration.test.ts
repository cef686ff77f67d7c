// Groups that change their kind while they work: members of both protocols in one group, the way there and the way back.

import { ErrorCode, KafkaError, seededRandom } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { TestClassicConsumer } from './classic-testing.ts'
import { shown, TestConsumer, TestGroups } from './testing.ts'

type Member = TestConsumer | TestClassicConsumer

const turn = async (member: Member): Promise<void> => {
  if (member instanceof TestClassicConsumer) return member.step()
  await member.heartbeat()
  member.revoke()
}

const turns = async (groups: TestGroups, members: readonly Member[], rounds = 12): Promise<void> => {
  for (let round = 0; round < rounds; round++) {
    for (const member of members) await turn(member)
    groups.test.clock.advance(500)
  }
}

const started = async (settings: ConstructorParameters<typeof TestGroups>[0] = {}) => {
  const groups = new TestGroups(settings)
  groups.test.topics.add('topic', 6)
  const classic = [new TestClassicConsumer(groups, ['topic']), new TestClassicConsumer(groups, ['topic'])]
  await turns(groups, classic)
  expect(groups.groups.get('group')).toMatchObject({ kind: 'classic', state: 'Stable', memberCount: 2 })
  return { groups, classic }
}

const sizes = (members: readonly Member[]): number[] =>
  members.map(({ owned }) => (owned instanceof Set ? owned.size : owned.length)).toSorted((one, other) => one - other)

describe('a group of classic consumers', () => {
  it('becomes a consumer group with the first member of the other protocol, and goes back with the last', async () => {
    const { groups, classic } = await started()
    const from = groups.test.log.records.length
    const modern = new TestConsumer(groups, 'modern')
    await modern.heartbeat()
    const names = shown(groups.written(from)).map(name =>
      name
        .split(' ')
        .filter(word => word === 'gone' || !word.includes('-'))
        .join(' '),
    )
    expect(names).toEqual([
      'GroupMetadata gone',
      'MemberMetadata',
      'MemberMetadata',
      'Metadata',
      'TargetAssignmentMember',
      'TargetAssignmentMember',
      'TargetAssignmentMetadata',
      'CurrentMemberAssignment',
      'CurrentMemberAssignment',
      'MemberMetadata modern',
      'Metadata',
      ...names.slice(11, -2),
      'TargetAssignmentMetadata',
      'CurrentMemberAssignment modern',
    ])
    expect(groups.group()).toMatchObject({ kind: 'consumer', state: 'Reconciling', memberCount: 3, classicMemberCount: 2 })
    await turns(groups, [...classic, modern])
    expect(groups.group().state).toBe('Stable')
    expect(sizes([...classic, modern])).toEqual([2, 2, 2])
    groups.restart()
    expect(groups.group()).toMatchObject({ state: 'Stable', classicMemberCount: 2 })

    const before = groups.test.log.records.length
    await groups.heartbeat({ memberId: 'modern', memberEpoch: -1 })
    expect(shown(groups.written(before)).slice(-3)).toEqual(['PartitionMetadata gone', 'Metadata gone', 'GroupMetadata'])
    expect(groups.groups.get('group')).toMatchObject({ kind: 'classic', memberCount: 2 })
    await turns(groups, classic)
    expect(groups.groups.get('group')).toMatchObject({ kind: 'classic', state: 'Stable' })
    expect(sizes(classic)).toEqual([3, 3])
    groups.restart()
    expect(groups.groups.get('group')).toMatchObject({ kind: 'classic', state: 'Stable', memberCount: 2 })
    await turns(groups, classic, 2)
    expect(classic.map(({ phase }) => phase)).toEqual(['stable', 'stable'])
  })

  it('goes back as well when the session of the last other member is over', async () => {
    const { groups, classic } = await started()
    await turns(groups, [...classic, new TestConsumer(groups, 'modern')])
    await turns(groups, classic, 100)
    expect(groups.groups.get('group')).toMatchObject({ kind: 'classic', state: 'Stable', memberCount: 2 })
    expect(sizes(classic)).toEqual([3, 3])
  })

  it('stays what it is where the policy says so', async () => {
    const { groups } = await started({ settings: { groupConsumerMigrationPolicy: 'downgrade' } })
    await expect(groups.join('modern')).rejects.toMatchObject({
      code: ErrorCode.GROUP_ID_NOT_FOUND,
      message: 'Cannot upgrade classic group group to consumer group because online upgrade is disabled.',
    })
    const other = await started({ settings: { groupConsumerMigrationPolicy: 'upgrade' } })
    await turns(other.groups, [...other.classic, new TestConsumer(other.groups, 'modern')])
    await other.groups.heartbeat({ memberId: 'modern', memberEpoch: -1 })
    await turns(other.groups, other.classic)
    expect(other.groups.group()).toMatchObject({ kind: 'consumer', state: 'Stable', classicMemberCount: 2 })
    expect(sizes(other.classic)).toEqual([3, 3])
  })

  it('is left as it was when the member that would change it is refused', async () => {
    const { groups, classic } = await started()
    await expect(groups.join('modern', { subscribedTopicRegex: '(' })).rejects.toMatchObject({ code: ErrorCode.INVALID_REGULAR_EXPRESSION })
    await turns(groups, classic, 100)
    expect(groups.groups.get('group')).toMatchObject({ kind: 'classic', state: 'Stable', memberCount: 2 })
  })

  it('takes classic members while it is a consumer group, one by one', async () => {
    const groups = new TestGroups()
    groups.test.topics.add('topic', 6)
    const modern = new TestConsumer(groups, 'modern')
    await modern.heartbeat()
    const classic = [new TestClassicConsumer(groups, ['topic']), new TestClassicConsumer(groups, ['topic'])]
    await turns(groups, [modern, ...classic])
    expect(sizes([modern, ...classic])).toEqual([2, 2, 2])
    expect(await classic[0]?.leave()).toMatchObject({ errorCode: 0, members: [{ errorCode: 0 }] })
    await turns(groups, [modern, ...classic.slice(1)])
    expect(sizes([modern, ...classic.slice(1)])).toEqual([3, 3])
  })

  it('throws out classic members that do not join again in time', async () => {
    const groups = new TestGroups()
    groups.test.topics.add('topic', 6)
    const modern = new TestConsumer(groups, 'modern')
    const classic = new TestClassicConsumer(groups, ['topic'])
    await turns(groups, [modern, classic])
    const late = new TestConsumer(groups, 'late')
    await late.heartbeat()
    for (let passed = 0; passed < 25; passed++) {
      await classic.heartbeat()
      groups.test.clock.advance(1_000)
    }
    expect(groups.group().members.has(classic.memberId)).toBe(false)
    await turns(groups, [modern, late, classic])
    expect(sizes([modern, late, classic])).toEqual([2, 2, 2])
  })

  it('goes back when a static member comes back in the classic protocol', async () => {
    const groups = new TestGroups()
    groups.test.topics.add('topic', 2)
    const modern = new TestConsumer(groups, 'modern', { instanceId: 'one' })
    await modern.heartbeat()
    const classic = new TestClassicConsumer(groups, ['topic'], 'one')
    await turns(groups, [classic])
    expect(groups.groups.get('group')).toMatchObject({ kind: 'classic', state: 'Stable', memberCount: 1 })
    expect(classic.owned).toEqual(['topic 0', 'topic 1'])
    groups.restart()
    expect(groups.groups.get('group')).toMatchObject({ kind: 'classic', state: 'Stable', memberCount: 1 })
  })

  it.each(Array.from({ length: 25 }, (_, seed) => seed))('comes to rest whoever comes and goes, seed %i', async seed => {
    const random = seededRandom(seed)
    const groups = new TestGroups({ seed })
    groups.test.topics.add('topic', 6)
    let members: Member[] = []
    for (let step = 0; step < 200; step++) {
      const dice = random.next()
      const member = members[Math.floor(random.next() * members.length)]
      if (dice < 0.05 && members.length < 5) members.push(new TestConsumer(groups, `m${step}`))
      else if (dice < 0.1 && members.length < 5) members.push(new TestClassicConsumer(groups, ['topic']))
      else if (dice < 0.14) members = members.filter(other => other !== member)
      else if (dice < 0.16) groups.restart()
      else if (dice < 0.25) groups.test.clock.advance(Math.floor(random.next() * 5_000))
      else if (member !== undefined) await attempt(member)
      checkOwners(groups)
    }
    for (let round = 0; round < 160; round++) {
      for (const member of members) await attempt(member)
      groups.test.clock.advance(1_000)
    }
    if (members.length === 0) return
    const group = groups.groups.get('group')
    expect([group?.state, group?.memberCount]).toEqual(['Stable', members.length])
    expect(sizes(members).reduce((sum, size) => sum + size, 0)).toBe(6)
    const hasModern = members.some(member => member instanceof TestConsumer)
    if (hasModern) expect(group?.kind).toBe('consumer')
  })
})

/** No partition has two owners. */
const checkOwners = (groups: TestGroups): void => {
  if (groups.groups.get('group')?.kind !== 'consumer') return
  const owners = new Map<string, string>()
  for (const { memberId, assignedPartitions, partitionsPendingRevocation } of groups.group().members.values())
    for (const [topicId, epochs] of [...assignedPartitions, ...partitionsPendingRevocation])
      for (const partition of epochs.keys()) {
        const name = `${topicId} ${partition}`
        if (owners.has(name)) throw new Error(`${name} belongs to ${owners.get(name)} and to ${memberId}`)
        owners.set(name, memberId)
      }
}

const attempt = async (member: Member): Promise<void> => {
  try {
    await turn(member)
  } catch (error) {
    if (!(error instanceof KafkaError) || member instanceof TestClassicConsumer) throw error
    member.forget()
  }
}
