// Apache Kafka's own kafka-dump-log reads the files that this broker writes, and finds nothing wrong with them.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrokerProcess, startBroker } from './broker.ts'
import { available, kafkaBin, kafkaToolsMissing, programs, run } from './programs.ts'

const there = available('kafka-dump-log', kafkaToolsMissing)

const dump = (words: string[]) => run(join(kafkaBin, 'kafka-dump-log.sh'), words)

describe.runIf(there)('kafka-dump-log', () => {
  let broker: BrokerProcess
  const folders = () => readdirSync(broker.data).filter(name => /^kafkajs-(codec|many)/.test(name))
  const files = (ending: string) =>
    folders().flatMap(folder =>
      readdirSync(join(broker.data, folder))
        .filter(name => name.endsWith(ending))
        .map(name => join(broker.data, folder, name)),
    )

  beforeAll(async () => {
    broker = await startBroker({ 'log.segment.bytes': '1048576', 'log.index.interval.bytes': '512' })
    const program = programs.kafkajs?.()
    if (program === undefined || program.missing !== undefined) throw new Error('kafkajs')
    // The record of 8 MB does not fit into segments of 1 MiB; nothing else fails.
    expect((await run(program.command, [...program.words, broker.bootstrap, 'kafkajs'])).stdout).toContain('ok many')
    expect(await broker.stop()).toBe(0)
  })
  afterAll(() => broker?.[Symbol.asyncDispose]())

  it('reads every record of every segment', async () => {
    const { stdout, code } = await dump(['--deep-iteration', '--print-data-log', '--files', files('.log').join(',')])
    expect(code).toBe(0)
    expect(stdout).not.toMatch(/Found|mismatch|isvalid: false|invalid/i)
    expect(stdout.match(/^\| offset: /gm)?.length).toBe(100_000 + 5 * 300)
    expect(files('.log').length).toBeGreaterThan(16)
  })

  it.each(['.index', '.timeindex'])('verifies every %s', async ending => {
    for (const mode of ['--verify-index-only', '--index-sanity-check']) {
      const { stdout, stderr, code } = await dump([mode, '--files', files(ending).join(',')])
      expect(code, stderr).toBe(0)
      expect(stdout + stderr).not.toMatch(/mismatch|non-?monotonic|not indexed|corrupt|exception/i)
    }
  })
})
