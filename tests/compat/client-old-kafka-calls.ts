// Calls of the admin, and since which release of Apache Kafka they are answered, for client-old-kafka.test.ts.
import type { Admin } from '../../packages/client/src/types.ts'

/** A call. */
export interface AdminCall {
  readonly name: string
  readonly since: `${number}.${number}`
  readonly call: () => Promise<unknown>
  /** Part of the error with which a broker without security, and without what is asked for, answers. */
  readonly refusal?: string
}

/** All but those of passwords and tokens. `topic` has one record of transactional id 'calls'. */
export function adminCalls(admin: Admin, topic: string): AdminCall[] {
  const groupId = `${topic}-group`
  const offsets = { groupId, topic, partitions: [{ partition: 0, offset: '1' }] }
  const acl = {
    principal: 'User:a',
    host: '*',
    operation: 3,
    permissionType: 3,
    resourceType: 2,
    resourceName: 't',
    resourcePatternType: 3,
  }
  const anyAcl = { resourceType: 1, resourcePatternType: 1, operation: 1, permissionType: 1 }
  const retention = { name: 'retention.ms', value: '99999999' }
  const resource = { type: 2, name: topic }
  const firstPartition = [{ topic, partitions: [0] }]
  const noAuthorizer = 'No Authorizer'
  const spec = (place: 'earliest' | 'max-timestamp') => ({ topics: [{ topic, partitions: [{ partition: 0, spec: place }] }] })
  return [
    { name: 'describeCluster', since: '0.11', call: () => admin.describeCluster() },
    { name: 'listTopics', since: '0.11', call: () => admin.listTopics() },
    { name: 'createTopics by defaults', since: '2.4', call: () => admin.createTopics({ topics: [{ topic: 'defaults' }] }) },
    { name: 'fetchTopicMetadata', since: '0.11', call: () => admin.fetchTopicMetadata({ topics: [topic] }) },
    { name: 'describeTopics', since: '0.11', call: () => admin.describeTopics({ topics: [topic] }) },
    { name: 'describeTopics by id', since: '3.1', call: () => byId(admin, topic) },
    { name: 'createPartitions', since: '1.0', call: () => admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }) },
    { name: 'fetchTopicOffsets', since: '0.11', call: () => admin.fetchTopicOffsets(topic) },
    { name: 'listOffsets', since: '0.11', call: () => admin.listOffsets({ ...spec('earliest'), isolationLevel: 'read_committed' }) },
    { name: 'listOffsets max-timestamp', since: '3.0', call: () => admin.listOffsets(spec('max-timestamp')) },
    { name: 'setOffsets', since: '0.11', call: () => admin.setOffsets(offsets) },
    { name: 'resetOffsets', since: '0.11', call: () => admin.resetOffsets({ groupId, topic, earliest: true }) },
    { name: 'fetchOffsets', since: '0.11', call: () => admin.fetchOffsets({ groupId, topics: [topic] }) },
    { name: 'fetchOffsets of all', since: '0.11', call: () => admin.fetchOffsets({ groupId }) },
    { name: 'deleteTopicRecords', since: '0.11', call: () => admin.deleteTopicRecords(offsets) },
    { name: 'listGroups', since: '0.11', call: () => admin.listGroups() },
    { name: 'listGroups by state', since: '2.6', call: () => admin.listGroups({ states: ['Empty'] }) },
    { name: 'listGroups by type', since: '3.8', call: () => admin.listGroups({ types: ['classic'] }) },
    { name: 'describeGroups', since: '0.11', call: () => admin.describeGroups([groupId, 'nobody']) },
    { name: 'describeConsumerGroups', since: '0.11', call: () => admin.describeConsumerGroups([groupId]) },
    {
      name: 'removeMembers',
      since: '2.4',
      call: () => admin.removeMembers({ groupId, members: [{ groupInstanceId: 'nobody' }] }),
      refusal: 'does not know this member',
    },
    { name: 'deleteConsumerGroupOffsets', since: '2.4', call: () => admin.deleteConsumerGroupOffsets({ groupId, topics: firstPartition }) },
    { name: 'deleteGroups', since: '1.1', call: () => admin.deleteGroups([groupId]) },
    { name: 'describeConfigs', since: '1.1', call: () => admin.describeConfigs({ resources: [resource], includeDocumentation: true }) },
    { name: 'alterConfigs', since: '0.11', call: () => admin.alterConfigs({ resources: [{ ...resource, configEntries: [retention] }] }) },
    {
      name: 'incrementalAlterConfigs',
      since: '2.3',
      call: () => admin.incrementalAlterConfigs({ resources: [{ ...resource, changes: [retention] }] }),
    },
    { name: 'listConfigResources', since: '3.7', call: () => admin.listConfigResources() },
    { name: 'createAcls', since: '2.0', call: () => admin.createAcls({ acl: [acl] }), refusal: noAuthorizer },
    { name: 'describeAcls', since: '2.0', call: () => admin.describeAcls(anyAcl), refusal: noAuthorizer },
    { name: 'deleteAcls', since: '2.0', call: () => admin.deleteAcls({ filters: [anyAcl] }), refusal: noAuthorizer },
    {
      name: 'alterPartitionReassignments',
      since: '2.4',
      call: () => admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment: [{ partition: 0, replicas: [1] }] }] }),
    },
    { name: 'listPartitionReassignments', since: '2.4', call: () => admin.listPartitionReassignments() },
    { name: 'electLeaders', since: '2.2', call: () => admin.electLeaders({ topics: firstPartition }) },
    { name: 'electLeaders unclean', since: '2.4', call: () => admin.electLeaders({ type: 'unclean', topics: firstPartition }) },
    { name: 'listTransactions', since: '3.0', call: () => admin.listTransactions() },
    { name: 'describeTransactions', since: '3.0', call: () => admin.describeTransactions(['calls']) },
    { name: 'describeProducers', since: '2.8', call: () => admin.describeProducers({ topics: firstPartition }) },
    { name: 'fenceProducers', since: '0.11', call: () => admin.fenceProducers(['calls']) },
    { name: 'describeFeatures', since: '0.11', call: () => admin.describeFeatures() },
    { name: 'describeLogDirs', since: '2.0', call: () => admin.describeLogDirs() },
    { name: 'describeClientQuotas', since: '2.6', call: () => admin.describeClientQuotas() },
    {
      name: 'alterClientQuotas',
      since: '2.6',
      call: () => admin.alterClientQuotas({ changes: [{ entity: { user: 'a' }, quotas: { producer_byte_rate: 1000 } }] }),
    },
    { name: 'deleteTopics', since: '0.11', call: () => admin.deleteTopics({ topics: [topic] }) },
  ]
}

async function byId(admin: Admin, topic: string): Promise<unknown> {
  const [described] = await admin.describeTopics({ topics: [topic] })
  return admin.describeTopics({ topicIds: [described?.topicId ?? ''] })
}
