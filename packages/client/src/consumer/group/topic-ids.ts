// Topic ids and names, as far as a cluster's image has them.
import { ZERO_UUID } from '@ottla/protocol'
import type { ClusterImage } from '../../cluster/cluster.ts'

/** Both ways between the names and ids of some topics. */
export interface TopicIds {
  idOf(name: string): string | undefined
  nameOf(id: string): string | undefined
}

/** Undefined when one of the topics has no id that is known. */
export function topicIdsOf(image: ClusterImage, names: Iterable<string>): TopicIds | undefined {
  const ids = new Map<string, string>()
  const byId = new Map<string, string>()
  for (const name of names) {
    const id = image.topics.get(name)?.id ?? ZERO_UUID
    if (id === ZERO_UUID) return undefined
    ids.set(name, id)
    byId.set(id, name)
  }
  return { idOf: name => ids.get(name), nameOf: id => byId.get(id) }
}
