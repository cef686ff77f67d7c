// Where the other clients come from, and how their programs are built. What is missing is skipped by name, or fails with REQUIRE_ALL=1.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
/** Kept between runs: virtual environments, Kafka's jars, compiled programs. */
export const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ottla-compat')

/** How to run a client's program, or why it cannot be run. */
export type Program = { command: string; words: string[]; missing?: undefined } | { missing: string }

/** True when a command is installed. */
export const has = (command: string) => {
  try {
    execFileSync('which', [command], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** What `build` makes, made once. */
export const built = (build: () => Program): (() => Program) => {
  let made: Program | undefined
  return () => (made ??= build())
}

/** A program of clients/python. */
export const python = (file: string) =>
  built(() => {
    const command = join(cache, 'python', 'bin', 'python')
    return existsSync(command) ? { command, words: [join(here, 'clients/python', file)] } : { missing: 'the Python environment of .ci/run' }
  })

/** The programs of a package in clients/go. */
export const goPackage = (folder: string, binary: string) =>
  built(() => {
    if (!has('go')) return { missing: 'go' }
    const command = join(cache, binary)
    execFileSync('go', ['build', '-o', command, folder], { cwd: join(here, 'clients/go'), stdio: 'inherit' })
    return { command, words: [] }
  })
const go = goPackage('.', 'go-clients')

const goClient = (name: string) => () => {
  const program = go()
  return program.missing === undefined ? { ...program, words: [name] } : program
}

const rust = built(() => {
  if (!has('cargo')) return { missing: 'cargo' }
  const target = join(cache, 'rust')
  execFileSync('cargo', ['build', '-q', '--target-dir', target], { cwd: join(here, 'clients/rust'), stdio: 'inherit' })
  return { command: join(target, 'debug', 'compat'), words: [] }
})

/** Folder with the wrappers kafka-*.sh of Apache Kafka's own tools, made by .ci/run. */
export const kafkaBin = join(cache, 'kafka-bin')
export const kafkaToolsMissing = existsSync(join(kafkaBin, 'kafka-topics.sh')) ? undefined : "Apache Kafka's tools (.ci/run gets them)"

/** Folder with Apache Kafka's jars, which the wrappers use. */
export const kafkaJars = (): string | undefined => {
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'kafka-tools', '4.3.1', 'lib')
  return existsSync(folder) && readdirSync(folder).some(name => name.startsWith('kafka-clients')) ? folder : undefined
}

/** A program of clients/java. */
export const java = (name: string, flags: readonly string[] = []) =>
  built(() => {
    const jars = kafkaJars()
    if (jars === undefined || !has('javac')) return { missing: 'javac or the jars of Apache Kafka (.ci/run gets them)' }
    const target = join(cache, 'java')
    mkdirSync(target, { recursive: true })
    execFileSync('javac', ['-cp', `${jars}/*`, '-d', target, join(here, `clients/java/${name}.java`)], { stdio: 'inherit' })
    return { command: 'java', words: [...flags, '-Dorg.slf4j.simpleLogger.defaultLogLevel=off', '-cp', `${target}:${jars}/*`, name] }
  })

/** A program of clients/node. */
export const node = (file: string) => () => ({ command: process.execPath, words: [join(here, 'clients/node', file)] })

/** Client -> its program, built when asked for. */
export const programs: Record<string, () => Program> = {
  kafkajs: node('kafkajs.mjs'),
  '@platformatic/kafka': node('platformatic.mjs'),
  'kafka-python': python('kafka_python.py'),
  'confluent-kafka (Python)': python('confluent.py'),
  'Java clients': java('Scenario'),
  sarama: goClient('sarama'),
  'kafka-go': goClient('kafka-go'),
  'franz-go': goClient('franz-go'),
  rskafka: rust,
}

const goGroup = goPackage('./group', 'go-group')
const goMember = (name: string) => () => {
  const program = goGroup()
  return program.missing === undefined ? { ...program, words: [name] } : program
}

/** Client -> its program that is one member of a consumer group (the contract is in group-member.ts). kcat is its own program. */
export const groupPrograms: Record<string, () => Program> = {
  kafkajs: node('group-kafkajs.mjs'),
  '@platformatic/kafka': node('group-platformatic.mjs'),
  'kafka-python': python('group_kafka_python.py'),
  'confluent-kafka': python('group_confluent.py'),
  Java: java('Group', ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']),
  sarama: goMember('sarama'),
  'kafka-go': goMember('kafka-go'),
  'franz-go': goMember('franz-go'),
  kcat: () => (has('kcat') ? { command: 'kcat', words: [] } : { missing: 'kcat' }),
}

/** True when every tool must be there, as in CI. */
export const requireAll = process.env.REQUIRE_ALL === '1'

/** False, with a line that says so, when something is missing; with REQUIRE_ALL=1 it throws instead. */
export function available(name: string, missing: string | undefined): boolean {
  if (missing === undefined) return true
  if (requireAll) throw new Error(`${name} cannot be run: ${missing} is missing`)
  console.log(`skipped: ${name} (missing: ${missing})`)
  return false
}

export const installed = (command: string): string | undefined => (has(command) ? undefined : command)

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end. */
export function run(
  command: string,
  words: readonly string[],
  options: { input?: string | Buffer; env?: Record<string, string> } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { env: { ...process.env, ...options.env } })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', chunk => (stdout += chunk))
    child.stderr.setEncoding('utf8').on('data', chunk => (stderr += chunk))
    child.on('error', reject)
    child.on('close', code => resolve({ code, stdout, stderr }))
    child.stdin.end(options.input)
  })
}
