// Uuids in Kafka's text form: URL-safe base64 of the 16 bytes without padding, 22 characters (org.apache.kafka.common.Uuid).
import { randomBytes } from 'node:crypto'
import type { Random } from '../world.ts'
import { broken } from './protocol-error.ts'

/** No uuid: 16 zero bytes. */
export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'
/** Kafka reserves it for the topic of its metadata log. */
export const METADATA_TOPIC_UUID = 'AAAAAAAAAAAAAAAAAAAAAQ'

/**
 * A new random uuid (version 4). Never zero, never Kafka's reserved one, and never with a leading '-', which command lines
 * would take for an option, as in Kafka.
 */
export function randomUuid(random?: Random): string {
  for (;;) {
    const bytes = random === undefined ? randomBytes(16) : random.bytes(16)
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
    const text = bytes.toString('base64url')
    if (!text.startsWith('-')) return text
  }
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const digits = new Int8Array(128).fill(-1)
for (let digit = 0; digit < 64; digit++) digits[alphabet.charCodeAt(digit)] = digit

const digitAt = (text: string, index: number): number => digits[text.charCodeAt(index)] ?? -1

/** Whether a text is a uuid in Kafka's form. */
export function isUuid(text: string): boolean {
  if (text.length !== 22) return false
  for (let index = 0; index < 22; index++) if (digitAt(text, index) < 0) return false
  return (digitAt(text, 21) & 0x0f) === 0
}

/** Writes the 16 bytes of a uuid; the caller has seen to the room. Throws ProtocolError for a text that is none. */
export function writeUuid(target: Uint8Array, at: number, text: string): void {
  if (text === ZERO_UUID) {
    for (let index = at; index < at + 16; index++) target[index] = 0
    return
  }
  if (typeof text !== 'string' || text.length !== 22) broken('value', `not a uuid: ${text}`)
  let all = 0
  let to = at
  for (let index = 0; index < 20; index += 4) {
    const a = digitAt(text, index)
    const b = digitAt(text, index + 1)
    const c = digitAt(text, index + 2)
    const d = digitAt(text, index + 3)
    all |= a | b | c | d
    target[to++] = (a << 2) | (b >> 4)
    target[to++] = (b << 4) | (c >> 2)
    target[to++] = (c << 6) | d
  }
  const a = digitAt(text, 20)
  const b = digitAt(text, 21)
  target[to] = (a << 2) | (b >> 4)
  if ((all | a | b) < 0 || (b & 0x0f) !== 0) broken('value', `not a uuid: ${text}`)
}

const slots = 1024
const words = new Int32Array(slots * 4)
const texts: string[] = Array.from({ length: slots }, () => ZERO_UUID)

/** Reads a uuid. The texts of recent ones are kept: topic ids come again with every request. */
export function readUuid(source: Buffer, view: DataView, at: number): string {
  const a = view.getInt32(at)
  const b = view.getInt32(at + 4)
  const c = view.getInt32(at + 8)
  const d = view.getInt32(at + 12)
  const slot = (a ^ Math.imul(b, 31) ^ Math.imul(c, 17) ^ d) & (slots - 1)
  const word = slot * 4
  if (words[word] === a && words[word + 1] === b && words[word + 2] === c && words[word + 3] === d) return texts[slot] ?? ZERO_UUID
  const text = source.toString('base64url', at, at + 16)
  words[word] = a
  words[word + 1] = b
  words[word + 2] = c
  words[word + 3] = d
  texts[slot] = text
  return text
}
