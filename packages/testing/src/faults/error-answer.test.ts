// For every API that is served, and every version: the answer can be sent, and holds the error wherever it can hold one.
import {
  apiByKey,
  apiVersionsApi,
  bounds,
  encodeResponse,
  ErrorCode,
  findCoordinatorApi,
  offsetFetchApi,
  produceApi,
  readResponse,
  type Shape,
  within,
} from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { startKafka } from '../index.ts'
import { WireClient } from '../wire/wire-client.ts'
import { canFail, errorAnswer } from './error-answer.ts'
import { fieldsOf } from './request-facts.ts'

/** Whose answers name what only the broker knows. */
const mayBeEmpty: ReadonlySet<string> = new Set(['DescribeLogDirs'])

const sample = (shape: Shape, version: number): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(shape)
      .filter(([, { spec }]) => within(spec.versions, version))
      .map(([name, { spec }]) => [name, valueOf(name, spec, version)]),
  )

function valueOf(name: string, spec: Shape[string]['spec'], version: number): unknown {
  if (spec.kind === 'array' && spec.of !== undefined) return [valueOf(name, spec.of, version), valueOf(name, spec.of, version)]
  if (spec.kind === 'struct') return sample(spec.shape ?? {}, version)
  if (spec.kind === 'string') return `some ${name}`
  return spec.kind === 'int32' ? 7 : spec.fallback
}

function* codesIn(shape: Shape, value: unknown, version: number): Generator<unknown, void, undefined> {
  for (const [name, { spec }] of Object.entries(shape)) {
    const field = fieldsOf(value)?.[name]
    const inner = spec.of?.shape
    if (!within(spec.versions, version)) continue
    if (/errorCode$/i.test(name)) yield field
    if (inner !== undefined && Array.isArray(field)) for (const one of field) yield* codesIn(inner, one, version)
  }
}

describe('answers with errors', async () => {
  await using kafka = await startKafka()
  const wire = new WireClient(() => kafka.connect())
  const { apiKeys } = await wire.request(apiVersionsApi, { clientSoftwareName: 'test', clientSoftwareVersion: '1' })
  wire.close()
  const served = apiKeys.map(({ apiKey, maxVersion, minVersion }) => ({
    api: apiByKey(apiKey),
    name: apiByKey(apiKey)?.name,
    minVersion,
    maxVersion,
  }))

  it.each(served)('$name', ({ api, maxVersion, minVersion }) => {
    if (api === undefined) throw new Error('unknown API')
    for (let version = Math.max(minVersion, bounds(api.versions)[0]); version <= maxVersion; version++) {
      if (!canFail(api, version)) continue
      const body = errorAnswer(api, sample(api.request, version), { version, code: ErrorCode.NOT_COORDINATOR })
      const frame = Buffer.concat(encodeResponse({ api, version, correlationId: 1, body }))
      const codes = [...codesIn(api.response, readResponse(api, version, frame.subarray(4)).body, version)]
      const wanted = mayBeEmpty.has(api.name) && codes.length === 0 ? [] : [ErrorCode.NOT_COORDINATOR]
      expect({ version, codes: new Set(codes) }).toEqual({ version, codes: new Set(wanted) })
    }
  })

  it('mirror what was asked for', () => {
    const partitionData = [{ index: 3, records: null }]
    const produce = errorAnswer(produceApi, { topicData: [{ name: 'orders', partitionData }] }, { version: 9, code: 6 })
    expect(produce).toMatchObject({ responses: [{ name: 'orders', partitionResponses: [{ index: 3, errorCode: 6, baseOffset: -1 }] }] })
    const offsets = { groups: [{ groupId: 'billing', topics: [{ name: 'orders', partitionIndexes: [1, 2] }] }] }
    expect(errorAnswer(offsetFetchApi, offsets, { version: 9, code: 16 })).toMatchObject({
      groups: [
        {
          groupId: 'billing',
          errorCode: 16,
          topics: [
            {
              name: 'orders',
              partitions: [
                { partitionIndex: 1, errorCode: 16, committedOffset: -1 },
                { partitionIndex: 2, errorCode: 16 },
              ],
            },
          ],
        },
      ],
    })
    expect(errorAnswer(findCoordinatorApi, { coordinatorKeys: ['a'] }, { version: 4, code: 15 })).toMatchObject({
      coordinators: [{ key: 'a', errorCode: 15, nodeId: 0 }],
    })
  })
})
