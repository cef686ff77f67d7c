// Ids that members get: the client id, or the instance id of static members, and a random uuid as java.util.UUID prints it.

import type { Random } from '@ottla/protocol'

/** A new id that begins with `prefix`. */
export const newMemberId = (random: Random, prefix: string): string => {
  const bytes = random.bytes(16)
  // Version 4 and the variant of RFC 9562, as UUID.randomUUID sets them.
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const text = bytes.toString('hex')
  return `${prefix}-${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`
}
