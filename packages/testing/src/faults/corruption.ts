// Answers of Fetch with a batch of records whose checksum is wrong.
import { BATCH_HEADER_BYTES } from '@ottla/protocol'
import { fieldsOf } from './request-facts.ts'

type Fields = Readonly<Record<string, unknown>>

/** Where the checksum of a batch lies in it. */
const CRC_AT = 17

const bytesOf = (records: unknown): Buffer | undefined => {
  if (Buffer.isBuffer(records)) return records
  return Array.isArray(records) && records.every(one => Buffer.isBuffer(one)) ? Buffer.concat(records) : undefined
}

/** What of a topic's answer is meant. */
export interface Meant {
  topic(fields: Fields): boolean
  partition(index: unknown): boolean
}

/** Every batch there is. */
export const anyBatch: Meant = { topic: () => true, partition: () => true }

/** A copy of the answer with the first batch that is meant corrupted; undefined where there is none. */
export function corrupted(answer: Fields, meant: Meant): Fields | undefined {
  let done = false
  const partition = (value: unknown): unknown => {
    const fields = fieldsOf(value)
    if (done || fields === undefined || !meant.partition(fields['partitionIndex'])) return value
    const bytes = bytesOf(fields['records'])
    if (bytes === undefined || bytes.length < BATCH_HEADER_BYTES) return value
    const copy = Buffer.from(bytes)
    copy.writeUInt32BE((copy.readUInt32BE(CRC_AT) ^ 0xffff_ffff) >>> 0, CRC_AT)
    done = true
    return { ...fields, records: copy }
  }
  const topics = answer['responses']
  if (!Array.isArray(topics)) return undefined
  const responses: unknown[] = topics.map((topic: unknown) => {
    const fields = fieldsOf(topic)
    const partitions = fields?.['partitions']
    if (fields === undefined || !Array.isArray(partitions) || !meant.topic(fields)) return topic
    return { ...fields, partitions: partitions.map(partition) }
  })
  return done ? { ...answer, responses } : undefined
}
