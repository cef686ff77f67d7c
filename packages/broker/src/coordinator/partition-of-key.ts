// Where a coordinator keeps what belongs to a group or a transactional id (Kafka's Utils.abs over String.hashCode).

const MIN_INT32 = -(2 ** 31)

/** Which of so many partitions of an internal topic has a key. */
export function partitionOfKey(key: string, count: number): number {
  const hash = stringHash(key)
  // Kafka's Utils.abs has 0 for the one number whose absolute value no int32 holds.
  return (hash === MIN_INT32 ? 0 : Math.abs(hash)) % count
}

/** Java's String.hashCode. */
function stringHash(text: string): number {
  let hash = 0
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0
  return hash
}
