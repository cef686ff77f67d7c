// What coordinators write into internal topics, read by Kafka's own decoders: kafka-dump-log with --offsets-decoder and --transaction-log-decoder.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  consumerGroupHeartbeatApi,
  createTopicsApi,
  endTxnApi,
  findCoordinatorApi,
  initProducerIdApi,
  offsetCommitApi,
  ZERO_UUID,
} from '@ottla/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrokerProcess, startBroker } from './broker.ts'
import { available, kafkaBin, kafkaToolsMissing, run } from './programs.ts'
import { Wire } from './wire.ts'

const there = available("kafka-dump-log for coordinators' records", kafkaToolsMissing)

describe.runIf(there)('kafka-dump-log', () => {
  let broker: BrokerProcess
  /** What the tool prints of all segments of a topic that have something in them. */
  const dumped = async (topic: string, decoder: string) => {
    const files = readdirSync(broker.data)
      .filter(folder => folder.startsWith(`${topic}-`))
      .map(folder => join(broker.data, folder, '00000000000000000000.log'))
    const { stdout, stderr, code } = await run(join(kafkaBin, 'kafka-dump-log.sh'), [decoder, '--files', files.join(',')])
    expect(code, stderr).toBe(0)
    expect(stdout).not.toMatch(/could not|unknown|exception|isvalid: false/i)
    return stdout
  }

  beforeAll(async () => {
    broker = await startBroker()
    await using wire = await Wire.connect(broker.port)
    const orders = { name: 'orders', numPartitions: 4, replicationFactor: 1, assignments: [], configs: [] }
    await wire.ask(createTopicsApi, 5, { topics: [orders], timeoutMs: 30_000 })
    for (const keyType of [0, 1]) {
      while ((await wire.ask(findCoordinatorApi, 3, { key: 'any', keyType })).errorCode !== 0) await sleep(50)
    }
    const partition = { partitionIndex: 3, committedOffset: 42, committedLeaderEpoch: -1, committedMetadata: 'note' }
    const topics = [{ name: 'orders', partitions: [partition] }]
    const committed = await wire.ask(offsetCommitApi, 7, { groupId: 'simple', generationIdOrMemberEpoch: -1, memberId: '', topics })
    expect(committed.topics[0]?.partitions[0]?.errorCode).toBe(0)
    const member = {
      memberId: ZERO_UUID,
      memberEpoch: 0,
      rebalanceTimeoutMs: 30_000,
      subscribedTopicNames: ['orders'],
      topicPartitions: [],
    }
    expect((await wire.ask(consumerGroupHeartbeatApi, 1, { groupId: 'modern', ...member })).errorCode).toBe(0)
    const producer = await wire.ask(initProducerIdApi, 4, { transactionalId: 'copies', transactionTimeoutMs: 60_000 })
    expect(producer.errorCode).toBe(0)
    const { producerId, producerEpoch } = producer
    const ended = await wire.ask(endTxnApi, 3, { transactionalId: 'copies', producerId, producerEpoch, committed: true })
    expect([0, 48]).toContain(ended.errorCode)
    expect(await broker.stop()).toBe(0)
  })
  afterAll(() => broker?.[Symbol.asyncDispose]())

  it('reads groups and offsets', async () => {
    const text = await dumped('__consumer_offsets', '--offsets-decoder')
    expect(text).toMatch(/"simple".*"orders".*"offset":42/)
    expect(text).toContain('"modern"')
    expect(text).toMatch(/"subscribedTopicNames":\["orders"\]/)
  })

  it('reads transactions', async () => {
    expect(await dumped('__transaction_state', '--transaction-log-decoder')).toContain('"copies"')
  })
})
