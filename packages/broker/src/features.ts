// Features of the cluster (KIP-584): which levels this broker knows, and which the cluster has agreed on.
import type { ClusterImage } from '@ottla/metadata'
import type { Features, SupportedFeature } from './handlers/api-versions.ts'

/** Levels that this broker knows, as Apache Kafka 4.3 numbers them. */
export const supportedFeatures: readonly SupportedFeature[] = [
  { name: 'eligible.leader.replicas.version', minVersion: 0, maxVersion: 1 },
  { name: 'group.version', minVersion: 0, maxVersion: 1 },
  { name: 'metadata.version', minVersion: 7, maxVersion: 30 },
  { name: 'transaction.version', minVersion: 0, maxVersion: 2 },
]

/**
 * Levels of a new cluster. A cluster that has no level of a feature, not even 0, was made before there was the feature: it gets the level of
 * a new one when a broker starts that knows it, as nobody can have decided against it.
 */
export const initialFeatures: Readonly<Record<string, number>> = {
  'eligible.leader.replicas.version': 1,
  'group.version': 1,
  'metadata.version': 30,
  'transaction.version': 2,
}

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
    const finalized = [...current.features]
      .filter(([, level]) => level > 0)
      .map(([name, level]) => ({ name, minVersionLevel: level, maxVersionLevel: level }))
    features = { supported: supportedFeatures, finalized, epoch }
    return features
  }
}
