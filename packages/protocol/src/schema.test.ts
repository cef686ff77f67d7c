import { describe, expect, expectTypeOf, it } from 'vitest'
import type {
  FetchRequest,
  FetchResponse,
  FetchResponseInit,
  MetadataRequestInit,
  ProduceRequest,
  ProduceRequestInit,
} from './apis/index.ts'
import { apiByKey, apis, fetchApi } from './apis/index.ts'
import type { AnyApi, RequestOf, ResponseInitOf, ResponseOf } from './schema.ts'
import { bounds, within } from './schema.ts'
import { coordinatorRecords, storedMessages } from './stored/all.ts'

describe('types of messages', () => {
  it('have every field when they are read', () => {
    expectTypeOf<FetchRequest['rackId']>().toEqualTypeOf<string>()
    expectTypeOf<FetchRequest['clusterId']>().toEqualTypeOf<string | null>()
    expectTypeOf<FetchRequest['topics'][number]['partitions'][number]['fetchOffset']>().toEqualTypeOf<number>()
    expectTypeOf<ProduceRequest['topicData'][number]['partitionData'][number]['records']>().toEqualTypeOf<Buffer | null>()
    expectTypeOf<RequestOf<typeof fetchApi>['forgottenTopicsData'][number]['partitions']>().toEqualTypeOf<number[]>()
  })

  it('ask writers only for what has no default and is in every version', () => {
    expectTypeOf<{ topics: null }>().toExtend<MetadataRequestInit>()
    expectTypeOf<{ acks: number; timeoutMs: number; topicData: [] }>().toExtend<ProduceRequestInit>()
    expectTypeOf<{ acks: number; topicData: [] }>().not.toExtend<ProduceRequestInit>()
    type Records = FetchResponseInit['responses'][number]['partitions'][number]['records']
    expectTypeOf<Records>().toEqualTypeOf<Buffer | readonly Buffer[] | null>()
  })

  it('that were read may be written, and any API is an API', () => {
    expectTypeOf<ResponseOf<typeof fetchApi>>().toExtend<ResponseInitOf<typeof fetchApi>>()
    expectTypeOf<FetchResponse>().toExtend<FetchResponseInit>()
    expectTypeOf(fetchApi).toExtend<AnyApi>()
  })
})

describe('the list of APIs', () => {
  it('has the 77 that clients of Kafka 4.3 may call, by their keys', () => {
    expect(apis).toHaveLength(77)
    expect(apis.map(({ key }) => key)).toEqual(apis.map(({ key }) => key).toSorted((a, b) => a - b))
    expect(new Set(apis.map(({ name }) => name)).size).toBe(apis.length)
    for (const api of apis) expect(apiByKey(api.key)).toBe(api)
    expect(apiByKey(4)).toBeUndefined()
    expect(apiByKey(-1)).toBeUndefined()
  })

  it('has stored records, by topic and type once', () => {
    const names = [...storedMessages.map(({ name }) => name), ...coordinatorRecords.flatMap(({ key, value }) => [key.name, value.name])]
    expect(new Set(names).size).toBe(names.length)
    expect(new Set(coordinatorRecords.map(({ topic, type }) => `${topic} ${type}`)).size).toBe(coordinatorRecords.length)
  })
})

describe('versions', () => {
  it('are one, a range, or open', () => {
    expect(bounds('3')).toEqual([3, 3])
    expect(bounds('3-12')).toEqual([3, 12])
    expect(bounds('9+')).toEqual([9, Number.POSITIVE_INFINITY])
    expect([within('3-12', 2), within('3-12', 3), within('3-12', 12), within('3-12', 13)]).toEqual([false, true, true, false])
    expect([within('none', 0), within(undefined, 0), within('10+', 9), within('10+', 10)]).toEqual([false, true, false, true])
  })
})
