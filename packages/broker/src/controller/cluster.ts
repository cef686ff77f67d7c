// The cluster's identity: made once, by the first broker.
import { CLUSTER_FORMAT, type ClusterValue, decodeCluster, encodeCluster, encodeConfig, keys, type MetadataStore } from '@ottla/metadata'
import { type Random, randomUuid } from '@ottla/protocol'

export interface NewCluster {
  /** The id to give to a cluster that does not exist yet; a random one when left out. */
  readonly clusterId?: string
  /** Feature levels that a new cluster starts with. One that exists gets those of features that it has no level of. */
  readonly features: Readonly<Record<string, number>>
  /** Settings of all brokers that a new cluster starts with. */
  readonly brokerDefaults: ReadonlyMap<string, string>
  readonly random: Random
}

/**
 * The cluster's identity, made by the first broker that asks. Throws an Error that says what to do when the store holds a
 * format that this version does not read.
 */
export async function establishCluster(store: MetadataStore, wanted: NewCluster): Promise<ClusterValue> {
  const cluster: ClusterValue = {
    id: wanted.clusterId ?? randomUuid(wanted.random),
    format: CLUSTER_FORMAT,
    features: wanted.features,
  }
  const writes: { key: string; value: string }[] = [{ key: keys.cluster, value: encodeCluster(cluster) }]
  if (wanted.brokerDefaults.size > 0) writes.push({ key: keys.config('broker', ''), value: encodeConfig(wanted.brokerDefaults) })
  const existing = await store.get(keys.cluster)
  if (!existing) {
    const { succeeded } = await store.commit({ checks: [{ key: keys.cluster, createRevision: 0 }], writes })
    if (succeeded) return cluster
  }
  const entry = existing ?? (await store.get(keys.cluster))
  if (!entry) throw new Error('the metadata store neither has a cluster nor takes one')
  const found = decodeCluster(entry.value)
  if (found.format > CLUSTER_FORMAT) {
    throw new Error(`the metadata has format ${found.format}, this version reads up to ${CLUSTER_FORMAT}: start a newer version`)
  }
  const features = { ...wanted.features, ...found.features }
  if (Object.keys(features).length === Object.keys(found.features).length) return found
  const grown = { ...found, features }
  const checks = [{ key: keys.cluster, modRevision: entry.modRevision }]
  const { succeeded } = await store.commit({ checks, writes: [{ key: keys.cluster, value: encodeCluster(grown) }] })
  return succeeded ? grown : establishCluster(store, wanted)
}
