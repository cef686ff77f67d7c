// Apache Kafka 4.3.1 on the files that Ottla wrote: it finds nothing wrong with them, knows the same groups, offsets, transactions, producers and
// records, and goes on with them. Once after a clean stop, and once as they lay there when the process was killed while a transaction ended.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ErrorCode, offsetFetchApi } from '@ottla/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBroker } from './broker.ts'
import { answersOf, loaded, type Topic, topicsOf } from './kafka-loads-our-logs/answers.ts'
import { expirySettings, type Filled, fillLast, fillTheRest, fillWhatExpires, settings } from './kafka-loads-our-logs/fill.ts'
import { produce } from './kafka-loads-our-logs/fill-topics.ts'
import { LAST_TRANSACTION, statesOf, TransactionalProducer } from './kafka-loads-our-logs/fill-transactions.ts'
import { copyPartitions, type KafkaBroker, kafkaMissing, startKafka } from './kafka-loads-our-logs/kafka-broker.ts'
import { cutLastBatchOf } from './kafka-loads-our-logs/last-batch.ts'
import { available, kafkaBin, kafkaToolsMissing, run } from './programs.ts'
import { Wire } from './wire.ts'

const there = available('Apache Kafka on our logs', kafkaMissing() ?? kafkaToolsMissing)

/** What a tool prints; blanks and the order of the lines do not matter. */
async function printed(bootstrap: string, [name = '', ...words]: readonly string[]): Promise<string[]> {
  const { code, stdout, stderr } = await run(join(kafkaBin, name), ['--bootstrap-server', bootstrap, ...words])
  expect(code, stdout + stderr).toBe(0)
  const lines = stdout.split('\n').map(line => line.trim().replaceAll(/\s+/g, ' '))
  return lines.filter(line => line !== '').toSorted()
}

const tools = [
  ['kafka-consumer-groups.sh', '--describe', '--all-groups', '--offsets'],
  ['kafka-consumer-groups.sh', '--describe', '--all-groups', '--members', '--verbose'],
  ['kafka-transactions.sh', 'list'],
]

/** Differs where a transaction was ended again. */
const isOther = (what: string) => /^(?:__transaction_state|last-moves|described)/.test(what)

/** Answers, and what tools print. */
interface Seen {
  readonly answers: Record<string, unknown>
  readonly lines: readonly string[][]
}

const seen = async (bootstrap: string, topics: readonly Topic[]): Promise<Seen> => {
  await using wire = await Wire.connect(Number(bootstrap.split(':')[1]))
  await loaded(wire, topics)
  return { answers: await answersOf(wire, topics), lines: await Promise.all(tools.map(words => printed(bootstrap, words))) }
}

describe.runIf(there)('Apache Kafka', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-logs-'))
  const copies = { stopped: join(folder, 'stopped'), killed: join(folder, 'killed') }
  let topics: readonly Topic[]
  let ours: { stopped: Seen; killed: Record<string, unknown> }
  let filled: Filled
  let kafka: KafkaBroker

  beforeAll(async () => {
    const place = { folder: join(folder, 'ottla') }
    const first = await startBroker({ ...settings, ...expirySettings }, place)
    await fillWhatExpires(first.port)
    expect(await first.stop()).toBe(0)
    await using broker = await startBroker(settings, place)
    filled = await fillTheRest(broker.port)
    {
      await using wire = await Wire.connect(broker.port)
      topics = await topicsOf(wire)
    }
    const stopped = await seen(broker.bootstrap, topics)
    expect(await broker.stop()).toBe(0)
    copyPartitions(broker.data, copies.stopped)
    await broker.start()
    await fillLast(broker.port, filled)
    await using wire = await Wire.connect(broker.port)
    ours = { stopped, killed: await answersOf(wire, topics) }
    await broker.kill()
    copyPartitions(broker.data, copies.killed)
    cutLastBatchOf(copies.killed, LAST_TRANSACTION)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  afterAll(() => kafka?.[Symbol.asyncDispose]())

  const start = async (how: keyof typeof copies): Promise<Wire> => {
    await kafka?.[Symbol.asyncDispose]()
    // What has not been compacted stays so.
    const still = topics.map(topic => ({ ...topic, configs: { ...topic.configs, 'min.cleanable.dirty.ratio': '1' } }))
    kafka = await startKafka({ topics: still, partitions: copies[how], settings })
    const wire = await Wire.connect(kafka.port)
    await loaded(wire, topics)
    return wire
  }

  it('loads what a broker left that was stopped', async () => {
    await using _ = await start('stopped')
    const theirs = await seen(kafka.bootstrap, topics)
    for (const [what, answer] of Object.entries(ours.stopped.answers)) expect.soft(theirs.answers[what], what).toEqual(answer)
    expect(theirs.lines).toEqual(ours.stopped.lines)
    expect(Object.keys(theirs.answers).length).toBeGreaterThan(80)
    // A partition that never had a record has no index.
    const isUsual = /partition=(?:positions-\d|last-moves-0|__\w+-\d)\b.*Could not find offset index file/
    expect(kafka.warnings().filter(line => !isUsual.test(line))).toEqual([])
  })

  it('goes on with it', async () => {
    await using wire = await Wire.connect(kafka.port)
    const { members, open, idempotent } = filled
    for (const member of members.classic) expect(await member.heartbeat(wire), member.groupId).toBe(ErrorCode.NONE)
    for (const member of members.consumer) await member.heartbeat(wire)
    const { place, baseSequence, baseOffset, records } = idempotent.last
    const { producerId, producerEpoch } = idempotent
    const again = { producerId, producerEpoch, baseSequence, records }
    expect(await produce(wire, place, again)).toBe(baseOffset)
    const next = { ...again, baseSequence: baseSequence + records.length }
    expect(await produce(wire, place, next)).toBe(baseOffset + records.length)
    for (const producer of open) await TransactionalProducer.over(wire, producer).end(true)
    const groups = [{ groupId: 'of-transactions', topics: [{ name: 'positions', partitionIndexes: [6, 7] }] }]
    const fetched = await wire.ask(offsetFetchApi, 9, { groups, requireStable: true })
    expect(fetched.groups[0]?.topics[0]?.partitions.map(partition => partition.committedOffset)).toEqual([20, 20])
    expect(kafka.warnings().filter(line => !line.includes('Could not find offset index file'))).toEqual([])
  })

  it('recovers what lay there when the process was killed, and ends the transaction that was about to end', async () => {
    await using wire = await start('killed')
    await expect.poll(async () => (await statesOf(wire)).get(LAST_TRANSACTION), { timeout: 10_000 }).toBe('CompleteCommit')
    const theirs = await answersOf(wire, topics)
    for (const [what, answer] of Object.entries(ours.killed)) {
      if (!isOther(what)) expect.soft(theirs[what], what).toEqual(answer)
    }
    expect(kafka.warnings().filter(line => !line.includes('Could not find offset index file'))).toEqual([])
  })
})
