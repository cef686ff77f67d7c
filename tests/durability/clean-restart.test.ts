// A clean stop leaves everything as the next start needs it: after SIGTERM and a start the files of all partitions (segments, all indexes,
// producer snapshots, leader epochs; of ordinary, transactional and compacted topics, of groups and of transactions) hold the same bytes,
// and are the same files, not touched since: nothing is recovered, made anew or written again. How much the new process reads is printed,
// and does not grow with the logs.
// RESTARTS sets how often (2 by default), with new records before each.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  addPartitionsToTxnApi,
  BatchBuilder,
  createTopicsApi,
  endTxnApi,
  ErrorCode,
  findCoordinatorApi,
  initProducerIdApi,
  produceApi,
} from '@ottla/protocol'
import { expect, it } from 'vitest'
import { type BrokerProcess, startBroker } from '../compat/broker.ts'
import { Wire } from '../compat/wire.ts'
import { GroupConsumer } from './group-consumer.ts'
import { expectNothingLost, type History, histories, produce, randomOf, seedOf } from './load.ts'

const restarts = Number(process.env.RESTARTS ?? 2)
const loadMs = 1500
/** Names of topics to their settings; all have small segments and a dense index. */
const topics: Record<string, Record<string, string>> = {
  plain: { 'segment.bytes': '1048576' },
  compressed: { 'compression.type': 'zstd', 'segment.bytes': '1048576' },
  idempotent: { 'segment.bytes': '1048576' },
  transactional: { 'segment.bytes': '1048576' },
  compacted: { 'cleanup.policy': 'compact', 'segment.bytes': '1048576', 'min.cleanable.dirty.ratio': '0.01' },
}
const partitions = 3

/** What one file is. */
interface FileFacts {
  readonly sha256: string
  readonly size: number
  readonly inode: bigint
  readonly changedNs: bigint
}

/** All files in the folders of partitions, by path. */
const partitionFiles = (data: string): Map<string, FileFacts> => {
  const found = new Map<string, FileFacts>()
  for (const folder of readdirSync(data, { withFileTypes: true })) {
    if (!folder.isDirectory() || !/-\d+$/.test(folder.name)) continue
    for (const name of readdirSync(join(data, folder.name))) {
      const path = join(data, folder.name, name)
      const { ino, mtimeNs } = statSync(path, { bigint: true })
      const content = readFileSync(path)
      const sha256 = createHash('sha256').update(content).digest('hex')
      found.set(`${folder.name}/${name}`, { sha256, size: content.length, inode: ino, changedNs: mtimeNs })
    }
  }
  return found
}

/** Files that are not what they were, with what is different. */
const differences = (before: ReadonlyMap<string, FileFacts>, after: ReadonlyMap<string, FileFacts>): string[] => {
  const found: string[] = []
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(path), after.get(path)]
    if (old === undefined) found.push(`${path} is new`)
    else if (now === undefined) found.push(`${path} is gone`)
    else if (old.sha256 !== now.sha256) found.push(`${path} has other bytes, ${old.size} then, ${now.size} now`)
    else if (old.inode !== now.inode) found.push(`${path} was made anew`)
    else if (old.changedNs !== now.changedNs) found.push(`${path} was written again`)
  }
  return found
}

async function createTopics(broker: BrokerProcess): Promise<void> {
  await using wire = await Wire.connect(broker.port)
  const answer = await wire.ask(createTopicsApi, 7, {
    topics: Object.entries(topics).map(([name, settings]) => ({
      name,
      numPartitions: partitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries({ 'index.interval.bytes': '512', ...settings }).map(([setting, value]) => ({ name: setting, value })),
    })),
  })
  expect(answer.topics.map(({ errorCode }) => errorCode)).toEqual(Object.keys(topics).map(() => ErrorCode.NONE))
}

/** Produces keyed records to the compacted topic, or records of idempotent producers. */
async function produceKeyed(broker: BrokerProcess, how: { topic: string; random: () => number; goesOn: () => boolean }): Promise<void> {
  await using wire = await Wire.connect(broker.port)
  const isIdempotent = how.topic === 'idempotent'
  while (how.goesOn()) {
    const index = Math.floor(how.random() * partitions)
    const answered = isIdempotent ? await wire.ask(initProducerIdApi, 4, { transactionalId: null, transactionTimeoutMs: 60_000 }) : null
    const batch = new BatchBuilder(answered === null ? {} : { producerId: answered.producerId, producerEpoch: 0, baseSequence: 0 })
    for (let at = 0; at < 40; at++) {
      const key = Buffer.from(`key-${Math.floor(how.random() * 200)}`)
      batch.append({ timestamp: Date.now(), key, value: Buffer.alloc(Math.floor(how.random() * 600), at), headers: [] })
    }
    const topicData = [{ name: how.topic, partitionData: [{ index, records: batch.build().bytes }] }]
    const answer = await wire.ask(produceApi, 9, { transactionalId: null, acks: -1, timeoutMs: 5000, topicData })
    expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.NONE)
  }
}

