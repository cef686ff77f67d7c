// What the fetcher itself costs, beside the decoding that message.bench.ts measures: session bookkeeping of many partitions, against naming all of
// them in each request as clients without sessions do.
import { encodeRequest, fetchApi, ZERO_UUID } from '@ottla/protocol'
import { bench, describe } from 'vitest'
import { FetchSession } from './session.ts'

const PARTITIONS = 1000

const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({
  topic: 't',
  topicId: ZERO_UUID,
  partition,
  offset: 0,
  leaderEpoch: 1,
  fetchBytes: 1_048_576,
  version: 1,
}))

const encode = (fields: ReturnType<FetchSession<(typeof partitions)[number]>['request']>): number => {
  const body = { maxWaitMs: 500, minBytes: 1, maxBytes: 10_485_760, ...fields }
  return encodeRequest({ api: fetchApi, version: 18, correlationId: 1, clientId: 'c', body }).reduce((sum, { length }) => sum + length, 0)
}

describe(`a request for ${PARTITIONS} partitions of which 10 moved on`, () => {
  const session = new FetchSession<(typeof partitions)[number]>()
  session.request(partitions, true)
  session.answered(0, 7)
  bench('in a session', () => {
    for (const partition of partitions.slice(0, 10)) partition.offset++
    encode(session.request(partitions, true))
    session.answered(0, 7)
  })
  bench('without', () => {
    for (const partition of partitions.slice(0, 10)) partition.offset++
    encode(new FetchSession<(typeof partitions)[number]>().request(partitions, true))
  })
})
