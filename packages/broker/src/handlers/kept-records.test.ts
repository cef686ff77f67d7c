// A long Produce whose batches threads check keeps the memory that it came in until all of them are appended.
import { silentLogger } from '@ottla/metadata'
import { batchesIn, produceApi, Reader, requestCodec, Writer } from '@ottla/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { batchOf, TestReplicas } from '../replica/testing.ts'
import { Ordered } from '../requests/handler.ts'
import { produce } from './produce.ts'
import { noTransactions } from './transaction-testing.ts'

let test: TestReplicas
beforeEach(async () => {
  test = await TestReplicas.open()
  await test.createTopic('a', 2)
})
afterEach(() => test.close())

/** Begins a Produce of these batches; `kept` says for how long its memory was, which is then written over. */
const begin = (batches: readonly Buffer[]) => {
  const handler = produce({ replicas: test.replicas, clock: test.clock, logger: silentLogger, admission: noTransactions })
  const writer = new Writer()
  const partitionData = batches.map((records, at) => ({ index: at % 2, records }))
  requestCodec(produceApi, 9).write(writer, { acks: 1, timeoutMs: 30_000, topicData: [{ name: 'a', partitionData }] })
  const bytes = Buffer.concat(writer.chunks())
  const kept: string[] = []
  const ends = () => [0, 1].map(index => test.partition('a', index).log?.logEndOffset ?? -1)
  const context = {
    apiKey: produceApi.key,
    apiVersion: 9,
    correlationId: 1,
    clientId: 'test',
    connection: test.connection,
    receivedAtMs: 0,
    sizeBytes: bytes.length,
    keep: () => {
      kept.push('kept')
      return () => {
        kept.push(`released at ${ends().join(' and ')}`)
        bytes.fill(0xee)
      }
    },
  }
  const outcome = handler.handle(requestCodec(produceApi, 9).read(new Reader(bytes)), context)
  return { outcome, kept }
}

const compressed = (letter: string): Buffer => {
  // Not to be made much smaller, and so long that it is not checked at once.
  const values = Array.from({ length: 8000 }, (_, at) => `${letter}${Math.imul(at + 1, 2_654_435_761) >>> 0}`)
  return batchOf(values, { compression: 'gzip' })
}

const valuesOf = async (index: number): Promise<number[]> => {
  const partition = test.partition('a', index)
  const data = await partition.read({ offset: 0, maxBytes: 10_000_000, endOffset: partition.log?.logEndOffset ?? 0, minOneBatch: true })
  const counts = [...batchesIn(Buffer.concat(data.chunks))].map(batch => batch.recordsCount)
  data.release()
  return counts
}

describe('the records of a long Produce', () => {
  it('stay where they are until threads have checked them', async () => {
    const { outcome, kept } = begin([compressed('a'), compressed('b'), compressed('c'), batchOf(['last'])])
    expect(kept).toEqual(['kept'])
    if (!(outcome instanceof Ordered)) throw new Error('nothing is checked by threads')
    await outcome.ordered
    await outcome.reply
    expect(kept).toEqual(['kept', 'released at 16000 and 8001'])
    expect(await valuesOf(0)).toEqual([8000, 8000])
    expect(await valuesOf(1)).toEqual([8000, 1])
  })

  it('are released at once where all of them are appended at once', () => {
    const { kept } = begin([batchOf(['x'.repeat(100_000)]), batchOf(['y'])])
    expect(kept).toEqual(['kept', 'released at 1 and 1'])
  })

  it('are not kept where they are few', () => {
    expect(begin([batchOf(['x'])]).kept).toEqual([])
  })
})
