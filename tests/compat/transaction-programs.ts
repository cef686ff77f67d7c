// The programs that make transactions with other people's clients, and what each of them calls an error.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { available, built, cache, goPackage, has, java, kafkaJars, node, type Program, python } from './programs.ts'

const jvm = ['-Xmx160m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

const goTransactions = goPackage('./transactions', 'go-transactions')
const goClient = (name: string) => () => {
  const program = goTransactions()
  return program.missing === undefined ? { ...program, words: [name] } : program
}

/** A client that makes transactions. */
export interface TransactionClient {
  readonly name: string
  readonly program: () => Program
  /** What the elder of two producers with the same transactional id is told. */
  readonly fenced: RegExp
  readonly options?: Readonly<Record<string, string>>
}

const javaTransactions = java('Transactions', jvm)

/** Clients with their programs; what they say of fencing is what they say with Apache Kafka 4.3.1. */
export const transactionClients: readonly TransactionClient[] = [
  { name: 'Java', program: javaTransactions, fenced: /^(InvalidProducerEpochException|ProducerFencedException)$/ },
  { name: 'confluent-kafka', program: python('transactions.py'), fenced: /^_FENCED$/ },
  { name: 'sarama', program: goClient('sarama'), fenced: /an operation with an old epoch/ },
  { name: 'franz-go', program: goClient('franz-go'), fenced: /INVALID_PRODUCER_EPOCH/ },
  { name: 'kafkajs', program: node('transactions-kafkajs.mjs'), fenced: /^INVALID_PRODUCER_EPOCH$/ },
  { name: '@platformatic/kafka', program: node('transactions-platformatic.mjs'), fenced: /^INVALID_PRODUCER_EPOCH$/ },
]

/** Kafka Streams' own jars, beside those of the tools. */
const streamsPom = `<project><modelVersion>4.0.0</modelVersion><groupId>compat</groupId><artifactId>streams</artifactId><version>1</version>
<dependencies><dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-streams</artifactId><version>4.3.1</version></dependency></dependencies></project>`

const streamsJars = (): string | undefined => {
  const folder = join(cache, 'kafka-streams', '4.3.1')
  const lib = join(folder, 'lib')
  if (existsSync(lib) && readdirSync(lib).some(name => name.startsWith('kafka-streams'))) return lib
  if (!has('mvn')) return undefined
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'pom.xml'), streamsPom)
  const fetched = join(folder, 'fetched')
  const words = [
    '-q',
    '-B',
    'dependency:copy-dependencies',
    '-DincludeArtifactIds=kafka-streams,rocksdbjni',
    `-DoutputDirectory=${fetched}`,
  ]
  execFileSync('mvn', words, { cwd: folder, stdio: 'inherit' })
  renameSync(fetched, lib)
  return lib
}

/** Kafka Streams' word count. */
export const wordCount = built(() => {
  const jars = kafkaJars()
  const streams = streamsJars()
  if (jars === undefined || streams === undefined || !has('javac')) return { missing: 'javac, mvn or the jars of Apache Kafka' }
  const target = join(cache, 'java-streams')
  const path = `${streams}/*:${jars}/*`
  const source = join(fileURLToPath(new URL('.', import.meta.url)), 'clients/java/WordCount.java')
  mkdirSync(target, { recursive: true })
  execFileSync('javac', ['-cp', path, '-d', target, source], { stdio: 'inherit' })
  return { command: 'java', words: [...jvm, '-Dorg.slf4j.simpleLogger.defaultLogLevel=off', '-cp', `${target}:${path}`, 'WordCount'] }
})

/** The program, or nothing where it is not installed. */
export const programOf = ({
  name,
  program,
}: Pick<TransactionClient, 'name' | 'program'>): Extract<Program, { command: string }> | undefined => {
  const found = program()
  return available(name, found.missing) && found.missing === undefined ? found : undefined
}
