// Every client does the same scenario (clients/*): all codecs, null keys and values, headers, timestamps, records of 1 byte to 8 MB,
// 100,000 records read back equal and in order, by offset and by time, administration, and the right errors. Then the stored bytes are
// looked at: the codec is what the batch's attributes say, not what the client says.
import { compressionOf, recordsOf } from '@ottla/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrokerProcess, startBroker } from './broker.ts'
import { available, type Finished, programs, run } from './programs.ts'
import { Wire } from './wire.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const common = [
  ...codecs.map(codec => `codec-${codec}`),
  'sizes',
  'many',
  'by-time',
  'metadata',
  'invalid-topic',
  'oversized',
  'admin-delete',
]
const reading = [...common, 'from-offset']
const altering = ['admin-alter', 'admin-partitions']
const checksOf: Record<string, string[]> = {
  kafkajs: [...common, ...altering],
  '@platformatic/kafka': [...common, ...altering],
  'Java clients': [...reading, ...altering, 'admin-delete-records'],
  rskafka: reading,
}
const firstTimestamp = 1_700_000_000_000

let broker: BrokerProcess
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker?.[Symbol.asyncDispose]())

describe.each(Object.keys(programs))('%s', name => {
  const prefix = name.replaceAll(/[^a-z]/gi, '')
  let finished: Finished | undefined
  let lines = new Set<string>()

  beforeAll(async () => {
    const program = programs[name]?.() ?? { missing: name }
    if (!available(name, program.missing) || program.missing !== undefined) return
    finished = await run(program.command, [...program.words, broker.bootstrap, prefix])
    lines = new Set(finished.stdout.trim().split('\n'))
  })

  const said = (check: string) => [...lines].find(line => line.split(/[ :]/)[1] === check)
  const skipped = (check: string) => finished === undefined || said(check)?.startsWith('skip ') === true

  it.for(checksOf[name] ?? [...reading, ...altering])('%s', (check, { skip }) => {
    if (skipped(check)) skip(said(check) ?? 'not installed')
    expect(said(check) ?? `nothing about ${check}:\n${finished?.stdout}${finished?.stderr}`.slice(-2000)).toBe(`ok ${check}`)
  })

  it.for(codecs)('%s is what lies on disk', async (codec, { skip }) => {
    if (skipped(`codec-${codec}`)) skip('not done by this client')
    await using wire = await Wire.connect(broker.port)
    const batches = await wire.batches(`${prefix}-codec-${codec}`, 1)
    expect(new Set(batches.map(batch => compressionOf(batch.attributes)))).toEqual(new Set([codec]))
    const found = batches.flatMap(batch =>
      [...recordsOf(batch)].map(record => [record.offset, record.timestamp, text(record.key), text(record.value)]),
    )
    expect(found).toEqual(Array.from({ length: 300 }, (_, i) => [i, firstTimestamp + i, i % 7 === 0 ? null : `key-${i}`, valueOf(i)]))
  })
})

const text = (bytes: Buffer | null) => bytes?.toString() ?? null
const valueOf = (i: number) => (i % 14 === 3 ? null : `value-${i}-${'x'.repeat(i % 97)}`)
