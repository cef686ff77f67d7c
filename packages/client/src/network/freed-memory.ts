// Memory of long frames comes from the C library's allocator and goes back to it when they are garbage, many at a time. glibc then gives it back to the
// system as soon as twice the size of the largest block of its own that was ever freed lies idle, so that each page of the next frames has to be
// asked for again: more than half of the processor time of reading them. It is told to keep more in the only way there is, by freeing a large
// block, which is never written to and so never takes memory.

/** Just below the 32 MiB above which glibc learns nothing; it keeps twice as much. Other allocators lose nothing by it. */
const LARGEST_BLOCK_BYTES = 32 * 1024 * 1024 - 64 * 1024

let isKept = false

/** From now on the process keeps up to 64 MiB of what long frames leave behind, for the next ones. */
export function keepFreedMemory(): void {
  if (isKept) return
  isKept = true
  Buffer.allocUnsafeSlow(LARGEST_BLOCK_BYTES)
}
