// Topics of every kind: each compression with and without producer ids over several segments, time of append, records before an offset deleted,
// compacted.
import { randomBytes } from 'node:crypto'
import {
  BatchBuilder,
  type BatchOptions,
  type CompressionName,
  deleteRecordsApi,
  initProducerIdApi,
  type ProduceRequestInit,
  produceApi,
  type RecordInit,
} from '@ottla/protocol'
import type { Wire } from '../wire.ts'
import { ask, createTopic, partitionErrors, until } from './asking.ts'

/** Where a batch goes. */
export interface Place {
  readonly topic: string
  readonly index: number
  /** Version of Produce; 12 adds the partition to a transaction by itself. */
  readonly version?: number
  readonly transactionalId?: string
}

/** Appends one batch; its base offset. */
export async function produce(
  wire: Wire,
  place: Place,
  batch: BatchOptions & { readonly records: readonly RecordInit[] },
): Promise<number> {
  const { topic, index, version = 9, transactionalId = null } = place
  const builder = new BatchBuilder(batch)
  for (const record of batch.records) builder.append({ timestamp: Date.now(), headers: [], ...record })
  const topicData: ProduceRequestInit['topicData'] = [{ name: topic, partitionData: [{ index, records: builder.build().bytes }] }]
  const body = { transactionalId, acks: -1, timeoutMs: 10_000, topicData }
  const answer = await ask(wire, {
    api: produceApi,
    version,
    body,
    errors: ({ responses }) => [responses[0]?.partitionResponses[0]?.errorCode],
  })
  return answer.responses[0]?.partitionResponses[0]?.baseOffset ?? -1
}

/** An idempotent producer, and what it wrote last. */
export interface Idempotent {
  readonly producerId: number
  readonly producerEpoch: number
  readonly last: {
    readonly place: Place
    readonly baseSequence: number
    readonly baseOffset: number
    readonly records: readonly RecordInit[]
  }
}

const codecs: readonly CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

async function fillPlain(wire: Wire): Promise<Idempotent> {
  await createTopic(wire, 'plain', 2, { 'segment.bytes': '1048576', 'index.interval.bytes': '512' })
  for (const [round, compression] of codecs.entries()) {
    const text = Array.from({ length: 40 }, (_, at) => ({ key: `k${at}`, value: `${compression} ${round} ${at} `.repeat(20) }))
    await produce(wire, { topic: 'plain', index: 0 }, { compression, records: text })
    const headers = [{ key: 'of', value: compression }]
    await produce(wire, { topic: 'plain', index: 0 }, { compression, records: [{ key: null, value: randomBytes(420_000), headers }] })
  }
  const body = { transactionalId: null, transactionTimeoutMs: 60_000 }
  const given = await ask(wire, { api: initProducerIdApi, version: 4, body, errors: ({ errorCode }) => [errorCode] })
  const { producerId, producerEpoch } = given
  const place = { topic: 'plain', index: 1 }
  let last: Idempotent['last'] = { place, baseSequence: -1, baseOffset: -1, records: [] }
  for (const [round, compression] of codecs.entries()) {
    const baseSequence = round * 2
    const records = [`a${round}`, `b${round}`].map(value => ({ key: 'id', value }))
    const baseOffset = await produce(wire, place, { compression, producerId, producerEpoch, baseSequence, records })
    last = { place, baseSequence, baseOffset, records }
  }
  return { producerId, producerEpoch, last }
}

async function fillTrimmed(wire: Wire): Promise<void> {
  await createTopic(wire, 'trimmed', 1)
  for (let batch = 0; batch < 5; batch++)
    await produce(wire, { topic: 'trimmed', index: 0 }, { records: [{ value: 'a' }, { value: 'b' }, { value: 'c' }] })
  const body = { topics: [{ name: 'trimmed', partitions: [{ partitionIndex: 0, offset: 7 }] }], timeoutMs: 10_000 }
  await ask(wire, { api: deleteRecordsApi, version: 2, body, errors: partitionErrors })
}

/** Values of ten keys, over and over, and tombstones of two, until only the newest are left. */
async function fillCompacted(wire: Wire): Promise<void> {
  const configs = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01', 'segment.ms': '50' }
  await createTopic(wire, 'compacted', 1, configs)
  const place = { topic: 'compacted', index: 0 }
  for (let round = 0; round < 6; round++) {
    const records = Array.from({ length: 10 }, (_, key) => ({ key: `key${key}`, value: round === 4 && key < 2 ? null : `${round}` }))
    await produce(wire, place, { compression: round % 2 === 0 ? 'none' : 'lz4', records })
    await new Promise(resolve => setTimeout(resolve, 60))
  }
  const records = async () => (await wire.batches('compacted', 0)).reduce((sum, batch) => sum + batch.recordsCount, 0)
  await until(async () => {
    await produce(wire, place, { records: [{ key: 'last', value: 'x' }] })
    return (await records()) < 40
  }, 'compaction')
}

/** All of them. */
export async function fillTopics(wire: Wire): Promise<Idempotent> {
  const idempotent = await fillPlain(wire)
  await createTopic(wire, 'append-time', 1, { 'message.timestamp.type': 'LogAppendTime' })
  for (const compression of codecs)
    await produce(
      wire,
      { topic: 'append-time', index: 0 },
      {
        compression,
        records: [
          { value: '1', timestamp: 1000 },
          { value: '2', timestamp: 500 },
        ],
      },
    )
  await fillTrimmed(wire)
  await fillCompacted(wire)
  return idempotent
}
