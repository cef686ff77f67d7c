// The page that tells how KafkaJS's own specs fare with this client.
import type { ExpectedFailure } from './expected.ts'
import type { Outcome, SpecFiles } from './runner.ts'

const rows = (cells: readonly (readonly string[])[]): string =>
  cells.map(row => `| ${row.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |\n`).join('')

/** The text of docs/kafkajs-suite.md. */
export function pageOf(outcomes: readonly Outcome[], { left }: SpecFiles, expected: readonly ExpectedFailure[]): string {
  const files = [...new Set(outcomes.map(({ file }) => file))].toSorted()
  const count = (file: string, status: Outcome['status']): number =>
    outcomes.filter(one => one.file === file && one.status === status).length
  const total = (status: Outcome['status']): number => outcomes.filter(one => one.status === status).length
  return `# KafkaJS's own tests with @ottla/client

KafkaJS 2.2.4 has a suite of specs that run against a broker. \`tests/compat/kafkajs-suite.test.ts\` runs all of them that are about what programs
can see, with \`@ottla/client\` in the place of KafkaJS's source: \`require('../index')\`, \`require('../../producer')\`, \`require('../../errors')\` and the
like give this client. The specs are fetched when the test runs and are not part of this repository; nothing in them is changed but the ports of
brokers. The broker is one Ottla broker. Where a spec looks at the cluster from outside (who coordinates a group, which offsets there are), a
cluster of KafkaJS answers.

${total('passed')} tests pass, ${total('failed')} fail as expected, ${total('skipped')} are skipped by KafkaJS itself. Run it with
\`npx vitest run --config vitest.compat.config.ts tests/compat/kafkajs-suite.test.ts\`.

## Results

| Spec file | Passed | Failed | Skipped |
|---|---|---|---|
${rows(files.map(file => [`\`${file}\``, String(count(file, 'passed')), String(count(file, 'failed')), String(count(file, 'skipped'))]))}
## What does not pass, and why

| Spec file | Test | Why |
|---|---|---|
${rows(expected.map(({ file, test, reason }) => [`\`${file}\``, test, reason]))}
## Left out

These specs are about KafkaJS's insides and have no meaning without them.

| Spec files | About |
|---|---|
${rows(grouped(left))}`
}

const grouped = (left: SpecFiles['left']): string[][] =>
  [...new Set(left.map(({ reason }) => reason))].map(reason => {
    const files = left.filter(one => one.reason === reason).map(({ file }) => file)
    const [first = ''] = files
    const folder = first.split('/').slice(0, 2).join('/')
    return [files.length > 3 ? `${files.length} in \`${folder}\`` : files.map(file => `\`${file}\``).join(', '), reason]
  })
