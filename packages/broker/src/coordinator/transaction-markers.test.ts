// Markers of transactions over many partitions, which are written in turns of the event loop.
import { silentLogger } from '@ottla/metadata'
import { ErrorCode } from '@ottla/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Slices } from '../replica/slices.ts'
import { TestReplicas } from '../replica/testing.ts'
import { LocalMarkers } from './transaction-markers.ts'

let test: TestReplicas
let markers: LocalMarkers
beforeEach(async () => {
  test = await TestReplicas.open()
  await test.createTopic('t', 20)
  const { clock, metadata, replicas } = test
  const groups = { endTransaction: () => Promise.resolve() }
  markers = new LocalMarkers({ metadata, replicas, groups, clock, logger: silentLogger, timeoutMs: () => 1000 })
  vi.spyOn(Slices.prototype, 'isOver', 'get').mockReturnValue(true)
})
afterEach(async () => {
  vi.restoreAllMocks()
  await test.close()
})

const places = Array.from({ length: 20 }, (_, partition) => ({ topic: 't', partition }))
const marker = (producerId: number, producerEpoch: number) => ({
  producerId,
  producerEpoch,
  committed: true,
  coordinatorEpoch: 0,
  transactionVersion: 0,
})
const ends = () => places.map(({ partition }) => test.partition('t', partition).log?.logEndOffset)

describe('markers for many partitions', () => {
  it('reach each of them in the order in which those of a producer were asked for', async () => {
    const first = markers.writeAll(places, marker(7, 0))
    const second = markers.writeAll(places.slice(10), marker(7, 1))
    for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
    // The second begins when all of the first are appended, though its own partitions are at the end.
    expect(ends().some(end => end === 2)).toBe(false)
    expect(new Set(await first)).toEqual(new Set([ErrorCode.NONE]))
    expect(new Set(await second)).toEqual(new Set([ErrorCode.NONE]))
    expect(ends()).toEqual(places.map(({ partition }) => (partition < 10 ? 1 : 2)))
  })

  it('do not wait for those of another producer', async () => {
    const order: string[] = []
    const long = markers.writeAll(places, marker(7, 0)).then(() => order.push('long'))
    const short = markers.writeAll(places.slice(19), marker(8, 0)).then(() => order.push('short'))
    await Promise.all([long, short])
    expect(order).toEqual(['short', 'long'])
  })

  it('are told one by one where some partitions are not there', async () => {
    const partitions = new Map([
      ['t', new Set([3, 99])],
      ['none', new Set([0])],
    ])
    const outcomes = await markers.write({ ...marker(7, 0), partitions })
    expect(outcomes).toHaveLength(3)
    expect(outcomes).toEqual(
      expect.arrayContaining([
        { topic: 't', partition: 3, outcome: ErrorCode.NONE },
        { topic: 't', partition: 99, outcome: 'gone' },
        { topic: 'none', partition: 0, outcome: 'gone' },
      ]),
    )
  })
})