/** Transactions of one producer, most of them aborted. */
async function runTransactions(broker: BrokerProcess, goesOn: () => boolean): Promise<void> {
  await using wire = await Wire.connect(broker.port)
  const transactionalId = 'transactions'
  const init = async () => {
    await wire.ask(findCoordinatorApi, 4, { keyType: 1, coordinatorKeys: [transactionalId] })
    return wire.ask(initProducerIdApi, 4, { transactionalId, transactionTimeoutMs: 60_000 })
  }
  let producer = await init()
  for (let waited = 0; producer.errorCode !== ErrorCode.NONE && waited < 20_000; waited += 100) {
    await sleep(100)
    producer = await init()
  }
  const { producerId, producerEpoch } = producer
  const topic = { name: 'transactional', partitions: Array.from({ length: partitions }, (_, at) => at) }
  for (let number = 0; number < 3 || goesOn(); number++) {
    const added = await wire.ask(addPartitionsToTxnApi, 3, {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [topic],
    })
    const codes = added.resultsByTopicV3AndBelow[0]?.resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode) ?? []
    // The markers of the transaction before are still being written.
    if (codes.includes(ErrorCode.CONCURRENT_TRANSACTIONS)) {
      await sleep(10)
      number--
      continue
    }
    expect(codes).toEqual(topic.partitions.map(() => ErrorCode.NONE))
    const partitionData = topic.partitions.map(index => {
      const batch = new BatchBuilder({ producerId, producerEpoch, baseSequence: number, isTransactional: true })
      return { index, records: batch.append({ timestamp: Date.now(), value: Buffer.alloc(500) }).build().bytes }
    })
    const answer = await wire.ask(produceApi, 9, {
      transactionalId,
      acks: -1,
      timeoutMs: 5000,
      topicData: [{ name: topic.name, partitionData }],
    })
    for (const { errorCode } of answer.responses[0]?.partitionResponses ?? []) expect(errorCode).toBe(ErrorCode.NONE)
    const ended = await wire.ask(endTxnApi, 3, { transactionalId, producerId, producerEpoch, committed: number % 4 === 3 })
    expect(ended.errorCode).toBe(ErrorCode.NONE)
  }
}

/** Waits until compaction has nothing to do any more and what it replaced is gone: else it goes on after the start. */
async function compacted(data: string): Promise<void> {
  let [before, same] = ['', 0]
  for (let waited = 0; same < 4; waited += 300) {
    if (waited > 30_000) throw new Error('compaction does not come to an end')
    await sleep(300)
    const now = [...partitionFiles(data)].map(([path, { inode, size }]) => `${path} ${inode} ${size}`).join('\n')
    same = now === before && !now.includes('.deleted') ? same + 1 : 0
    before = now
  }
}

/** Bytes that the process has read so far, from whatever files. */
const readBytes = (pid: number): number => Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? Number.NaN)

const ofAll = (files: ReadonlyMap<string, FileFacts>, suffix: string): FileFacts[] =>
  [...files].filter(([path, { size }]) => path.endsWith(suffix) && size > 0).map(([, facts]) => facts)

for (const mode of ['ack', 'os'])
  it(`leaves every file as it was over ${restarts} clean restarts, flush mode ${mode}`, { timeout: 600_000 }, async () => {
    const random = randomOf(seedOf('clean restarts'))
    await using broker = await startBroker({
      'log.flush.mode': mode,
      'group.initial.rebalance.delay.ms': '0',
      'offsets.topic.num.partitions': '4',
      'transaction.state.log.num.partitions': '4',
      'offsets.topic.segment.bytes': '1048576',
      'log.cleaner.backoff.ms': '200',
      'log.initial.task.delay.ms': '500',
      'log.segment.delete.delay.ms': '500',
    })
    await createTopics(broker)
    const written: Record<string, History[]> = { plain: histories(partitions), compressed: histories(partitions) }
    const readings = (['classic', 'consumer'] as const).map(protocol => ({
      group: `reads-${protocol}`,
      protocol,
      topic: 'plain',
      partitions,
    }))
    const consumers = readings.map(reading => new GroupConsumer(reading))
    for (let round = 0; round < restarts; round++) {
      const until = Date.now() + loadMs
      const goesOn = () => Date.now() < until
      await Promise.all([
        ...Object.entries(written).flatMap(([topic, all]) => all.map(history => produce(broker, history, { topic, random, goesOn }))),
        ...['idempotent', 'compacted'].map(topic => produceKeyed(broker, { topic, random, goesOn })),
        ...consumers.map(consumer => consumer.run(broker, goesOn)),
        runTransactions(broker, goesOn),
      ])
      await compacted(broker.data)
      expect(await broker.stop()).toBe(0)
      const left = partitionFiles(broker.data)
      for (const suffix of ['.log', '.index', '.timeindex', '.txnindex', '.snapshot', 'leader-epoch-checkpoint', 'partition.metadata'])
        expect(ofAll(left, suffix).length, `no ${suffix} to compare`).toBeGreaterThan(0)
      for (const internal of ['__consumer_offsets-', '__transaction_state-'])
        expect([...left.keys()].some(path => path.startsWith(internal))).toBe(true)

      const printed = broker.output().length
      await broker.start()
      // Groups load, the first retention, compaction and checkpoints pass.
      await Promise.all(consumers.map(consumer => consumer.run(broker, () => false)))
      const read = readBytes(broker.pid)
      await sleep(1500)
      expect(differences(left, partitionFiles(broker.data)), 'while it runs').toEqual([])
      expect(await broker.stop()).toBe(0)
      expect(differences(left, partitionFiles(broker.data)), 'after the next stop').toEqual([])
      expect(broker.output().slice(printed)).toContain('"clean":true')
      expect(broker.output().slice(printed)).not.toMatch(/recover|made anew|damaged|unclean|cut /i)
      const logBytes = ofAll(left, '.log').reduce((sum, { size }) => sum + size, 0)
      console.log(
        `${left.size} files, ${logBytes} bytes of logs, all as they were; ${read} bytes read from whatever until groups were there`,
      )
      await broker.start()
    }
    expect(broker.output()).toContain('the log was compacted')
    for (const [topic, all] of Object.entries(written)) await expectNothingLost(broker, topic, all)
    for (const { wrong, joins } of consumers) expect({ wrong, joins }).toEqual({ wrong: [], joins: 1 })
  })
