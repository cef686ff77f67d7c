// Cuts the end of a log, as if the process had been killed before it was written.
import { readdirSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { batchesIn, recordsOf } from '@ottla/protocol'

/** Takes away the last batch of the partition of `__transaction_state` that ends with one of a transactional id. */
export function cutLastBatchOf(data: string, transactionalId: string): void {
  for (const folder of readdirSync(data).filter(name => name.startsWith('__transaction_state-'))) {
    const file = join(data, folder, '00000000000000000000.log')
    const batches = [...batchesIn(readFileSync(file))]
    const last = batches.at(-1)
    const keys = last === undefined ? [] : [...recordsOf(last)].map(({ key }) => key?.toString() ?? '')
    if (!keys.some(key => key.endsWith(transactionalId))) continue
    truncateSync(
      file,
      batches.slice(0, -1).reduce((sum, batch) => sum + batch.sizeInBytes, 0),
    )
    return
  }
  throw new Error(`no log ends with ${transactionalId}`)
}
