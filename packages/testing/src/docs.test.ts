// The examples of docs/testing.md run as they stand, against the built packages.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const folder = join(root, 'node_modules/.cache/ottla-docs', String(process.pid))
const page = readFileSync(join(root, 'docs/testing.md'), 'utf8')
const examples = [...page.matchAll(/```js\n(?<code>[\s\S]*?)```/g)].map(match => match.groups?.['code'] ?? '')

const isImport = (line: string): boolean => line.startsWith('import ')

/** A program around an example: its imports at the top, and a broker for those that start none. */
function program(code: string): string {
  const lines = code.split('\n')
  return [
    ...lines.filter(isImport),
    "import { startKafka as start } from '@ottla/testing'",
    'const run = async kafka => {{',
    ...lines.filter(line => !isImport(line)),
    '}}',
    'const broker = await start({ topics: { orders: 3 } })',
    'try { await run(broker) } finally { await broker.close() }',
  ].join('\n')
}

/** Runs all examples in one process, one after the other; says which failed, and how. */
const runner = (files: readonly string[]): string => `
for (const file of ${JSON.stringify(files)}) {
  try {
    await import(file)
  } catch (error) {
    console.error(file, error)
    process.exitCode = 1
  }
}`

function runNode(file: string): Promise<{ code: number | null; output: string }> {
  const env: NodeJS.ProcessEnv = { PATH: process.env['PATH'], HOME: process.env['HOME'] }
  const child = spawn(process.execPath, [file], { cwd: root, env })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve({ code, output }))
  })
}

describe('docs/testing.md', () => {
  mkdirSync(folder, { recursive: true })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('has examples that work', async () => {
    expect(examples.length).toBeGreaterThanOrEqual(8)
    const files = examples.map((code, at) => {
      const file = `example-${at}.mjs`
      writeFileSync(join(folder, file), program(code))
      return `./${file}`
    })
    writeFileSync(join(folder, 'all.mjs'), runner(files))
    expect(await runNode(join(folder, 'all.mjs'))).toMatchObject({ code: 0 })
  })
})
