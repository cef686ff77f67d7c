/**
 * The 32-bit murmur2 hash by which Kafka's producers choose the partition of a key (class Utils), as a signed number.
 * The partition is `(murmur2(key) & 0x7fffffff) % partitions`.
 */
export const murmur2 = (bytes: Uint8Array): number => {
  const mixer = 0x5bd1e995
  const length = bytes.length
  const words = length & ~3
  let hash = 0x9747b28c ^ length
  for (let at = 0; at < words; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    word = Math.imul(word, mixer)
    word = Math.imul(word ^ (word >>> 24), mixer)
    hash = Math.imul(hash, mixer) ^ word
  }
  const rest = length & 3
  if (rest > 2) hash ^= bytes[words + 2]! << 16
  if (rest > 1) hash ^= bytes[words + 1]! << 8
  if (rest > 0) hash = Math.imul(hash ^ bytes[words]!, mixer)
  hash = Math.imul(hash ^ (hash >>> 13), mixer)
  return hash ^ (hash >>> 15)
}
