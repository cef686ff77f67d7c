// What was finished beyond the offset that is committed, kept as the commit's metadata: messages of other keys that overtook a slow one are then
// not handed out again after a rebalance, a stop or a crash. A bit for each offset from the committed one on, as text.

const prefix = 'ottla:finished:1:'

/** Brokers take 4,096 characters of metadata by default (`offset.metadata.max.bytes`); what is further ahead is handed out again. */
const mostBytes = 2_048

const none: ReadonlySet<number> = new Set()

/** The text for offsets finished at or after `offset`; null when there are none. */
export function textOfFinished(offset: number, finished: Iterable<number>): string | null {
  let bits: Buffer | null = null
  let length = 0
  for (const one of finished) {
    const at = one - offset
    if (at < 0 || at >= mostBytes * 8) continue
    bits ??= Buffer.alloc(mostBytes)
    bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7))
    length = Math.max(length, (at >> 3) + 1)
  }
  return bits === null ? null : prefix + bits.toString('base64url', 0, length)
}

/** Whether a commit's metadata is such a text. */
export const tellsFinished = (metadata: string | null): boolean => metadata?.startsWith(prefix) === true

/** The offsets that a commit's metadata tells as finished; none for metadata of any other kind. */
export function finishedOf(offset: number, metadata: string | null): ReadonlySet<number> {
  if (metadata === null || !tellsFinished(metadata)) return none
  const finished = new Set<number>()
  const bits = Buffer.from(metadata.slice(prefix.length), 'base64url').subarray(0, mostBytes)
  for (const [at, byte] of bits.entries())
    for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) finished.add(offset + at * 8 + bit)
  return finished
}
