// The format of `<offset>.snapshot`: the producers of a log at an offset (the message ProducerSnapshot, version 1).
// Version (int16), CRC32C of all that follows it (uint32), number of entries (int32), then 46 bytes an entry: producer id (int64),
// epoch (int16), last sequence (int32), last offset (int64), offset delta (int32), timestamp (int64), coordinator epoch (int32), first
// offset of the open transaction or -1 (int64). Of the last five batches only the newest is stored.
import { crc32c } from '@ottla/protocol'
import { CorruptFileError } from './corrupt-file.ts'
import { readInt64, writeInt64 } from './int64.ts'
import { BatchMetadata, ProducerEntry } from './producer-entry.ts'

const VERSION = 1
const CRC_AT = 2
const COUNT_AT = 6
const HEADER_BYTES = 10
const ENTRY_BYTES = 46

/** Content of a snapshot file, entries in the given order. */
export function producerSnapshotContent(entries: Iterable<ProducerEntry>): Buffer {
  const all = [...entries]
  const content = Buffer.allocUnsafe(HEADER_BYTES + all.length * ENTRY_BYTES)
  content.writeInt16BE(VERSION, 0)
  content.writeInt32BE(all.length, COUNT_AT)
  let at = HEADER_BYTES
  for (const entry of all) {
    const last = entry.last
    writeInt64(content, entry.producerId, at)
    content.writeInt16BE(entry.producerEpoch, at + 8)
    content.writeInt32BE(entry.lastSequence, at + 10)
    writeInt64(content, entry.lastOffset, at + 14)
    content.writeInt32BE(last?.offsetDelta ?? 0, at + 22)
    writeInt64(content, entry.lastTimestamp, at + 26)
    content.writeInt32BE(entry.coordinatorEpoch, at + 34)
    writeInt64(content, entry.transactionFirstOffset, at + 38)
    at += ENTRY_BYTES
  }
  content.writeUInt32BE(crc32c(content, COUNT_AT, content.length) >>> 0, CRC_AT)
  return content
}

/** Entries of a snapshot file. Throws CorruptFileError for another version, a wrong checksum, a wrong length, or ids beyond 2^53. */
export function parseProducerSnapshot(path: string, content: Buffer): ProducerEntry[] {
  const corrupt = (reason: string) => new CorruptFileError(path, reason)
  if (content.length < HEADER_BYTES) throw corrupt(`${content.length} bytes are less than a header`)
  const version = content.readInt16BE(0)
  if (version !== VERSION) throw corrupt(`version ${version} instead of ${VERSION}`)
  const count = content.readInt32BE(COUNT_AT)
  if (count < 0 || content.length !== HEADER_BYTES + count * ENTRY_BYTES) throw corrupt(`${count} entries in ${content.length} bytes`)
  const crc = content.readUInt32BE(CRC_AT)
  const computed = crc32c(content, COUNT_AT, content.length) >>> 0
  if (crc !== computed) throw corrupt(`checksum ${crc} instead of ${computed}`)
  const entries: ProducerEntry[] = []
  for (let at = HEADER_BYTES; at < content.length; at += ENTRY_BYTES) {
    const entry = readEntry(content, at)
    if (!Number.isSafeInteger(entry.producerId)) throw corrupt(`producer id ${entry.producerId}`)
    entries.push(entry)
  }
  return entries
}

function readEntry(content: Buffer, at: number): ProducerEntry {
  const entry = new ProducerEntry(readInt64(content, at))
  const lastOffset = readInt64(content, at + 14)
  entry.producerEpoch = content.readInt16BE(at + 8)
  entry.lastTimestamp = readInt64(content, at + 26)
  entry.coordinatorEpoch = content.readInt32BE(at + 34)
  entry.transactionFirstOffset = Math.max(-1, readInt64(content, at + 38))
  if (lastOffset >= 0) {
    const rest = { offsetDelta: content.readInt32BE(at + 22), timestamp: entry.lastTimestamp }
    entry.batches.push(new BatchMetadata(content.readInt32BE(at + 10), lastOffset, rest))
  }
  return entry
}
