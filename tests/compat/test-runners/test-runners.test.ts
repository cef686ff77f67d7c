// @ottla/testing in every test runner: the suites of this folder, each run by its own runner in a process of its own, against the built
// packages. jest and mocha are installed into the cache.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { available, cache } from '../programs.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../../..', import.meta.url))
const folder = join(cache, 'test-runners')
const installed = (name: string): string => join(folder, 'node_modules', name)

/** Why jest and mocha are not there, if they are not. */
function missing(): string | undefined {
  if (existsSync(installed('jest')) && existsSync(installed('mocha'))) return undefined
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  try {
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', 'jest@30', 'mocha@11'], { cwd: folder, stdio: 'ignore' })
    return undefined
  } catch {
    return 'jest and mocha from npm'
  }
}

const typedSuite = `
import { expect } from '@jest/globals'
import '@ottla/testing/jest-globals'
import { startKafka } from '@ottla/testing'
export const test = async (): Promise<void> => {
  const kafka = await startKafka()
  const waited: Promise<void> = expect(kafka.topic('a')).toHaveReceived({ key: 'a' })
  await waited
  await expect(kafka.topic('a')).not.toHaveRecordCount(1)
  const ofGroup = expect(kafka.group('a'))
  type Expected = Parameters<typeof ofGroup.toHaveReceived>[0]
  const nothing: [Expected] extends [never] ? true : false = true
  if (nothing) return
}
`

interface Run {
  readonly code: number | null
  readonly output: string
}

/** Runs Node as a user's shell would: without what this run of vitest gave to its own processes. */
function runNode(words: readonly string[], flags = ''): Promise<Run> {
  const env: NodeJS.ProcessEnv = { PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_OPTIONS: flags, NO_COLOR: '1' }
  const child = spawn(process.execPath, words, { cwd: root, env })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve({ code, output }))
  })
}

const jestConfig = JSON.stringify({ testMatch: ['<rootDir>/jest*.suite.mjs'], transform: {}, moduleFileExtensions: ['mjs', 'js'] })

describe('test runners', () => {
  it('node:test', async () => {
    const { code, output } = await runNode(['--test', join(here, 'node-test.suite.mjs')])
    expect(output).toMatch(/pass 2\n/)
    expect(code).toBe(0)
  })

  it('vitest', async () => {
    const words = ['run', '--root', here, '--config', join(here, 'vitest.runner.config.mjs')]
    const { code, output } = await runNode([join(root, 'node_modules/vitest/vitest.mjs'), ...words])
    expect(output).toMatch(/3 passed/)
    expect(code).toBe(0)
  })
})

const others = missing()

describe.runIf(available('jest and mocha', others))('test runners from npm', () => {
  it('jest', async () => {
    const words = ['--rootDir', here, '--config', jestConfig, '--no-watchman']
    const { code, output } = await runNode([join(installed('jest'), 'bin/jest.js'), ...words], '--experimental-vm-modules')
    expect(output).toMatch(/4 passed/)
    expect(code).toBe(0)
  })

  it('the types of jest, where its globals are imported', async () => {
    mkdirSync(join(folder, 'node_modules/@ottla'), { recursive: true })
    rmSync(installed('@ottla/testing'), { force: true })
    symlinkSync(join(root, 'packages/testing'), installed('@ottla/testing'))
    const file = join(folder, 'jest-types.ts')
    writeFileSync(file, typedSuite)
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')]
    const language = ['--module', 'nodenext', '--target', 'es2023', '--lib', 'es2023,esnext.disposable', '--strict', '--skipLibCheck']
    const words = [
      join(root, 'node_modules/typescript/bin/tsc'),
      '--ignoreConfig',
      '--noEmit',
      '--preserveSymlinks',
      ...language,
      ...types,
      file,
    ]
    const { code, output } = await runNode(words)
    expect(output).toBe('')
    expect(code).toBe(0)
  })

  it('mocha', async () => {
    const { code, output } = await runNode([join(installed('mocha'), 'bin/mocha.js'), join(here, 'mocha.suite.mjs')])
    expect(output).toMatch(/2 passing/)
    expect(code).toBe(0)
  })
})
