// The snippets of docs/client.md: all of them compile as they stand, with strict types, and run against a broker. A comment before a snippet says what
// it prints while it runs, or that it needs what is not here and is compiled only.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startKafka } from '@ottla/testing'
import { expect, test } from 'vitest'
import { Program } from '../../examples/running.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = join(root, 'node_modules/.cache/ottla-guide', String(process.pid))
const page = readFileSync(join(root, 'docs/client.md'), 'utf8')

interface Snippet {
  readonly name: string
  readonly code: string
  readonly isRun: boolean
  readonly prints: string | null
}

const snippets = [...page.matchAll(/(?:<!-- (?<note>[^\n]*) -->\n)?```ts\n(?<code>[\s\S]*?)```/g)].map(
  ({ groups = {} }, index): Snippet => {
    const { code = '', note } = groups
    return {
      name: `snippet-${index + 1}`,
      code,
      isRun: note !== 'compiled only',
      prints: note?.startsWith('prints: ') === true ? note.slice('prints: '.length) : null,
    }
  },
)

const isImport = (line: string): boolean => line.startsWith('import ')

/** A module of a snippet, with a client where it makes none. */
function moduleOf(code: string, bootstrap: string): string {
  const lines = code.replace("'localhost:9092'", `'${bootstrap}'`).split('\n')
  const own = code.includes('const kafka =')
    ? []
    : ["import { Kafka as Client } from '@ottla/client'", `const kafka = new Client({ brokers: ['${bootstrap}'], logLevel: 0 })`]
  return [...lines.filter(isImport), ...own, ...lines.filter(line => !isImport(line)), 'export {}'].join('\n')
}

/** Runs one module after the other, and says when each is through. */
const runner = (names: readonly string[]): string =>
  names.map(name => `await import('./${name}.js')\nconsole.log('${name} is through')`).join('\n')

const settings = {
  extends: join(root, 'tsconfig.base.json'),
  compilerOptions: {
    composite: false,
    declaration: false,
    declarationMap: false,
    customConditions: [],
    noUnusedLocals: false,
    noUnusedParameters: false,
    rootDir: '.',
    outDir: '.',
  },
  files: [...snippets.map(({ name }) => `${name}.ts`), 'run.ts'],
}

test('the snippets of docs/client.md do what they say', async () => {
  expect(snippets.length).toBeGreaterThan(15)
  const values = ['chair', 'lamp', 'table']
  await using kafka = await startKafka({ topics: { orders: 3, receipts: 1, typed: 1, 'orders.shop.dlt': 1 } })
  await kafka.topic('orders').produce(values.map(value => ({ key: `for ${value}`, value })))
  mkdirSync(folder, { recursive: true })
  try {
    for (const { name, code } of snippets) writeFileSync(join(folder, `${name}.ts`), moduleOf(code, kafka.bootstrap))
    writeFileSync(join(folder, 'run.ts'), `export {}\n${runner(snippets.filter(({ isRun }) => isRun).map(({ name }) => name))}`)
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
    const compiled = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { encoding: 'utf8' })
    expect(compiled.stdout).toBe('')
    await using program = new Program(join(folder, 'run.js'), {})
    const through = snippets.filter(({ isRun }) => isRun).map(({ name }) => name)
    for (const name of through) await program.prints(`${name} is through`)
    await program.prints(...snippets.flatMap(({ prints }) => prints ?? []))
    expect(program.errors).toBe('')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
