// Runs KafkaJS's own specs with this client in place of its source: its checkout, jest and the bundled client lie in a cache folder.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { cache as shared } from '../programs.ts'
import type { Brokers } from './expected.ts'
import { applicable, internal, secured } from './spec-files.ts'

const REPOSITORY = 'https://github.com/tulios/kafkajs.git'
const TAG = 'v2.2.4'
const TOOLS = ['jest@29', 'jest-extended@0.11', 'uuid@3', 'semver@6', 'execa@2', 'jsonwebtoken@9', 'mockdate@2', 'glob@7', 'esbuild@0.25']
/** Below KafkaJS's own 90 s: what has not happened by then does not happen. */
const TEST_TIMEOUT_MS = 25_000
const root = resolve(import.meta.dirname, '../../..')
const cache = join(shared, 'kafkajs-suite')
/** Bundles and results of this process. */
const builds = join(cache, `run-${process.pid}`)
const tools = join(cache, 'tools')

/** What jest said in this run. */
export const logFile = join(builds, 'jest.log')

/** What became of a test. */
export interface Outcome {
  /** Path of the spec file. */
  readonly file: string
  /** Names of describe blocks and of the test. */
  readonly test: string
  readonly status: 'passed' | 'failed' | 'skipped'
  /** The first line of the failure. */
  readonly why: string
}

/** The spec files of a checkout: those to be run, those left out with the reason, and those that nobody has thought of. */
export interface SpecFiles {
  readonly run: readonly string[]
  readonly left: readonly { readonly file: string; readonly reason: string }[]
  readonly unknown: readonly string[]
}

/** Where brokers listen, by the port that KafkaJS's specs have for them. */
export type Ports = Readonly<Record<string, number>>

/** A checkout of KafkaJS in the cache folder, made of the one named by KAFKAJS_SOURCE (a work tree or a git directory) or of the public repository. */
export function checkout(): string {
  const source = join(cache, 'source')
  if (existsSync(join(source, 'testHelpers/index.js'))) return source
  const named = process.env['KAFKAJS_SOURCE']
  if (named !== undefined && existsSync(join(named, 'testHelpers/index.js'))) return named
  mkdirSync(cache, { recursive: true })
  execFileSync('git', ['clone', '--quiet', '--depth', '1', '--branch', TAG, named ?? REPOSITORY, source], {
    stdio: 'pipe',
    timeout: 120_000,
  })
  return source
}

/** Installs jest and what the specs use, once. */
export function installTools(): void {
  if (existsSync(join(tools, 'node_modules/.bin/jest')) && existsSync(join(tools, 'node_modules/.bin/esbuild'))) return
  mkdirSync(tools, { recursive: true })
  writeFileSync(join(tools, 'package.json'), '{"private":true}')
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...TOOLS], { cwd: tools, stdio: 'pipe', timeout: 300_000 })
}

const reasonOf = (file: string): string | undefined => internal.find(([path]) => file.startsWith(path))?.[1]

/** All spec files of a checkout: those to be run, and those left out with the reason. */
export function specFiles(source: string, of: Brokers): SpecFiles {
  const all = readdirSync(join(source, 'src'), { recursive: true, encoding: 'utf8' })
    .map(file => `src/${file}`)
    .filter(file => file.endsWith('.spec.js'))
    .toSorted()
  const left = all.flatMap(file => {
    const reason = reasonOf(file)
    return reason === undefined ? [] : [{ file, reason }]
  })
  const run = all.filter(file => applicable.some(path => file.startsWith(path)) && reasonOf(file) === undefined)
  const unknown = all.filter(file => !run.includes(file) && reasonOf(file) === undefined)
  return { run: of === 'kafka' ? run : run.filter(file => !secured.includes(file)), left, unknown }
}

/** KafkaJS's jest is older: it let a hook be asynchronous and take `done` as well. */
const setup = `jest.setTimeout(${TEST_TIMEOUT_MS})
const hook = beforeEach
global.beforeEach = (run, ...rest) => hook(run.length === 0 ? run : done => void run(done), ...rest)
`

