// Every file of the local store is a sequence of frames: magic, body length and CRC-32 of the body (big-endian, 4 bytes
// each), then the body, JSON text. The magic is not valid UTF-8, so it never occurs inside a body.
//
// A frame of the write-ahead log holds a group of transactions and is written in one go; the next is written only after
// this one was flushed. So a broken frame with a sound one behind it cannot be the trace of a crash: it was flushed
// once, and has been damaged since.
import { crc32 } from 'node:zlib'
import { StoreError } from './store.ts'

const MAGIC = Buffer.from([0xf7, 0x4f, 0x57, 0x01])
const HEADER_BYTES = 12

/** The frame of one JSON value, as chunks to write. */
export function encodeFrame(value: unknown): Buffer {
  const text = JSON.stringify(value)
  const length = Buffer.byteLength(text)
  const frame = Buffer.allocUnsafe(HEADER_BYTES + length)
  MAGIC.copy(frame, 0)
  frame.writeUInt32BE(length, 4)
  frame.write(text, HEADER_BYTES, 'utf8')
  frame.writeUInt32BE(crc32(frame.subarray(HEADER_BYTES)), 8)
  return frame
}

/** End of the sound frame that starts at `at`, or -1. */
function frameEnd(bytes: Buffer, at: number): number {
  if (at + HEADER_BYTES > bytes.length || bytes.compare(MAGIC, 0, 4, at, at + 4) !== 0) return -1
  const length = bytes.readUInt32BE(at + 4)
  const end = at + HEADER_BYTES + length
  // No body is empty: zeros behind a torn magic would otherwise pass, as the CRC of nothing is zero.
  if (length === 0 || end > bytes.length) return -1
  return crc32(bytes.subarray(at + HEADER_BYTES, end)) === bytes.readUInt32BE(at + 8) ? end : -1
}

/**
 * The bodies of all sound frames from the start of a file, and how many bytes they take: what follows is a torn tail,
 * the rest of a write that was never acknowledged. Throws `corrupt` when a sound frame lies behind the tear.
 */
export function decodeFrames(bytes: Buffer, name: string): { bodies: string[]; soundBytes: number } {
  const bodies: string[] = []
  let at = 0
  for (let end = frameEnd(bytes, at); end !== -1; end = frameEnd(bytes, at)) {
    bodies.push(bytes.toString('utf8', at + HEADER_BYTES, end))
    at = end
  }
  for (let next = bytes.indexOf(MAGIC, at + 1); next !== -1; next = bytes.indexOf(MAGIC, next + 1)) {
    if (frameEnd(bytes, next) !== -1) {
      throw new StoreError(
        'corrupt',
        `${name} is damaged at byte ${at}: acknowledged changes follow at byte ${next}, so this is no torn write`,
      )
    }
  }
  return { bodies, soundBytes: at }
}
