import {
  consumerGroupHeartbeatApi,
  ErrorCode,
  heartbeatApi,
  joinGroupApi,
  KafkaError,
  leaveGroupApi,
  type RequestInitOf,
  syncGroupApi,
} from '@ottla/protocol'
import { answered, type Decision } from '@ottla/coordinator'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestGroups } from './group-testing.ts'

let test: TestGroups
beforeEach(async () => {
  test = await TestGroups.open()
})
afterEach(() => test.close())

const fail = (error: Error): never => {
  throw error
}

const join: RequestInitOf<typeof joinGroupApi> = {
  groupId: 'g',
  sessionTimeoutMs: 10_000,
  memberId: 'm',
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.from('bytes') }],
}
const joined = { errorCode: 0, generationId: 1, protocolName: 'range', leader: 'm', memberId: 'm', members: [] }

const refusalAfter = async (code: number) => {
  test.service.commands = { join: () => fail(new KafkaError(code)) }
  const { errorCode, memberId, protocolName } = await test.ask(joinGroupApi, 9, join)
  return { errorCode, memberId, protocolName }
}

describe('JoinGroup', () => {
  it('waits for the coordinator, and answers what that says', async () => {
    test.service.commands = { join: () => answered(joined) }
    expect(await test.ask(joinGroupApi, 9, join)).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range' })
  })

  it('tells the coordinator who asks', async () => {
    const seen: unknown[] = []
    test.service.commands = {
      join: (_request, caller) => {
        seen.push(caller)
        return answered(joined)
      },
    }
    await test.ask(joinGroupApi, 1, join)
    expect(seen).toEqual([{ clientId: 'test', clientHost: '/127.0.0.1', apiVersion: 1 }])
  })

  it('has no protocol as null or as nothing, by version', async () => {
    test.service.commands = { join: () => fail(new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)) }
    expect((await test.ask(joinGroupApi, 6, join)).protocolName).toBe('')
    expect((await test.ask(joinGroupApi, 7, join)).protocolName).toBeNull()
  })

  it('needs the name of a group', async () => {
    expect(await test.ask(joinGroupApi, 9, { ...join, groupId: '' })).toMatchObject({
      errorCode: ErrorCode.INVALID_GROUP_ID,
      memberId: 'm',
    })
  })

  it('refuses members that bring more than a record holds', async () => {
    test.service.commands = { join: () => answered(joined) }
    const refusal = async (...sizes: number[]) => {
      const protocols = sizes.map((size, index) => ({ name: `p${index}`, metadata: Buffer.alloc(size) }))
      return (await test.ask(joinGroupApi, 9, { ...join, protocols })).errorCode
    }
    expect(await refusal(1_048_588)).toBe(0)
    expect(await refusal(1_048_589)).toBe(ErrorCode.UNKNOWN_SERVER_ERROR)
    expect(await refusal(1_000_000, 1_000_000, 1_000_000, 1_000_000)).toBe(0)
    expect(await refusal(1_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000)).toBe(ErrorCode.UNKNOWN_SERVER_ERROR)
  })

  it('names the member in its errors, but not in those of the coordinator', async () => {
    const { UNKNOWN_MEMBER_ID, NOT_COORDINATOR, NOT_LEADER_OR_FOLLOWER, FENCED_INSTANCE_ID } = ErrorCode
    expect(await refusalAfter(UNKNOWN_MEMBER_ID)).toEqual({ errorCode: UNKNOWN_MEMBER_ID, memberId: 'm', protocolName: null })
    expect(await refusalAfter(FENCED_INSTANCE_ID)).toMatchObject({ errorCode: FENCED_INSTANCE_ID, memberId: 'm' })
    expect(await refusalAfter(NOT_LEADER_OR_FOLLOWER)).toMatchObject({ errorCode: NOT_COORDINATOR, memberId: '' })
  })
})

