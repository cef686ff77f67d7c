// KafkaJS's own specs with this client in place of its source, against an Ottla broker. docs/kafkajs-suite.md has the result. The specs are
// cloned from the public repository, or from what KAFKAJS_SOURCE names; jest is installed beside them, both outside of this repository.
// KAFKAJS_SUITE_FILES runs only spec files whose path has one of these (comma-separated) parts; KAFKAJS_SUITE_WRITE=1 writes the document.
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBroker, type TestBroker } from '../client/broker.ts'
import { expectedFailures } from './kafkajs-suite/expected.ts'
import { pageOf } from './kafkajs-suite/page.ts'
import { checkout, cleanUp, installTools, type Outcome, runSpecs, specFiles } from './kafkajs-suite/runner.ts'

const page = new URL('../../docs/kafkajs-suite.md', import.meta.url)
const parts = process.env['KAFKAJS_SUITE_FILES']?.split(',')

/** The checkout, or why there is none. */
function prepared(): { readonly source: string; readonly missing?: undefined } | { readonly missing: string } {
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

const expected = ({ file, test }: Outcome): boolean => expectedFailures.some(entry => entry.file === file && test.startsWith(entry.test))

const { source = '', missing } = { source: undefined, ...prepared() }

describe.skipIf(missing !== undefined)("KafkaJS's own specs", () => {
  let broker: TestBroker
  let outcomes: Outcome[] = []

  const run = (files: readonly string[]): Promise<Outcome[]> => {
    const port = Number(broker.bootstrap.split(':')[1])
    return runSpecs(source, files, Object.fromEntries([9092, 9095, 9098].map(theirs => [theirs, port])))
  }

  beforeAll(async () => {
    broker = await startBroker({ 'num.partitions': '2', 'group.min.session.timeout.ms': '1000', 'delete.topic.enable': 'true' })
    const files = specFiles(source).run.filter(file => parts?.some(part => file.includes(part)) ?? true)
    outcomes = await run(files)
    // What depends on how quick the machine is has a second chance.
    const again = new Set(outcomes.filter(outcome => outcome.status === 'failed' && !expected(outcome)).map(({ file }) => file))
    if (again.size > 0 && process.env['KAFKAJS_SUITE_ONCE'] !== '1') {
      const second = await run([...again])
      const passed = (one: Outcome): boolean =>
        second.some(({ file, test, status }) => file === one.file && test === one.test && status === 'passed')
      outcomes = outcomes.map(outcome => (passed(outcome) ? { ...outcome, status: 'passed' } : outcome))
    }
    if (process.env['KAFKAJS_SUITE_RESULTS'] !== undefined)
      writeFileSync(process.env['KAFKAJS_SUITE_RESULTS'], JSON.stringify(outcomes, null, 1))
  }, 1_800_000)

  afterAll(async () => {
    await broker[Symbol.asyncDispose]()
    if (process.env['KAFKAJS_SUITE_RESULTS'] === undefined) cleanUp()
  })

  it('are all known: each is run, or left out for a reason', () => {
    expect(specFiles(source).unknown).toEqual([])
  })

  it('pass, but for those that are expected not to', () => {
    const failed = outcomes.filter(outcome => outcome.status === 'failed' && !expected(outcome))
    expect(failed.map(({ file, test, why }) => `${file}: ${test}: ${why}`)).toEqual([])
    expect(outcomes.length).toBeGreaterThan(0)
  })

  it.skipIf(parts !== undefined)('fail where they are expected to', () => {
    const failures = outcomes.filter(({ status }) => status === 'failed')
    const idle = expectedFailures.filter(entry => !failures.some(({ file, test }) => file === entry.file && test.startsWith(entry.test)))
    expect(idle).toEqual([])
  })

  it.skipIf(parts !== undefined)('are told about in docs/kafkajs-suite.md', () => {
    const text = pageOf(outcomes, specFiles(source), expectedFailures)
    if (process.env['KAFKAJS_SUITE_WRITE'] === '1') writeFileSync(page, text)
    expect(readFileSync(page, 'utf8')).toBe(text)
  })
})
