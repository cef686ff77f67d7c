// kcat: the first client that a new user takes, with every codec, keys, headers, null values, offsets and times.
import { compressionOf } from '@ottla/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrokerProcess, startBroker } from './broker.ts'
import { available, installed, programs, run } from './programs.ts'
import { Wire } from './wire.ts'

const there = available('kcat', installed('kcat'))

describe.runIf(there)('kcat', () => {
  let broker: BrokerProcess
  beforeAll(async () => {
    broker = await startBroker()
  })
  afterAll(() => broker?.[Symbol.asyncDispose]())
  const kcat = (words: string[], input?: string | Buffer) =>
    run('kcat', ['-q', '-b', broker.bootstrap, ...words], input === undefined ? {} : { input })

  it('lists the broker under the address it was asked at', async () => {
    const { stdout } = await kcat(['-L'])
    expect(stdout).toContain(`at ${broker.bootstrap}`)
  })

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('writes with %s and reads back', async codec => {
    const lines = Array.from({ length: 2000 }, (_, i) => `key-${i}:value-${i}`)
    // One batch for all lines: librdkafka leaves a batch as it is where compression would not make it smaller, as that of a single line.
    const together = ['-X', 'linger.ms=1000']
    const written = await kcat(['-P', '-t', codec, '-K', ':', '-z', codec, '-H', 'origin=kcat', ...together], lines.join('\n'))
    expect(written).toMatchObject({ code: 0, stderr: '' })
    const read = await kcat(['-C', '-t', codec, '-o', 'beginning', '-e', '-X', 'check.crcs=true', '-f', '%k:%s %h\n'])
    expect(read.stdout.trim().split('\n')).toEqual(lines.map(line => `${line} origin=kcat`))
    await using wire = await Wire.connect(broker.port)
    expect(new Set((await wire.batches(codec, 0)).map(batch => compressionOf(batch.attributes)))).toEqual(new Set([codec]))
  })

  it('keeps null values apart from empty ones', async () => {
    await kcat(['-P', '-t', 'nulls', '-K', ':', '-Z'], 'a:\nb:x')
    const { stdout } = await kcat(['-C', '-t', 'nulls', '-o', 'beginning', '-e', '-f', '%k %S\n'])
    expect(stdout).toBe('a -1\nb 1\n')
  })

  it('reads from an offset, from the end, and from a time', async () => {
    await kcat(['-P', '-t', 'places'], 'one\ntwo\nthree\nfour')
    expect((await kcat(['-C', '-t', 'places', '-o', '2', '-e'])).stdout).toBe('three\nfour\n')
    expect((await kcat(['-C', '-t', 'places', '-o', '-1', '-e'])).stdout).toBe('four\n')
    expect((await kcat(['-C', '-t', 'places', '-o', `s@${Date.now() - 60_000}`, '-e'])).stdout).toBe('one\ntwo\nthree\nfour\n')
    expect((await kcat(['-Q', '-t', `places:0:${Date.now() + 60_000}`])).stdout).toContain('offset -1')
  })

  it('is told that a topic does not exist', async () => {
    const { stderr, code } = await kcat(['-C', '-t', 'bad topic', '-e'])
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/invalid topic|unknown topic/i)
  })

  it('reads what the clients wrote that only read in groups', async () => {
    for (const name of ['kafkajs', '@platformatic/kafka']) {
      const program = programs[name]?.()
      if (program === undefined || program.missing !== undefined) throw new Error(name)
      const prefix = `read-${name.replaceAll(/[^a-z]/gi, '')}`
      await run(program.command, [...program.words, broker.bootstrap, prefix])
      const { stdout } = await kcat(['-C', '-t', `${prefix}-many`, '-p', '0', '-o', 'beginning', '-e', '-f', '%o %T %k %s %h\n'])
      const lines = stdout.trimEnd().split('\n')
      expect(lines.length).toBe(100_000)
      const wrong = lines.filter((line, i) => line !== `${i} ${1_700_000_000_000 + i} ${keyOf(i)} ${valueOf(i)} index=${i},empty=`)
      expect(wrong).toEqual([])
    }
  })
})

const keyOf = (i: number) => (i % 7 === 0 ? '' : `key-${i}`)
const valueOf = (i: number) => (i % 14 === 3 ? '' : `value-${i}-${'x'.repeat(i % 97)}`)