describe('SyncGroup', () => {
  const sync = { groupId: 'g', generationId: 1, memberId: 'm', assignments: [] }

  it('needs to know the protocol from version 5 on', async () => {
    test.service.commands = { sync: () => answered({ errorCode: 0, assignment: Buffer.from('all') }) }
    expect((await test.ask(syncGroupApi, 4, sync)).assignment).toEqual(Buffer.from('all'))
    expect((await test.ask(syncGroupApi, 5, sync)).errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    expect((await test.ask(syncGroupApi, 5, { ...sync, protocolType: 'consumer', protocolName: 'range' })).errorCode).toBe(0)
  })

  it.each([
    [ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.COORDINATOR_NOT_AVAILABLE],
    [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.COORDINATOR_NOT_AVAILABLE],
    [ErrorCode.REQUEST_TIMED_OUT, ErrorCode.COORDINATOR_NOT_AVAILABLE],
    [ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.NOT_COORDINATOR],
    [ErrorCode.RECORD_LIST_TOO_LARGE, ErrorCode.UNKNOWN_SERVER_ERROR],
    [ErrorCode.NETWORK_EXCEPTION, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS],
    [ErrorCode.ILLEGAL_GENERATION, ErrorCode.ILLEGAL_GENERATION],
  ])('makes of error %i of the log error %i of the coordinator', async (thrown, told) => {
    test.service.commands = { sync: () => fail(new KafkaError(thrown)) }
    expect((await test.ask(syncGroupApi, 3, sync)).errorCode).toBe(told)
  })

  it('answers an error that nobody expected', async () => {
    test.service.commands = { sync: () => fail(new TypeError('no such thing')) }
    expect((await test.ask(syncGroupApi, 3, sync)).errorCode).toBe(ErrorCode.UNKNOWN_SERVER_ERROR)
  })
})

const beat = async (heartbeat: () => Decision<{ errorCode: number }>) => {
  test.service.commands = { heartbeat }
  return (await test.ask(heartbeatApi, 4, { groupId: 'g', generationId: 1, memberId: 'm' })).errorCode
}

it('answers heartbeats well while groups load', async () => {
  expect(await beat(() => answered({ errorCode: ErrorCode.REBALANCE_IN_PROGRESS }))).toBe(ErrorCode.REBALANCE_IN_PROGRESS)
  expect(await beat(() => fail(new KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)))).toBe(0)
  expect(await beat(() => fail(new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)))).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
})

describe('LeaveGroup', () => {
  const member = { memberId: 'm', groupInstanceId: 'i', reason: 'done' }

  it('asks the coordinator, and answers what that says', async () => {
    const seen: unknown[] = []
    test.service.commands = {
      leave: ({ members }) => {
        seen.push(members)
        return answered({ errorCode: 0, members: members.map(one => ({ ...one, errorCode: ErrorCode.FENCED_INSTANCE_ID })) })
      },
    }
    const { errorCode, members } = await test.ask(leaveGroupApi, 5, { groupId: 'g', members: [member] })
    expect([errorCode, members]).toEqual([0, [{ memberId: 'm', groupInstanceId: 'i', errorCode: ErrorCode.FENCED_INSTANCE_ID }]])
    expect(seen).toEqual([[member]])
  })

  it('knows nobody of a group that is not there', async () => {
    test.service.commands = { leave: () => fail(new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)) }
    const { errorCode, members } = await test.ask(leaveGroupApi, 5, { groupId: 'g', members: [member] })
    expect([errorCode, members[0]?.errorCode]).toEqual([0, ErrorCode.UNKNOWN_MEMBER_ID])
    expect((await test.ask(leaveGroupApi, 0, { groupId: 'g', memberId: 'm' })).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })
})

it('serves consumer groups only where the cluster knows them', async () => {
  const first = { groupId: 'g', memberId: 'm', memberEpoch: 0, rebalanceTimeoutMs: 1000, subscribedTopicNames: ['t'], topicPartitions: [] }
  expect((await test.ask(consumerGroupHeartbeatApi, 1, first)).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION)
})
