// The page that tells how KafkaJS's own specs fare with this client.
import type { Brokers, ExpectedFailure } from './expected.ts'
import type { Outcome, SpecFiles } from './runner.ts'

const rows = (cells: readonly (readonly string[])[]): string =>
  cells.map(row => `| ${row.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |\n`).join('')

const names = { ottla: 'Ottla', kafka: 'Apache Kafka' } as const

type Results = ReadonlyMap<Brokers, readonly Outcome[]>

/** Tests that may pass or fail count as failed, so that the page is the same each time. */
const settled = (of: Brokers, outcomes: readonly Outcome[], expected: readonly ExpectedFailure[]): Outcome[] => {
  const rare = expected.filter(({ rarely, brokers = of }) => rarely === true && brokers === of)
  return outcomes.map(one =>
    rare.some(({ file, test }) => file === one.file && one.test.startsWith(test)) ? { ...one, status: 'failed' } : one,
  )
}

function cellOf(results: Results, of: Brokers, file: string): string {
  const here = (results.get(of) ?? []).filter(one => one.file === file)
  if (here.length === 0) return 'not run'
  const failed = here.filter(({ status }) => status === 'failed').length
  const ran = here.filter(({ status }) => status !== 'skipped').length
  return failed === 0 ? `all ${ran}` : `${ran - failed} of ${ran}`
}

/** The text of docs/kafkajs-suite.md. */
export function pageOf(seen: Results, { left, expected }: { left: SpecFiles['left']; expected: readonly ExpectedFailure[] }): string {
  const results = new Map([...seen].map(([of, outcomes]) => [of, settled(of, outcomes, expected)]))
  const files = [...new Set([...results.values()].flat().map(({ file }) => file))].toSorted()
  const total = (of: Brokers): string => {
    const ran = (results.get(of) ?? []).filter(({ status }) => status !== 'skipped')
    return `${ran.filter(({ status }) => status === 'passed').length} of ${ran.length}`
  }
  return `# KafkaJS's own tests with @ottla/client

KafkaJS 2.2.4 has a suite of specs that run against brokers. \`tests/compat/kafkajs-suite.test.ts\` runs all of them that are about what programs can
see, with \`@ottla/client\` in the place of KafkaJS's source: \`require('../index')\`, \`require('../../producer')\`, \`require('../../errors')\` and the like
give this client. The specs are fetched when the test runs and are not part of this repository; nothing in them is changed but the ports of brokers.
Where a spec looks at the cluster from outside (who coordinates a group, which offsets there are), a cluster of KafkaJS answers. KafkaJS's test of its
types compiles with the import changed.

${total('ottla')} tests pass against one Ottla broker, ${total('kafka')} against three brokers of Apache Kafka 4.3 with TLS, SASL and an authorizer. Run it with
\`KAFKAJS_SUITE=1 npx vitest run --config vitest.compat.config.ts kafkajs-suite\`.

## Tests that pass

| Spec file | Ottla | Apache Kafka |
|---|---|---|
${rows(files.map(file => [`\`${file}\``, cellOf(results, 'ottla', file), cellOf(results, 'kafka', file)]))}
## What does not pass, and why

| Spec file | Test | Against | Why |
|---|---|---|---|
${rows(expected.map(({ file, test, brokers, reason }) => [`\`${file}\``, test, brokers === undefined ? 'both' : names[brokers], reason]))}
## Left out

These specs are about KafkaJS's insides and have no meaning without them.

| Spec files | What they are about |
|---|---|
${rows(grouped(left))}`
}

const grouped = (left: SpecFiles['left']): string[][] =>
  [...new Set(left.map(({ reason }) => reason))].map(reason => {
    const files = left.filter(one => one.reason === reason).map(({ file }) => file)
    const folder = (files[0] ?? '').split('/').slice(0, 2).join('/')
    return [files.length > 3 ? `${files.length} in \`${folder}\`` : files.map(file => `\`${file}\``).join(', '), reason]
  })
