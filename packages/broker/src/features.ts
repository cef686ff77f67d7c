// Features of the cluster (KIP-584): which levels this broker knows, and which the cluster has agreed on.
import type { ClusterImage } from '@ottla/metadata'
import type { Features, SupportedFeature } from './handlers/api-versions.ts'

/** Levels that this broker knows, as Apache Kafka 4.3 numbers them. Those of groups and transactions come with them. */
export const supportedFeatures: readonly SupportedFeature[] = [
  { name: 'eligible.leader.replicas.version', minVersion: 0, maxVersion: 1 },
  { name: 'metadata.version', minVersion: 7, maxVersion: 30 },
]

/** Levels of a new cluster. */
export const initialFeatures: Readonly<Record<string, number>> = { 'eligible.leader.replicas.version': 1, 'metadata.version': 30 }

/** What ApiVersions tells; made anew only when the cluster's levels have changed. */
export function featuresOf(image: () => ClusterImage): () => Features {
  let levels = ''
  let epoch = -1
  let features: Features = { supported: supportedFeatures, finalized: [], epoch }
  return () => {
    const current = image()
    if (current.revision === epoch) return features
    epoch = current.revision
    const now = JSON.stringify([...current.features])
    if (now === levels) return features
    levels = now
    const finalized = [...current.features].map(([name, level]) => ({ name, minVersionLevel: level, maxVersionLevel: level }))
    features = { supported: supportedFeatures, finalized, epoch }
    return features
  }
}
