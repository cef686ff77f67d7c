// The rules of the source tree, as a test: who may import whom, how long a file may be, which names are taken for
// a sign that nobody found the right one.
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = new URL('..', import.meta.url)
const generated = /(^|\/)(node_modules|dist|\.git|\.ottla|coverage|target|Cargo\.lock)(\/|$)/
const walk = (folder: string): string[] =>
  readdirSync(new URL(folder, root), { withFileTypes: true }).flatMap(entry => {
    const path = `${folder}${entry.name}`
    if (generated.test(path)) return []
    return entry.isDirectory() ? walk(`${path}/`) : entry.isFile() ? [path] : []
  })
const files = walk('')
const text = (path: string) => readFileSync(new URL(path, root), 'utf8')
const sources = files.filter(path => /\.(ts|tsx|js|mjs)$/.test(path) && !path.includes('/fixtures/'))

/** Package folder -> the packages its sources may import. */
const mayImport: Record<string, readonly string[]> = {
  protocol: [],
  storage: ['protocol'],
  metadata: ['protocol'],
  coordinator: ['protocol'],
  broker: ['protocol', 'storage', 'metadata', 'coordinator'],
  client: ['protocol'],
  testing: ['protocol', 'storage', 'metadata', 'broker', 'client'],
  cli: ['protocol', 'storage', 'metadata', 'broker'],
}
const isTest = (path: string) => /\.(test|bench|fuzz|contract)\.ts$/.test(path)
const imports = (path: string) =>
  [...text(path).matchAll(/(?:from|import)\s*\(?\s*'(?<name>[^']+)'/g)].map(match => match.groups?.name ?? '')

const ceiling = 400
const bannedNames = /(^|-)(helpers?|utils?|misc|common|stuff|impl)(\.|-|$)/
const registries = ['registry,npmjs', 'repo1,maven', 'proxy,golang', 'pypi,org', 'crates,io'].map(address => address.replace(',', '.'))

describe('the source tree', () => {
  it('imports between packages only along the arrows of the architecture', () => {
    const wrong: string[] = []
    for (const path of sources.filter(candidate => candidate.startsWith('packages/'))) {
      const own = path.split('/')[1] ?? ''
      for (const name of imports(path)) {
        const other = name.startsWith('@ottla/') ? name.split('/')[1] : /(?:^|\/)packages\/(\w+)/.exec(name)?.[1]
        if (other !== undefined && other !== own && !mayImport[own]?.includes(other)) wrong.push(`${path} imports ${name}`)
        if (name.split('/').filter(part => part === '..').length > 3) wrong.push(`${path} reaches out of its package: ${name}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('has no package without a rule', () => {
    const folders = new Set(files.filter(path => path.startsWith('packages/')).map(path => path.split('/')[1] ?? ''))
    expect([...folders].filter(folder => !(folder in mayImport))).toEqual([])
  })

  it(`has no file of more than ${ceiling} lines`, () => {
    const long = sources.map(path => ({ path, lines: text(path).split('\n').length - 1 })).filter(({ lines }) => lines > ceiling)
    expect(long).toEqual([])
  })

  it('has no file named after nothing', () => {
    expect(sources.filter(path => bannedNames.test(basename(path)))).toEqual([])
  })

  it('silences no check and leaves nothing unfinished', () => {
    const silenced = /@ts-(?:ignore|expect-error|nocheck)|(?:oxlint|eslint)-disable|biome-ignore|\bTODO\b|\bFIXME\b|\.(?:only|todo)\(/
    expect(sources.filter(path => path !== 'tools/tidy.test.ts' && silenced.test(text(path)))).toEqual([])
  })

  it('does not match patterns that come from outside with RegExp', () => {
    const dynamic = sources.filter(path => path.startsWith('packages/') && !isTest(path) && /new RegExp\(/.test(text(path)))
    expect(dynamic).toEqual([])
  })

  it('names no package registry', () => {
    const named = files.filter(path => /\.(ts|js|mjs|json|toml|mod|sum|xml|md|yml|yaml|lock|sh|properties)$/.test(path))
    expect(named.filter(path => registries.some(address => text(path).includes(address)))).toEqual([])
  })
})
