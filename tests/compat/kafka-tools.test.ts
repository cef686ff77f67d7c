// Apache Kafka's own command-line tools (4.3.1), unchanged: a first day's work with them, then every recorded case of theirs that
// needs no more than one broker without security or transactions.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrokerProcess, startBroker } from './broker.ts'
import { differing } from './known-differences.ts'
import { available, kafkaBin, kafkaToolsMissing, run } from './programs.ts'

const there = available("Apache Kafka's tools", kafkaToolsMissing)
const replay = fileURLToPath(new URL('../../../shared/cli/replay.py', import.meta.url))

let broker: BrokerProcess
/** Where groups do not wait for more members to come. */
let promptBroker: BrokerProcess
beforeAll(async () => {
  if (!there) return
  broker = await startBroker()
  promptBroker = await startBroker({ 'group.initial.rebalance.delay.ms': '0' })
})
afterAll(async () => {
  await broker?.[Symbol.asyncDispose]()
  await promptBroker?.[Symbol.asyncDispose]()
})

const tool = (name: string, words: string[], input?: string) => toolOf(broker, [name, ...words], input)

const toolOf = async ({ bootstrap }: BrokerProcess, [name = '', ...words]: string[], input?: string) => {
  const options = input === undefined ? {} : { input }
  const finished = await run(join(kafkaBin, `${name}.sh`), ['--bootstrap-server', bootstrap, ...words], options)
  if (finished.code !== 0) throw new Error(`${name} exited with ${finished.code}:\n${finished.stdout}${finished.stderr}`)
  return finished.stdout
}

describe.runIf(there)("Apache Kafka's tools", () => {
  it('create, produce, consume, count, describe, alter, trim and delete a topic', async () => {
    await tool('kafka-topics', ['--create', '--topic', 'day', '--partitions', '2'])
    const lines = Array.from({ length: 500 }, (_, i) => `k${i}\tline ${i}`)
    const keyed = ['--reader-property', 'parse.key=true', '--compression-codec', 'lz4']
    await tool('kafka-console-producer', ['--topic', 'day', ...keyed], lines.join('\n'))
    const read = async (partition: string) =>
      (
        await tool('kafka-console-consumer', [
          '--topic',
          'day',
          '--partition',
          partition,
          '--offset',
          'earliest',
          '--timeout-ms',
          '5000',
          '--formatter-property',
          'print.key=true',
        ])
      )
        .trim()
        .split('\n')
    const found = [...(await read('0')), ...(await read('1'))].filter(line => /^k\d/.test(line))
    expect(found.toSorted()).toEqual(lines.toSorted())
    const counts = await tool('kafka-get-offsets', ['--topic', 'day'])
    const [first = 0, second = 0] = counts
      .trim()
      .split('\n')
      .map(line => Number(line.split(':')[2]))
    expect(first + second).toBe(500)
    await tool('kafka-configs', ['--alter', '--entity-type', 'topics', '--entity-name', 'day', '--add-config', 'retention.ms=3600000'])
    expect(await tool('kafka-topics', ['--describe', '--topic', 'day'])).toContain('retention.ms=3600000')
    expect(await tool('kafka-log-dirs', ['--describe', '--topic-list', 'day'])).toContain('"partition":"day-0"')
    await tool('kafka-topics', ['--delete', '--topic', 'day'])
    expect(await tool('kafka-topics', ['--list'])).not.toContain('day')
  })

  it.each(['classic', 'consumer'])('read in a group of the %s protocol, and look after it', async protocol => {
    const topic = `of-${protocol}`
    const group = `group-${protocol}`
    const groups = (words: string) => toolOf(promptBroker, ['kafka-consumer-groups', ...words.split(' ')])
    const write = (lines: string) => toolOf(promptBroker, ['kafka-console-producer', '--topic', topic], lines)
    const read = async (count: number) => {
      const words = ['--topic', topic, '--group', group, '--from-beginning', '--timeout-ms', '20000', '--max-messages', `${count}`]
      const property = ['--command-property', `group.protocol=${protocol}`]
      return (await toolOf(promptBroker, ['kafka-console-consumer', ...words, ...property])).split('\n').filter(line => /^\d+$/.test(line))
    }
    await toolOf(promptBroker, ['kafka-topics', '--create', '--topic', topic])
    await write('1\n2\n3')
    expect(await read(2)).toEqual(['1', '2'])
    expect(await groups(`--describe --group ${group}`)).toMatch(new RegExp(`${topic} +0 +2 +3 +1 `))
    expect(await read(1)).toEqual(['3'])
    expect(await groups(`--reset-offsets --group ${group} --topic ${topic} --shift-by -2 --execute`)).toMatch(/ 0 +1/)
    expect(await read(2)).toEqual(['2', '3'])
    expect((await groups('--list --type')).toLowerCase()).toMatch(new RegExp(`${group} +${protocol}`))
    expect(await groups(`--delete --group ${group}`)).toContain('was successful')
    expect(await groups('--list')).not.toContain(group)
  })

  it('measure a producer', async () => {
    await tool('kafka-topics', ['--create', '--topic', 'perf', '--partitions', '3'])
    const words = [
      '--topic',
      'perf',
      '--num-records',
      '50000',
      '--record-size',
      '200',
      '--throughput',
      '-1',
      '--producer-props',
      'compression.type=zstd',
    ]
    expect(await tool('kafka-producer-perf-test', words)).toMatch(/50000 records sent/)
  })
})

