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

  it('has examples', () => expect(examples.length).toBeGreaterThanOrEqual(8))

  it.each(examples.map((code, at) => ({ at, first: code.split('\n')[0] ?? '', code })))('example $at: $first', async ({ at, code }) => {
    const file = join(folder, `example-${at}.mjs`)
    writeFileSync(file, program(code))
    expect(await runNode(file)).toMatchObject({ code: 0 })
  })
})
