// What a program that installs @ottla/client gets: how many packages, how large, without install scripts, loadable by import and by require.
import { execFileSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const MAX_PACKAGES = 10
/** The aim is 3 MB: a quarter of what there is are three copies of one wasm file in the package that zstd comes from. */
const MAX_BYTES = 3_400_000

interface Manifest {
  readonly name: string
  readonly scripts?: Readonly<Record<string, string>>
}

const run = (command: string, words: readonly string[], cwd: string): string =>
  execFileSync(command, words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(name => join(folder, name))
    .filter(path => lstatSync(path).isFile())

describe('@ottla/client, installed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-package-'))
  const modules = join(folder, 'node_modules')
  let manifests: { readonly folder: string; readonly manifest: Manifest }[] = []
  let refusal: string | undefined

  beforeAll(() => {
    const pack = (name: string): string => {
      const packed: readonly { readonly filename: string }[] = JSON.parse(
        run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], join(root, 'packages', name)),
      )
      return join(folder, packed[0]?.filename ?? '')
    }
    const tarballs = [pack('protocol'), pack('client')]
    writeFileSync(join(folder, 'package.json'), '{"private":true}')
    try {
      run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', ...tarballs], folder)
    } catch (error) {
      if (process.env['REQUIRE_ALL'] === '1') throw error
      refusal = `npm cannot install: ${String(error).slice(0, 300)}`
      console.warn(refusal)
      return
    }
    manifests = filesIn(modules)
      .filter(path => /node_modules\/(?:@[^/]+\/)?[^/@]+\/package\.json$/.test(path))
      .map(path => ({ folder: join(path, '..'), manifest: JSON.parse(readFileSync(path, 'utf8')) }))
  }, 300_000)

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it(`is at most ${MAX_PACKAGES} packages, none of which runs a script`, ({ skip }) => {
    if (refusal !== undefined) skip(refusal)
    expect(manifests.map(({ manifest }) => manifest.name).toSorted()).toContain('@ottla/client')
    expect(manifests.length).toBeLessThanOrEqual(MAX_PACKAGES)
    const scripts = manifests.flatMap(({ manifest }) =>
      ['preinstall', 'install', 'postinstall'].filter(name => manifest.scripts?.[name] !== undefined),
    )
    expect(scripts).toEqual([])
  })

  it(`takes at most ${MAX_BYTES / 1_000_000} MB`, ({ skip }) => {
    if (refusal !== undefined) skip(refusal)
    const sizes = manifests.map(({ folder: own, manifest }) => ({
      name: manifest.name,
      bytes: filesIn(own).reduce((sum, path) => sum + lstatSync(path).size, 0),
    }))
    const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0)
    expect(total, JSON.stringify(sizes)).toBeLessThanOrEqual(MAX_BYTES)
  })

  it('has neither sources nor tests in it', ({ skip }) => {
    if (refusal !== undefined) skip(refusal)
    const own = filesIn(join(modules, '@ottla'))
    expect(
      own.filter(path => !/\.(?:js|d\.ts|json|md|wasm)$|LICENSE|NOTICE/.test(path) || /[.-](?:test|testing|bench|fuzz)\./.test(path)),
    ).toEqual([])
  })

  it('loads by import and by require', ({ skip }) => {
    if (refusal !== undefined) skip(refusal)
    const told = "typeof Kafka === 'function' && new Kafka({ brokers: ['a:1'] }).producer().isIdempotent()"
    expect(
      run(process.execPath, ['--input-type=module', '-e', `import { Kafka } from '@ottla/client'; console.log(${told})`], folder).trim(),
    ).toBe('true')
    expect(
      run(
        process.execPath,
        ['--no-warnings', '--input-type=commonjs', '-e', `const { Kafka } = require('@ottla/client'); console.log(${told})`],
        folder,
      ).trim(),
    ).toBe('true')
  })
})