/** Bundles the client and what stands between it and jest as CommonJS, which is what jest knows. */
function build(source: string): void {
  const esbuild = join(tools, 'node_modules/.bin/esbuild')
  const place = `require('node:url').pathToFileURL(${JSON.stringify(join(root, 'packages/protocol/src/bundle.js'))}).href`
  const words = ['--bundle', '--platform=node', '--format=cjs', '--target=node20', '--conditions=ottla-source', '--log-level=error']
  const here = [
    '--define:import.meta.url=moduleUrl',
    `--banner:js=const moduleUrl = ${place};`,
    '--external:@node-rs/crc32',
    '--footer:js=module.exports = module.exports.default ?? module.exports;',
  ]
  for (const name of ['resolver', 'transform', 'surroundings', 'client']) {
    const one = name === 'client' ? [] : ['--external:@ottla/client']
    execFileSync(
      esbuild,
      [join(import.meta.dirname, `jest/${name}.ts`), ...words, ...here, ...one, `--outfile=${join(builds, `${name}.cjs`)}`],
      { stdio: 'pipe' },
    )
  }
  const replaced: Record<string, string> = {}
  for (const file of replacedFiles()) {
    const shim = join(builds, 'modules', file)
    mkdirSync(dirname(shim), { recursive: true })
    writeFileSync(shim, `module.exports = require('${join(builds, 'client.cjs')}').modules['${file}']\n`)
    replaced[join(source, file)] = shim
  }
  const helpers = join(builds, 'modules/testHelpers.js')
  writeFileSync(join(builds, 'setup.js'), setup)
  writeFileSync(helpers, `module.exports = require('${join(builds, 'surroundings.cjs')}').helpers\n`)
  const client = join(builds, 'modules/index.js')
  writeFileSync(
    join(builds, 'modules.json'),
    JSON.stringify({ builds, replaced: { ...replaced, testHelpers: helpers, [join(source, 'testHelpers/index.js')]: helpers, client } }),
  )
}

/** The keys of `modules` in jest/client.ts. */
const replacedFiles = (): string[] =>
  [...readFileSync(join(import.meta.dirname, 'jest/client.ts'), 'utf8').matchAll(/^ {2}'((?:src\/|index)[\w/.]+)':/gm)].flatMap(
    ([, file]) => file ?? [],
  )

interface JestResults {
  readonly testResults: readonly {
    readonly name: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

const escapes = new RegExp(`${String.fromCodePoint(27)}\\[[0-9;]*m`, 'g')
const firstLine = (text: string): string => text.replaceAll(escapes, '').split('\n').slice(0, 3).join(' ').slice(0, 240)

/** Runs spec files, one after the other, and tells what became of each test. What jest says is in `logFile`. */
export async function runSpecs(source: string, files: readonly string[], ports: Ports): Promise<Outcome[]> {
  build(source)
  const output = join(builds, 'results.json')
  const config = {
    rootDir: source,
    resolver: join(builds, 'resolver.cjs'),
    transform: { '\\.js$': join(builds, 'transform.cjs') },
    modulePaths: [join(tools, 'node_modules'), join(root, 'node_modules')],
    moduleNameMapper: { '^@ottla/client$': join(builds, 'modules/index.js') },
    setupFilesAfterEnv: [join(source, 'testHelpers/setup.js'), join(builds, 'setup.js')],
    testEnvironment: 'node',
    snapshotFormat: { escapeString: true, printBasicPrototype: true },
    testRegex: ['\\.spec\\.js$'],
  }
  const env = {
    ...process.env,
    NODE_ENV: 'test',
    KAFKA_VERSION: '2.4',
    KAFKAJS_SOURCE: source,
    KAFKAJS_NO_PARTITIONER_WARNING: '1',
    OTTLA_SUITE_MODULES: join(builds, 'modules.json'),
    OTTLA_SUITE_PORTS: JSON.stringify(ports),
  }
  const words = [
    '--config',
    JSON.stringify(config),
    '--runInBand',
    '--forceExit',
    '--json',
    `--outputFile=${output}`,
    '--runTestsByPath',
    ...files.map(file => join(source, file)),
  ]
  const log = openSync(logFile, 'w')
  const child = spawn(join(tools, 'node_modules/.bin/jest'), words, { cwd: source, env, stdio: ['ignore', log, log], timeout: 1_800_000 })
  await once(child, 'exit')
  closeSync(log)
  if (!existsSync(output)) throw new Error(`jest has no results: ${readFileSync(logFile, 'utf8').slice(-2000)}`)
  const { testResults }: JestResults = JSON.parse(readFileSync(output, 'utf8'))
  rmSync(output)
  return testResults.flatMap(({ name, message, assertionResults }) => {
    const file = relative(source, name)
    if (assertionResults.length === 0) return [{ file, test: '(the whole file)', status: 'failed' as const, why: firstLine(message) }]
    return assertionResults.map(({ fullName, status, failureMessages }) => ({
      file,
      test: fullName,
      status: status === 'passed' ? ('passed' as const) : status === 'failed' ? ('failed' as const) : ('skipped' as const),
      why: firstLine(failureMessages[0] ?? ''),
    }))
  })
}

/** Removes the files of this run. */
export const cleanUp = (): void => rmSync(builds, { recursive: true, force: true })

/** A folder with KafkaJS's test of its types, the import changed, as a project for the compiler. */
export function programOfTypes(source: string): string {
  const folder = join(builds, 'types')
  mkdirSync(join(folder, 'node_modules/@ottla'), { recursive: true })
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true })
  const text = readFileSync(join(source, 'types/tests.ts'), 'utf8')
  writeFileSync(join(folder, 'tests.ts'), text.replace("'./index'", "'@ottla/client'"))
  symlinkSync(join(root, 'packages/client'), join(folder, 'node_modules/@ottla/client'))
  symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'))
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2022', 'esnext.disposable'],
    strict: true,
    noEmit: true,
    types: ['node'],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['tests.ts'] }))
  return folder
}
