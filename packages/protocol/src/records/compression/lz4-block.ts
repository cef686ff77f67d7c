// Blocks of lz4: sequences of a token (upper half: how many literals, lower half: length of the match less 4, each followed by more bytes of
// length where it is 15), the literals, and an offset of 2 bytes back into the output unless the block ends with the literals.

import { malformed } from './failures.ts'

/** Where the last `moreLength` ended. */
let lengthEnd = 0

/** The bytes of length behind a half of 15: as many of 255 as there are, and one that is less. */
const moreLength = (bytes: Uint8Array, start: number, end: number): number => {
  let length = 15
  let at = start
  let more = 255
  while (more === 255 && at < end) {
    more = bytes[at++]!
    length += more
  }
  lengthEnd = at
  return length
}

/** How many bytes the block from `start` to `end` becomes, found without writing anything. */
export const lz4BlockLength = (bytes: Uint8Array, start: number, end: number): number => {
  let length = 0
  let at = start
  while (at < end) {
    const token = bytes[at++]!
    let run = token >>> 4
    if (run === 15) {
      run = moreLength(bytes, at, end)
      at = lengthEnd
    }
    length += run
    at += run
    if (at >= end) break
    at += 2
    run = token & 15
    if (run === 15) {
      run = moreLength(bytes, at, end)
      at = lengthEnd
    }
    length += run + 4
  }
  if (at !== end) throw malformed('lz4', 'a block ends within a sequence')
  return length
}

/**
 * Decompresses the block from `start` to `end`, whose length `lz4BlockLength` has found, into `output` from `to` on, and says where it
 * ended there. Matches reach back as far as `earliest`.
 */
export const lz4Block = (
  bytes: Uint8Array,
  start: number,
  end: number,
  place: { output: Uint8Array; to: number; earliest: number },
): number => {
  const { output, earliest } = place
  let to = place.to
  let at = start
  while (at < end) {
    const token = bytes[at++]!
    let run = token >>> 4
    if (run === 15) {
      run = moreLength(bytes, at, end)
      at = lengthEnd
    }
    for (const last = at + run; at < last; ) output[to++] = bytes[at++]!
    if (at >= end) break
    const offset = bytes[at]! | (bytes[at + 1]! << 8)
    at += 2
    run = (token & 15) + 4
    if (run === 19) {
      run = moreLength(bytes, at, end) + 4
      at = lengthEnd
    }
    let from = to - offset
    if (offset === 0 || from < earliest) throw malformed('lz4', 'a match begins before its block')
    // Source and target may overlap, which repeats what lies between: so byte by byte.
    for (const last = to + run; to < last; ) output[to++] = output[from++]!
  }
  return to
}
