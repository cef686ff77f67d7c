// Requests as large as they may be: each names what it can by the ten thousand. The broker answers them in turns of its event loop.
import {
  alterConfigsApi,
  type AnyApi,
  BatchBuilder,
  createPartitionsApi,
  createTopicsApi,
  deleteTopicsApi,
  describeTopicPartitionsApi,
  listOffsetsApi,
  metadataApi,
  produceApi,
  type RequestInitOf,
  writeTxnMarkersApi,
  ZERO_UUID,
} from '@ottla/protocol'
import { expect } from 'vitest'
import type { Attack } from './attacks.ts'
import { Flood, frameOf } from './flood.ts'

const many = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at))

const numbered = many(90_000, at => `none-${at}`)

/** One request of an API, and what it is. */
const requestOf = <A extends AnyApi>(api: A, version: number, body: RequestInitOf<A>) => ({
  name: api.name,
  frame: frameOf(api, version, body),
})

const data = () => {
  const records = Buffer.from(new BatchBuilder().append({ timestamp: Date.now(), value: 'x' }).build().bytes)
  const topicData = [{ name: 'attacked', partitionData: many(90_000, at => ({ index: at % 4, records })) }]
  const timed = [{ name: 'attacked', partitions: numbered.map((_, partitionIndex) => ({ partitionIndex, timestamp: 5 })) }]
  const marker = { producerEpoch: 0, transactionResult: false, coordinatorEpoch: 0 }
  const places = [{ name: 'attacked', partitionIndexes: many(90_000, at => 1 + (at % 3)) }]
  return [
    requestOf(produceApi, 9, { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData }),
    requestOf(produceApi, 9, { transactionalId: null, acks: 1, timeoutMs: 30_000, topicData }),
    requestOf(listOffsetsApi, 7, { replicaId: -1, isolationLevel: 0, topics: timed }),
    requestOf(writeTxnMarkersApi, 1, { markers: [{ ...marker, producerId: 9_000_000, topics: places }] }),
  ]
}

const administration = () => {
  const names = numbered
  const timeoutMs = 30_000
  const none = { numPartitions: 0, replicationFactor: 1, assignments: [], configs: [] }
  const resources = names.slice(0, 45_000).map(resourceName => ({
    resourceType: 2,
    resourceName,
    configs: [{ name: 'retention.ms', value: '1000' }],
  }))
  return [
    requestOf(metadataApi, 12, { topics: names.map(name => ({ topicId: ZERO_UUID, name })), allowAutoTopicCreation: true }),
    requestOf(createTopicsApi, 7, { topics: names.map(name => ({ ...none, name })), timeoutMs }),
    requestOf(createPartitionsApi, 3, {
      topics: names.map(name => ({ name, count: 2, assignments: null })),
      timeoutMs,
      validateOnly: false,
    }),
    requestOf(alterConfigsApi, 2, { resources, validateOnly: false }),
    requestOf(describeTopicPartitionsApi, 0, { topics: names.map(name => ({ name })) }),
    requestOf(deleteTopicsApi, 6, { topics: names.map(name => ({ topicId: ZERO_UUID, name })), timeoutMs }),
  ]
}

/** Each request on so many connections at once. */
const sent =
  (make: typeof data, connections: number): Attack =>
  async ({ port }) => {
    const told: string[] = []
    for (const { name, frame } of make()) {
      const floods = await Flood.all(port, connections)
      for (const flood of floods) flood.send(frame)
      for (const flood of floods) {
        await flood.answered(1)
        expect(flood.answers, name).toBe(1)
        flood[Symbol.dispose]()
      }
      told.push(`${name} of ${(frame.length / 1_048_576).toFixed(1)} MiB`)
    }
    return told.join(', ')
  }

export const largeAttacks: Record<string, Attack> = {
  'large requests for data': sent(data, 2),
  'large administrative requests': sent(administration, 2),
}