const tools = [
  'kafka-topics',
  'kafka-configs',
  'kafka-get-offsets',
  'kafka-delete-records',
  'kafka-log-dirs',
  'kafka-broker-api-versions',
  'kafka-cluster',
  'kafka-dump-log',
  'kafka-client-metrics',
  'kafka-replica-verification',
]

/** Tools that wait for groups or transactions. */
const groupTools = [
  'kafka-groups',
  'kafka-consumer-groups',
  'kafka-console-producer',
  'kafka-console-consumer',
  'kafka-consumer-perf-test',
  'kafka-verifiable-consumer',
  'kafka-e2e-latency',
  'kafka-streams-application-reset',
  'kafka-transactions',
  'kafka-producer-perf-test',
]

/** Each case starts a JVM or several: every sixth does unless ALL_CASES=1 asks for all of them, which takes a quarter of an hour. */
const every = process.env.ALL_CASES === '1' ? 1 : 6
const transcripts = fileURLToPath(new URL('../../../shared/cli/transcripts.jsonl', import.meta.url))
const left = new RegExp(`^(?!${Object.keys(differing).join('|')})`)
const casesOf = (name: string): string[] => {
  const ids: string[] = []
  for (const line of readFileSync(transcripts, 'utf8').split('\n')) {
    const { id = '', of } = /^\{"id": "(?<id>[^"]+)", "tool": "(?<of>[^"]+)"/.exec(line)?.groups ?? {}
    if (of === name && left.test(id)) ids.push(id)
  }
  return ids.filter((_, index) => index % every === 0)
}

const expectSame = async ({ bootstrap }: BrokerProcess, name: string) => {
  const cases = `^(?:${casesOf(name).join('|')})$`
  const finished = await run('python3', [replay, '--bin', kafkaBin, '--bootstrap', bootstrap, '--only', name, '--id', cases])
  expect(finished.stdout).toMatch(/[1-9]\d* passed, \d+ failed/)
  expect(finished.code, finished.stdout.slice(0, 6000)).toBe(0)
}

describe.runIf(there && available('the recorded cases', existsSync(replay) ? undefined : 'the recorded cases of the tools'))(
  'recorded cases',
  () => {
    it.each(tools)('%s', { timeout: 1_500_000 }, name => expectSame(broker, name))
    it.each(groupTools)('%s', { timeout: 1_500_000 }, name => expectSame(promptBroker, name))
  },
)
