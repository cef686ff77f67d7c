// The admin client against Apache Kafka itself: above all what our broker does not have yet, and the same answers where it has it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminOf } from '../client/admin.ts'
import type { Measured } from '../load/kafka.ts'
import { startKafka } from '../load/kafka.ts'
import { available, installed, kafkaJars } from './programs.ts'

const there = available(
  'the admin client against Apache Kafka',
  kafkaJars() === undefined ? "Apache Kafka's jars (.ci/run gets them)" : installed('java'),
)

const anyAcl = { resourceType: 1, resourcePatternType: 1, operation: 1, permissionType: 1 }

const offsets = (offset: string) => [{ topic: 't', partitions: [0, 1].map(partition => ({ partition, offset, metadata: null })) }]

describe.runIf(there)('admin against Apache Kafka', () => {
  let kafka: Measured
  let admin: ReturnType<typeof adminOf>

  beforeAll(async () => {
    kafka = await startKafka({
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
      'delegation.token.secret.key': 'secret',
      'offsets.topic.num.partitions': '4',
      'transaction.state.log.num.partitions': '4',
    })
    admin = adminOf(`127.0.0.1:${kafka.port}`, 10)
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 't', numPartitions: 2 }] })
  })
  afterAll(async () => {
    await admin?.disconnect()
    await kafka?.[Symbol.asyncDispose]()
  })

  it('creates, finds and deletes access control lists', async () => {
    const acl = {
      principal: 'User:alice',
      host: '*',
      operation: 3,
      permissionType: 3,
      resourceType: 2,
      resourceName: 't',
      resourcePatternType: 3,
    }
    expect(await admin.createAcls({ acl: [acl, { ...acl, principal: 'User:bob', resourcePatternType: 4 }] })).toBe(true)
    const { principal, host, operation, permissionType, ...resource } = acl
    await expect
      .poll(() => admin.describeAcls({ ...anyAcl, principal }))
      .toMatchObject({ errorCode: 0, resources: [{ ...resource, acls: [{ principal, host, operation, permissionType }] }] })
    const { filterResponses } = await admin.deleteAcls({ filters: [{ ...anyAcl, resourceName: 't' }] })
    expect(filterResponses).toMatchObject([
      { errorCode: 0, errorMessage: null, matchingAcls: expect.arrayContaining([{ errorCode: 0, errorMessage: null, ...acl }]) },
    ])
    await expect.poll(async () => (await admin.describeAcls(anyAcl)).resources).toEqual([])
    await expect(admin.createAcls({ acl: [{ ...acl, principal: 'alice' }] })).rejects.toMatchObject({ type: 'INVALID_REQUEST' })
  })

  it('sets, lists and takes away SCRAM credentials', async () => {
    await admin.alterUserScramCredentials([{ user: 'alice', mechanism: 'SCRAM-SHA-256', password: 'secret' }])
    await admin.alterUserScramCredentials([{ user: 'alice', mechanism: 'SCRAM-SHA-512', password: 'secret', iterations: 8192 }])
    const credentials = [
      { mechanism: 'SCRAM-SHA-256', iterations: 4096 },
      { mechanism: 'SCRAM-SHA-512', iterations: 8192 },
    ]
    await expect.poll(() => admin.describeUserScramCredentials(['alice', 'nobody'])).toEqual([{ user: 'alice', credentials }])
    await admin.alterUserScramCredentials([{ user: 'alice', mechanism: 'SCRAM-SHA-256', delete: true }])
    await expect.poll(() => admin.describeUserScramCredentials()).toEqual([{ user: 'alice', credentials: credentials.slice(1) }])
    const none = admin.alterUserScramCredentials([{ user: 'nobody', mechanism: 'SCRAM-SHA-256', delete: true }])
    await expect(none).rejects.toMatchObject({ type: 'RESOURCE_NOT_FOUND' })
  })

  it('sets, lists and removes quotas', async () => {
    const entity = { user: 'alice', 'client-id': null }
    await admin.alterClientQuotas({ changes: [{ entity, quotas: { producer_byte_rate: 1024, request_percentage: 50 } }] })
    const both = [{ entity, quotas: { producer_byte_rate: 1024, request_percentage: 50 } }]
    await expect.poll(() => admin.describeClientQuotas()).toEqual(both)
    expect(await admin.describeClientQuotas({ filter: { user: { name: 'alice' }, 'client-id': { name: null } }, strict: true })).toEqual(
      both,
    )
    expect(await admin.describeClientQuotas({ filter: { user: 'any' }, strict: true })).toEqual([])
    await admin.alterClientQuotas({ changes: [{ entity, quotas: { producer_byte_rate: null, request_percentage: null } }] })
    await expect.poll(() => admin.describeClientQuotas()).toEqual([])
    const odd = admin.alterClientQuotas({ changes: [{ entity, quotas: { nothing: 1 } }] })
    await expect(odd).rejects.toMatchObject({ type: 'INVALID_REQUEST' })
  })

  it('reassigns partitions and elects leaders', async () => {
    await admin.alterPartitionReassignments({ topics: [{ topic: 't', partitionAssignment: [{ partition: 0, replicas: [1] }] }] })
    expect(await admin.listPartitionReassignments()).toEqual({ topics: [] })
    const nowhere = admin.alterPartitionReassignments({ topics: [{ topic: 't', partitionAssignment: [{ partition: 1, replicas: [7] }] }] })
    await expect(nowhere).rejects.toMatchObject({
      name: 'KafkaJSAggregateError',
      message: 'Errors altering partition reassignments',
      errors: [{ name: 'KafkaJSAlterPartitionReassignmentsError', topic: 't', partition: 1, type: 'INVALID_REPLICA_ASSIGNMENT' }],
    })
    const idle = admin.cancelPartitionReassignments({ topics: [{ topic: 't', partitions: [0] }] })
    await expect(idle).rejects.toMatchObject({ errors: [{ type: 'NO_REASSIGNMENT_IN_PROGRESS' }] })
    const [election] = await admin.electLeaders({ topics: [{ topic: 't', partitions: [0] }] })
    expect(election).toMatchObject({ topic: 't', partition: 0, errorCode: 84 })
  })

  it('says why there are no delegation tokens', async () => {
    await expect(admin.createDelegationToken()).rejects.toMatchObject({ type: 'DELEGATION_TOKEN_REQUEST_NOT_ALLOWED' })
    await expect(admin.describeDelegationTokens()).rejects.toMatchObject({ type: 'DELEGATION_TOKEN_REQUEST_NOT_ALLOWED' })
    await expect(admin.renewDelegationToken({ hmac: Buffer.alloc(64) })).rejects.toMatchObject({
      type: 'DELEGATION_TOKEN_REQUEST_NOT_ALLOWED',
    })
  })

  it('describes features, and refuses what cannot be', async () => {
    const { finalized, finalizedEpoch, supported } = await admin.describeFeatures()
    expect(finalizedEpoch).toBeGreaterThanOrEqual(0)
    expect(supported['metadata.version']?.maxVersion).toBe(finalized['metadata.version']?.maxVersionLevel)
    const beyond = admin.updateFeatures({ features: { 'metadata.version': { maxVersionLevel: 9999 } }, validateOnly: true })
    await expect(beyond).rejects.toMatchObject({ name: 'KafkaJSProtocolError' })
  })

  it('deletes, lists and resets as our broker does', async () => {
    expect(await admin.createTopics({ topics: [{ topic: 't' }] })).toBe(false)
    const [described] = await admin.describeTopics({ topics: ['t'] })
    expect(await admin.describeTopics({ topicIds: [described?.topicId ?? ''] })).toEqual([described])
    expect(await admin.fetchTopicOffsets('t')).toEqual([0, 1].map(partition => ({ partition, offset: '0', high: '0', low: '0' })))
    await admin.setOffsets({ groupId: 'g', topic: 't', partitions: [{ partition: 0, offset: '3' }] })
    await admin.resetOffsets({ groupId: 'h', topic: 't', earliest: true })
    expect(await admin.fetchOffsets({ groupId: 'h' })).toEqual(offsets('-2'))
    expect(await admin.fetchOffsets({ groupId: 'h', resolveOffsets: true })).toEqual(offsets('0'))
    expect((await admin.listGroups({ types: ['classic'] })).groups.map(({ groupId }) => groupId).toSorted()).toEqual(['g', 'h'])
    expect(await admin.describeConsumerGroups(['g'])).toMatchObject([{ type: 'classic', state: 'Empty', coordinator: 1 }])
    const failure = { groups: [{ groupId: 'nobody', errorCode: 69 }] }
    await expect(admin.deleteGroups(['h', 'nobody'])).rejects.toMatchObject(failure)
    await admin.deleteTopicRecords({ topic: 't', partitions: [{ partition: 0, offset: '-1' }] })
    await admin.deleteConsumerGroupOffsets({ groupId: 'g', topics: [{ topic: 't', partitions: [0] }] })
    const [fenced] = await admin.fenceProducers(['tx'])
    expect(await admin.listTransactions()).toEqual([{ transactionalId: 'tx', producerId: fenced?.producerId, state: 'Empty' }])
    expect(await admin.describeProducers({ topics: [{ topic: 't', partitions: [0, 1] }] })).toHaveLength(2)
    expect(await admin.describeLogDirs({ topics: [{ topic: 't', partitions: [0] }] })).toMatchObject([
      { errorCode: 0, replicas: [{ topic: 't', partition: 0 }] },
    ])
    const both = await admin.describeConfigs({
      resources: [
        { type: 2, name: 't' },
        { type: 4, name: '1' },
      ],
      includeDocumentation: true,
    })
    expect(both.resources.map(({ configEntries }) => configEntries.length > 10)).toEqual([true, true])
    await admin.deleteTopics({ topics: ['t'] })
  })
})
