import { type Check, keys, type Metadata, type MetadataStore, type Write } from '@ottla/metadata'
import type { Logger } from '@ottla/protocol'

/** Topics to a transaction, each with a check and a write. */
const TOGETHER = 50

/**
 * Removes partitions of topics that were never completed because the broker that made them crashed. Only those from before the
 * controller of this epoch are touched: who began to make a topic under an earlier controller cannot complete it any more, since
 * the last transaction compares the epoch. Rejects with the store's error.
 */
export async function removeUnfinishedTopics(
  parts: { readonly store: MetadataStore; readonly metadata: Metadata; readonly logger: Logger },
  epoch: number,
): Promise<void> {
  const { store, metadata, logger } = parts
  const unfinished = [...metadata.image.unfinishedTopics(epoch)]
  for (let at = 0; at < unfinished.length; at += TOGETHER) {
    const ids = unfinished.slice(at, at + TOGETHER)
    const checks: Check[] = [{ key: keys.controller, createRevision: epoch }]
    const writes: Write[] = []
    for (const id of ids) {
      checks.push({ key: keys.topicId(id), createRevision: 0 })
      writes.push({ prefix: keys.partitions(id), value: null })
    }
    const { succeeded, revision } = await store.commit({ checks, writes })
    await metadata.applied(revision)
    if (!succeeded) return
    logger.info({ topicIds: ids }, 'partitions of topics that were never completed were removed')
  }
}
