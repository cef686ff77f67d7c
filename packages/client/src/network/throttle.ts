// From which version of its answer on an API leaves it to the client to wait for `throttleTimeMs` (KIP-219). In versions before, the
// broker has waited already. An API that is not named here does so in every version.
const firstVersions: ReadonlyMap<string, number> = new Map([
  ['AddOffsetsToTxn', 1],
  ['AddPartitionsToTxn', 1],
  ['AlterConfigs', 1],
  ['AlterReplicaLogDirs', 1],
  ['ApiVersions', 2],
  ['CreateAcls', 1],
  ['CreateDelegationToken', 1],
  ['CreatePartitions', 1],
  ['CreateTopics', 3],
  ['DeleteAcls', 1],
  ['DeleteGroups', 1],
  ['DeleteRecords', 1],
  ['DeleteTopics', 2],
  ['DescribeAcls', 1],
  ['DescribeConfigs', 2],
  ['DescribeDelegationToken', 1],
  ['DescribeGroups', 2],
  ['DescribeLogDirs', 1],
  ['EndTxn', 1],
  ['ExpireDelegationToken', 1],
  ['Fetch', 8],
  ['FindCoordinator', 2],
  ['Heartbeat', 2],
  ['InitProducerId', 1],
  ['JoinGroup', 3],
  ['LeaveGroup', 2],
  ['ListGroups', 2],
  ['ListOffsets', 3],
  ['Metadata', 6],
  ['OffsetCommit', 4],
  ['OffsetFetch', 4],
  ['Produce', 6],
  ['RenewDelegationToken', 1],
  ['SyncGroup', 2],
  ['TxnOffsetCommit', 1],
])

/** For how long an answer asks the client not to send anything to this broker, in ms. */
export function throttleTimeOf(apiName: string, version: number, body: object): number {
  if (!('throttleTimeMs' in body) || typeof body.throttleTimeMs !== 'number' || body.throttleTimeMs <= 0) return 0
  return version >= (firstVersions.get(apiName) ?? 0) ? body.throttleTimeMs : 0
}
