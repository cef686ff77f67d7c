// KafkaJS's AssignerProtocol: how custom assigners write and read metadata and assignments. The bytes are those of the consumer protocol's version 0
// behind whatever version the assigner names; fields of later versions are left alone.
import { consumerProtocolAssignment, consumerProtocolSubscription, Reader, storedCodec, Writer } from '@ottla/protocol'
import type { Assignment } from './types.ts'

/** What a member says about itself. */
export interface MemberMetadata {
  version: number
  topics: string[]
  userData: Buffer
}

/** What a member gets. */
export interface MemberAssignment {
  version: number
  assignment: Assignment
  userData: Buffer
}

/** Writes and reads one of them. */
export interface ISerializer<T> {
  encode(value: Omit<T, 'userData'> & { userData?: Buffer }): Buffer
  decode(buffer: Buffer): T | null
}

const noBytes = Buffer.alloc(0)

const memberMetadata: ISerializer<MemberMetadata> = {
  encode: ({ version, topics, userData = noBytes }) => {
    const writer = new Writer()
    writer.int16(version)
    storedCodec(consumerProtocolSubscription, 0).write(writer, { topics, userData })
    return writer.bytes()
  },
  decode: buffer => {
    const reader = new Reader(buffer)
    const version = reader.int16()
    const { topics, userData } = storedCodec(consumerProtocolSubscription, 0).read(reader)
    return { version, topics: [...topics], userData: userData ?? noBytes }
  },
}

const memberAssignment: ISerializer<MemberAssignment> = {
  encode: ({ version, assignment, userData = noBytes }) => {
    const writer = new Writer()
    writer.int16(version)
    const assignedPartitions = Object.entries(assignment).map(([topic, partitions]) => ({ topic, partitions }))
    storedCodec(consumerProtocolAssignment, 0).write(writer, { assignedPartitions, userData })
    return writer.bytes()
  },
  decode: buffer => {
    if (buffer.length < 2) return null
    const reader = new Reader(buffer)
    const version = reader.int16()
    const { assignedPartitions, userData } = storedCodec(consumerProtocolAssignment, 0).read(reader)
    const assignment = Object.fromEntries(assignedPartitions.map(({ topic, partitions }) => [topic, [...partitions]]))
    return { version, assignment, userData: userData ?? noBytes }
  },
}

/** KafkaJS's AssignerProtocol. */
export const AssignerProtocol = { MemberMetadata: memberMetadata, MemberAssignment: memberAssignment }
