// KafkaJS's own specs with this client in place of its source, against an Ottla broker, and against three brokers of Apache Kafka with TLS and
// SASL where its jars are there. docs/kafkajs-suite.md has the result. The specs are cloned from the public repository, or from what
// KAFKAJS_SOURCE names; jest is installed beside them, both outside of this repository. It takes a quarter of an hour, and runs only with
// KAFKAJS_SUITE=1. KAFKAJS_SUITE_BROKERS=ottla or kafka runs one of the
// two, KAFKAJS_SUITE_FILES only spec files whose path has one of these (comma-separated) parts; KAFKAJS_SUITE_WRITE=1 writes the document.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBroker } from '../client/broker.ts'
import { expectedFailures, type Brokers } from './kafkajs-suite/expected.ts'
import { type SpecBrokers, startKafkaCluster } from './kafkajs-suite/kafka-cluster.ts'
import { pageOf } from './kafkajs-suite/page.ts'
import { checkout, cleanUp, installTools, type Outcome, programOfTypes, runSpecs, specFiles } from './kafkajs-suite/runner.ts'
import { kafkaJars } from './programs.ts'

const page = new URL('../../docs/kafkajs-suite.md', import.meta.url)
const parts = process.env['KAFKAJS_SUITE_FILES']?.split(',')
const only = process.env['KAFKAJS_SUITE_BROKERS']

/** The checkout, or why there is none. */
function prepared(): { readonly source: string; readonly missing?: undefined } | { readonly missing: string } {
  if (process.env['KAFKAJS_SUITE'] !== '1') {
    const missing = "KafkaJS's own specs are not run: set KAFKAJS_SUITE=1"
    console.warn(missing)
    return { missing }
  }
  try {
    installTools()
    return { source: checkout() }
  } catch (error) {
    const missing = `KafkaJS's suite cannot run: ${String(error).slice(0, 300)}`
    if (process.env['REQUIRE_ALL'] === '1') throw new Error(missing, { cause: error })
    console.warn(missing)
    return { missing }
  }
}

const { source = '', missing } = { source: undefined, ...prepared() }

async function startOttla(): Promise<SpecBrokers> {
  const broker = await startBroker({ 'num.partitions': '2', 'group.min.session.timeout.ms': '1000' })
  const port = Number(broker.bootstrap.split(':')[1])
  const ports = Object.fromEntries([9092, 9095, 9098].map(theirs => [theirs, port]))
  return { ports, [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() }
}

/** Runs spec files; those with failures that nobody expects have a second chance, as much depends on how quick the machine is. */
async function outcomesOf(files: readonly string[], { ports, of }: { ports: SpecBrokers['ports']; of: Brokers }): Promise<Outcome[]> {
  const outcomes = await runSpecs(source, files, ports)
  const again = new Set(outcomes.filter(outcome => outcome.status === 'failed' && !isExpected(outcome, of)).map(({ file }) => file))
  if (again.size === 0 || process.env['KAFKAJS_SUITE_ONCE'] === '1') return outcomes
  const second = await runSpecs(source, [...again], ports)
  const passed = (one: Outcome): boolean =>
    second.some(({ file, test, status }) => file === one.file && test === one.test && status === 'passed')
  return outcomes.map(outcome => (passed(outcome) ? { ...outcome, status: 'passed' } : outcome))
}

const expectedOf = (of: Brokers) => expectedFailures.filter(({ brokers }) => brokers === undefined || brokers === of)
const isExpected = ({ file, test }: Outcome, of: Brokers): boolean =>
  expectedOf(of).some(entry => entry.file === file && test.startsWith(entry.test))
const results = new Map<Brokers, Outcome[]>()

describe.skipIf(missing !== undefined)("KafkaJS's own specs", () => {
  afterAll(() => {
    if (process.env['KAFKAJS_SUITE_RESULTS'] === undefined) cleanUp()
    else writeFileSync(process.env['KAFKAJS_SUITE_RESULTS'], JSON.stringify(Object.fromEntries(results), null, 1))
  })

  it('are all known: each is run, or left out for a reason', () => {
    expect(specFiles(source, 'kafka').unknown).toEqual([])
  })

  it('compile with the types of this client', () => {
    const folder = programOfTypes(source)
    const compiler = join(import.meta.dirname, '../../node_modules/.bin/tsc')
    expect(() => execFileSync(compiler, ['-p', folder], { stdio: 'pipe', encoding: 'utf8' })).not.toThrow()
  })

  describe.each([
    { of: 'ottla' as const, name: 'Ottla', start: startOttla, there: true },
    {
      of: 'kafka' as const,
      name: 'Apache Kafka',
      start: () => startKafkaCluster(join(source, 'testHelpers/certs')),
      there: kafkaJars() !== undefined,
    },
  ])('with $name', ({ of, start, there }) => {
    describe.skipIf(!there || (only ?? of) !== of)('as brokers', () => {
      let outcomes: Outcome[] = []

      beforeAll(async () => {
        await using brokers = await start()
        const files = specFiles(source, of).run.filter(file => parts?.some(part => file.includes(part)) ?? true)
        outcomes = await outcomesOf(files, { ports: brokers.ports, of })
        results.set(of, outcomes)
      }, 2_400_000)

      it('pass, but for those that are expected not to', () => {
        const failed = outcomes.filter(outcome => outcome.status === 'failed' && !isExpected(outcome, of))
        expect(failed.map(({ file, test, why }) => `${file}: ${test}: ${why}`)).toEqual([])
        expect(outcomes.length).toBeGreaterThan(0)
      })

      it.skipIf(parts !== undefined)('fail where they are expected to', () => {
        const failures = outcomes.filter(({ status }) => status === 'failed')
        const idle = expectedOf(of).filter(
          entry => entry.rarely !== true && !failures.some(({ file, test }) => file === entry.file && test.startsWith(entry.test)),
        )
        expect(idle).toEqual([])
      })
    })
  })

  it.skipIf(parts !== undefined || only !== undefined || kafkaJars() === undefined)('are told about in docs/kafkajs-suite.md', () => {
    const text = pageOf(results, { left: specFiles(source, 'kafka').left, expected: expectedFailures })
    if (process.env['KAFKAJS_SUITE_WRITE'] === '1') writeFileSync(page, text)
    expect(readFileSync(page, 'utf8')).toBe(text)
  })
})
