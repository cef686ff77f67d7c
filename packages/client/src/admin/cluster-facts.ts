// The cluster itself: brokers, controller, features, and what lies in the log directories of brokers.
import { apiVersionsApi, describeLogDirsApi, ErrorCode, metadataApi, updateFeaturesApi } from '@ottla/protocol'
import type { TopicPartitions } from '../consumer/types.ts'
import { check, protocolError } from '../errors/index.ts'
import type { AdminParts } from './calls.ts'
import { attempting, everyBroker, invalid } from './calls.ts'
import { isList, shown } from './checks.ts'

/** What describeCluster resolves with. */
export interface ClusterDescription {
  brokers: { nodeId: number; host: string; port: number }[]
  controller: number | null
  clusterId: string
}

/** Features that brokers know, and those in use (KIP-584). */
export interface FeatureDescription {
  finalized: Record<string, { minVersionLevel: number; maxVersionLevel: number }>
  /** -1 where the broker does not tell it. */
  finalizedEpoch: number
  supported: Record<string, { minVersion: number; maxVersion: number }>
}

/** A change of a feature; level 0 takes it out of use. */
export interface FeatureUpdate {
  maxVersionLevel: number
  upgradeType?: 'upgrade' | 'safe-downgrade' | 'unsafe-downgrade'
}

/** A log directory. */
export interface LogDirDescription {
  brokerId: number
  logDir: string
  errorCode: number
  /** Bytes of the disk, -1 where the broker does not tell them. */
  totalBytes: number
  usableBytes: number
  replicas: { topic: string; partition: number; sizeBytes: number; offsetLag: number; isFuture: boolean }[]
}

/** What an admin does with the cluster. */
export interface ClusterAdmin {
  describeCluster(): Promise<ClusterDescription>
  describeFeatures(): Promise<FeatureDescription>
  updateFeatures(options: { features: Record<string, FeatureUpdate>; validateOnly?: boolean; timeout?: number }): Promise<void>
  /** Of all brokers, and of all partitions, unless some are named. */
  describeLogDirs(options?: { brokers?: number[]; topics?: TopicPartitions[] }): Promise<LogDirDescription[]>
}

const describeCluster =
  (parts: AdminParts): ClusterAdmin['describeCluster'] =>
  () =>
    attempting(parts, 'Could not describe the cluster', async () => {
      const { body } = await parts.cluster.request('any', metadataApi, version => ({
        topics: [],
        ...(version >= 4 && { allowAutoTopicCreation: false }),
      }))
      check(body.errorCode)
      return {
        brokers: body.brokers.map(({ nodeId, host, port }) => ({ nodeId, host, port })),
        controller: body.controllerId < 0 ? null : body.controllerId,
        clusterId: body.clusterId ?? '',
      }
    })

const describeFeatures =
  (parts: AdminParts): ClusterAdmin['describeFeatures'] =>
  () =>
    attempting(parts, 'Could not describe features', async () => {
      const { body } = await parts.cluster.request('any', apiVersionsApi, {
        clientSoftwareName: 'ottla-client',
        clientSoftwareVersion: '0.1.0',
      })
      check(body.errorCode)
      return {
        finalized: Object.fromEntries(body.finalizedFeatures.map(({ name, ...levels }) => [name, levels])),
        finalizedEpoch: body.finalizedFeaturesEpoch,
        supported: Object.fromEntries(body.supportedFeatures.map(({ name, ...versions }) => [name, versions])),
      }
    })

const upgradeTypes = { upgrade: 1, 'safe-downgrade': 2, 'unsafe-downgrade': 3 } as const
const featuresTimeoutMs = 60_000

const updateFeatures =
  (parts: AdminParts): ClusterAdmin['updateFeatures'] =>
  async ({ features, validateOnly = false, timeout }) => {
    const updates = Object.entries(features)
    if (updates.length === 0) invalid('Features cannot be empty')
    for (const [feature, { maxVersionLevel, upgradeType = 'upgrade' }] of updates) {
      if (!Number.isInteger(maxVersionLevel) || maxVersionLevel < 0)
        invalid(`Invalid level ${shown(maxVersionLevel)} of feature ${feature}`)
      if (!(upgradeType in upgradeTypes)) invalid(`Invalid upgrade type ${shown(upgradeType)} of feature ${feature}`)
    }
    await attempting(parts, 'Could not update features', async () => {
      const { body } = await parts.cluster.request('controller', updateFeaturesApi, version => {
        if (version === 0 && validateOnly)
          throw protocolError(
            ErrorCode.UNSUPPORTED_VERSION,
            'The broker is older than Kafka 3.3 and cannot only validate updates of features',
          )
        return {
          timeoutMs: timeout ?? featuresTimeoutMs,
          featureUpdates: updates.map(([feature, { maxVersionLevel, upgradeType = 'upgrade' }]) => ({
            feature,
            maxVersionLevel,
            ...(version === 0 ? { allowDowngrade: upgradeType !== 'upgrade' } : { upgradeType: upgradeTypes[upgradeType] }),
          })),
          ...(version >= 1 && { validateOnly }),
        }
      })
      for (const { errorCode, errorMessage } of body.results) check(errorCode, errorMessage)
      check(body.errorCode, body.errorMessage)
    })
  }

const describeLogDirs =
  (parts: AdminParts): ClusterAdmin['describeLogDirs'] =>
  async ({ brokers, topics } = {}) => {
    if (brokers !== undefined && !isList(brokers)) invalid(`Invalid brokers array ${shown(brokers)}`)
    const ask = async (nodeId: number): Promise<LogDirDescription[]> => {
      const { body } = await parts.cluster.request(nodeId, describeLogDirsApi, { topics: topics ?? null })
      check(body.errorCode)
      return body.results.map(({ errorCode, logDir, topics: those, totalBytes, usableBytes }) => ({
        brokerId: nodeId,
        logDir,
        errorCode,
        totalBytes,
        usableBytes,
        replicas: those.flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex, partitionSize, offsetLag, isFutureKey }) => ({
            topic: name,
            partition: partitionIndex,
            sizeBytes: partitionSize,
            offsetLag,
            isFuture: isFutureKey,
          })),
        ),
      }))
    }
    const what = 'Could not describe log directories'
    const found = brokers === undefined ? everyBroker(parts, what, ask) : attempting(parts, what, () => Promise.all(brokers.map(ask)))
    return (await found).flat()
  }

/** Makes the part of an admin that deals with the cluster. */
export const clusterAdmin = (parts: AdminParts): ClusterAdmin => ({
  describeCluster: describeCluster(parts),
  describeFeatures: describeFeatures(parts),
  updateFeatures: updateFeatures(parts),
  describeLogDirs: describeLogDirs(parts),
})
