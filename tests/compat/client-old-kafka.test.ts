// The client against older releases of Apache Kafka, from 0.11 (the oldest it works with) to 3.9: all codecs and acknowledgements, transactions, groups of
// both protocols, SASL, and what it says of calls that a release does not have. It takes some minutes, and runs only with OLD_KAFKA=1 (or the releases,
// OLD_KAFKA=1.0.2,2.8.2); Maven fetches the jars at the first time.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CompressionTypes, Kafka, logLevel, PartitionAssigners } from '../../packages/client/src/index.ts'
import type { Admin, Consumer, ConsumerConfig, KafkaConfig, SASLOptions } from '../../packages/client/src/types.ts'
import { type OldKafka, type OldRelease, oldReleases, startOldKafka } from './client-old-kafka-broker.ts'
import { adminCalls } from './client-old-kafka-calls.ts'
import { available, installed } from './programs.ts'

const asked = process.env['OLD_KAFKA']
const missing = installed('java') ?? installed('mvn')
if (asked === undefined) console.log('skipped: the client against older releases of Apache Kafka (set OLD_KAFKA=1)')
const there = asked !== undefined && available('the client against older releases of Apache Kafka', missing)
const chosen = asked === undefined || asked === '1' ? oldReleases : oldReleases.filter(release => asked.split(',').includes(release))

const numbers = (release: OldRelease): number => {
  const [major = 0, minor = 0] = release.split('.').map(Number)
  return major * 100 + minor
}
const isSince = (release: OldRelease, first: `${number}.${number}`): boolean => {
  const [major = 0, minor = 0] = first.split('.').map(Number)
  return numbers(release) >= major * 100 + minor
}

const clientOf = (bootstrap: string, more: Partial<KafkaConfig> = {}) =>
  new Kafka({
    brokers: [bootstrap],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 10_000,
    retry: { initialRetryTime: 100, retries: 10 },
    ...more,
  })

/** How many partitions a member has. */
const held = (consumer: Consumer): number => consumer.assignment().reduce((sum, { partitions }) => sum + partitions.length, 0)

describe.runIf(there).each(chosen)('Apache Kafka %s', release => {
  let broker: OldKafka
  let kafka: Kafka
  let admin: Admin

  beforeAll(async () => {
    const settings = isSince(release, '3.7') ? { 'group.coordinator.rebalance.protocols': 'classic,consumer' } : {}
    broker = await startOldKafka(release, settings)
    kafka = clientOf(broker.bootstrap)
    admin = kafka.admin()
    await admin.connect()
  })
  afterAll(async () => {
    await admin?.disconnect()
    await broker?.[Symbol.asyncDispose]()
  })

  const topicOf = async (topic: string, numPartitions = 2): Promise<string> => {
    await admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 1 }] })
    return topic
  }

  /** Values from the beginning to the end that the topic has now. */
  async function valuesOf(topic: string): Promise<string[]> {
    const ends = await admin.fetchTopicOffsets(topic)
    await using consumer = kafka.consumer({ groupId: null, offsetReset: 'earliest' })
    consumer.assign(ends.map(({ partition }) => ({ topic, partition })))
    const open = new Map(ends.filter(({ high }) => high !== '0').map(({ partition, high }) => [partition, Number(high)]))
    const values: string[] = []
    for await (const { batch } of consumer.stream({ signal: AbortSignal.timeout(60_000) })) {
      values.push(...batch.messages.map(({ value }) => String(value)))
      if (Number(batch.lastOffset()) + 1 >= (open.get(batch.partition) ?? 0)) open.delete(batch.partition)
      if (open.size === 0) break
    }
    return values
  }

  if (!isSince(release, '0.11')) {
    it('is said to be too old', async () => {
      const needed = 'upgrade the broker to Apache Kafka 0.11 or newer'
      await expect(topicOf('t')).rejects.toThrow(needed)
      await using producer = clientOf(broker.bootstrap, { retry: { retries: 0 } }).producer({ idempotent: false })
      await producer.connect()
      await expect(producer.send({ topic: 'made-by-metadata', messages: [{ value: 'v' }] })).rejects.toThrow(needed)
      await expectCrash({ offsetReset: 'earliest' }, { text: 'too old for this call', topic: 'made-by-metadata' })
    })
    return
  }

  it('takes every codec, with every kind of acknowledgement', async () => {
    const topic = await topicOf('codecs')
    const expected: string[] = []
    await using producer = kafka.producer({ idempotent: false })
    await producer.connect()
    for (const [name, compression] of Object.entries(CompressionTypes)) {
      if (compression === CompressionTypes.ZSTD && !isSince(release, '2.1')) continue
      for (const acks of [0, 1, -1]) {
        const messages = Array.from({ length: 50 }, (_, index) => ({ key: `k${index}`, value: `${name} ${acks} ${index}` }))
        await producer.send({ topic, acks, compression, messages })
        expected.push(...messages.map(({ value }) => value))
      }
    }
    await expect
      .poll(() => admin.fetchTopicOffsets(topic).then(of => of.reduce((sum, { high }) => sum + Number(high), 0)))
      .toBe(expected.length)
    expect((await valuesOf(topic)).toSorted()).toEqual(expected.toSorted())
  })

  it.runIf(!isSince(release, '2.1'))('is not sent what is compressed with zstd', async () => {
    const topic = await topicOf('zstd')
    await using producer = kafka.producer({ idempotent: false })
    await producer.connect()
    const failure = producer.send({ topic, compression: CompressionTypes.ZSTD, messages: [{ value: 'v' }] })
    await expect(failure).rejects.toThrow('older than Kafka 2.1 and does not know zstd')
    await producer.send({ topic, messages: [{ value: 'w' }] })
    expect(await valuesOf(topic)).toEqual(['w'])
  })

  it('keeps keys, headers and timestamps, and finds them by time', async () => {
    const topic = await topicOf('headers', 1)
    const now = Date.now()
    await using producer = kafka.producer()
    await producer.connect()
    const message = (index: number) => ({
      key: null,
      value: Buffer.from([index]),
      headers: { a: 'ä', b: ['1', '2'] },
      timestamp: String(now + index * 1000),
    })
    await producer.send({ topic, messages: [message(0), message(1), message(2)] })
    expect(await admin.fetchTopicOffsetsByTimestamp(topic, now + 1500)).toEqual([{ partition: 0, offset: '2' }])
    await using consumer = kafka.consumer({ groupId: null })
    consumer.assign(await consumer.offsetsForTimestamps([{ topic, partition: 0, timestamp: now + 500 }]))
    for await (const { message: found } of consumer.stream({ by: 'message', signal: AbortSignal.timeout(30_000) })) {
      expect(found).toMatchObject({ offset: '1', key: null, value: Buffer.from([1]), timestamp: String(now + 1000) })
      expect(found.headers).toEqual({ a: Buffer.from('ä'), b: [Buffer.from('1'), Buffer.from('2')] })
      break
    }
  })

  it('has transactions: what was aborted is not read, offsets are committed with the rest', async () => {
    const topic = await topicOf('transactions', 1)
    await using producer = kafka.producer({ transactionalId: 'tx' })
    await producer.connect()
    for (const [value, ends] of [
      ['a', 'commit'],
      ['b', 'abort'],
      ['c', 'commit'],
    ] as const) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ value }] })
      await transaction.sendOffsets({
        consumerGroupId: 'tx-group',
        topics: [{ topic, partitions: [{ partition: 0, offset: value === 'b' ? '9' : '7' }] }],
      })
      await transaction[ends]()
    }
    await expect.poll(() => admin.fetchOffsets({ groupId: 'tx-group', topics: [topic] })).toMatchObject([{ partitions: [{ offset: '7' }] }])
    await using consumer = kafka.consumer({ groupId: null, offsetReset: 'earliest' })
    consumer.assign([{ topic, partition: 0 }])
    const values: string[] = []
    for await (const { message } of consumer.stream({ by: 'message', signal: AbortSignal.timeout(30_000) })) {
      values.push(String(message.value))
      if (values.length === 2) break
    }
    expect(values).toEqual(['a', 'c'])
  })

  /** Two members read 200 messages; one leaves, the other goes on with all partitions. */
  async function group(name: string, configOf: (index: number) => Partial<ConsumerConfig>): Promise<void> {
    const topic = await topicOf(name, 4)
    await using producer = kafka.producer()
    await producer.connect()
    const send = (from: number) =>
      producer.send({ topic, messages: Array.from({ length: 100 }, (_, index) => ({ partition: index % 4, value: String(from + index) })) })
    const got: string[] = []
    const member = async (index: number): Promise<Consumer> => {
      const consumer = kafka.consumer({ groupId: name, offsetReset: 'earliest', ...configOf(index) })
      await consumer.connect()
      await consumer.subscribe({ topics: [topic] })
      await consumer.run({ eachMessage: async ({ message }) => void got.push(String(message.value)) })
      return consumer
    }
    const members = [await member(0), await member(1)]
    try {
      const [first, second] = members
      await expect.poll(() => members.map(held), { timeout: 30_000 }).toEqual([2, 2])
      await send(0)
      await expect.poll(() => new Set(got).size, { timeout: 30_000 }).toBe(100)
      await first?.disconnect()
      await expect.poll(() => second && held(second), { timeout: 60_000 }).toBe(4)
      await send(100)
      await expect.poll(() => new Set(got).size, { timeout: 30_000 }).toBe(200)
    } finally {
      await Promise.all(members.map(of => of.disconnect()))
    }
    const committed = await admin.fetchOffsets({ groupId: name, topics: [topic] })
    expect(committed[0]?.partitions.map(({ offset }) => Number(offset)).toSorted()).toEqual([50, 50, 50, 50])
  }

  it('has groups with eager and with cooperative assigners', async () => {
    await group('eager', () => ({}))
    await group('cooperative', () => ({ partitionAssigners: [PartitionAssigners.cooperativeSticky] }))
  })

  it('has static members since 2.3, and says so', async () => {
    if (isSince(release, '2.3')) return group('static-members', index => ({ groupInstanceId: `static-${index}`, sessionTimeout: 6_000 }))
    await expectCrash({ groupInstanceId: 'one' }, { text: 'older than Kafka 2.3', topic: await topicOf('crash') })
  })

  it('has groups of KIP-848 as a preview since 3.7, and says so', async () => {
    if (isSince(release, '3.7')) return group('new-protocol', () => ({ groupProtocol: 'consumer' }))
    await expectCrash({ groupProtocol: 'consumer' }, { text: 'Apache Kafka has it since 4.0', topic: await topicOf('crash') })
  })

  async function expectCrash(config: Partial<ConsumerConfig>, { text, topic }: { text: string; topic: string }): Promise<void> {
    const consumer = kafka.consumer({ groupId: 'crash', ...config })
    const crashed = new Promise<Error>(resolve => consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload.error)))
    await consumer.subscribe({ topics: [topic] })
    const ran = consumer.run({ eachMessage: async () => {} }).then(
      () => crashed,
      (error: unknown) => error,
    )
    expect(String(await ran)).toContain(text)
    await consumer.disconnect()
  }

  it('answers each call of the admin, or the client says since when Kafka does', async () => {
    const topic = await topicOf('calls')
    await using producer = kafka.producer({ transactionalId: 'calls' })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ partition: 0, value: 'v' }] })
    await transaction.commit()
    const refused: string[] = []
    for (const { name, since, call, refusal } of adminCalls(admin, topic)) {
      const outcome = await call().then(
        () => '',
        (error: unknown) => String(error),
      )
      const isAnswered = outcome === '' || (refusal !== undefined && outcome.includes(refusal))
      const isNamed = /since \d|Kafka \d|too old/.test(outcome)
      if (isSince(release, since) ? !isAnswered : !isNamed) refused.push(`${name}: ${outcome || 'was served'}`)
    }
    expect(refused).toEqual([])
  })

  const enter = async (mechanism: 'plain' | 'scram-sha-256', username: string, password: string): Promise<number> => {
    const sasl: SASLOptions = mechanism === 'plain' ? { mechanism, username, password } : { mechanism, username, password }
    await using entered = clientOf(broker.sasl, { retry: { retries: 0 }, sasl }).admin()
    await entered.connect()
    return (await entered.describeCluster()).brokers.length
  }

  it.runIf(isSince(release, '1.0'))('lets in who knows the password', async () => {
    expect(await enter('plain', 'alice', 'alice-secret')).toBe(1)
    await expect(enter('plain', 'alice', 'wrong')).rejects.toMatchObject({ name: 'KafkaJSSASLAuthenticationError' })
    if (release === '3.3.2') return // it keeps no SCRAM passwords without ZooKeeper
    if (isSince(release, '2.7')) {
      await admin.alterUserScramCredentials([{ user: 'bob', mechanism: 'SCRAM-SHA-256', password: 'bob-secret', iterations: 4096 }])
    } else {
      const words = ['--zookeeper', broker.zooKeeper, '--alter', '--entity-type', 'users', '--entity-name', 'bob']
      broker.tool('kafka.admin.ConfigCommand', [...words, '--add-config', 'SCRAM-SHA-256=[password=bob-secret]'])
    }
    await expect.poll(() => enter('scram-sha-256', 'bob', 'bob-secret'), { timeout: 10_000 }).toBe(1)
    await expect(enter('scram-sha-256', 'bob', 'wrong')).rejects.toMatchObject({ name: 'KafkaJSSASLAuthenticationError' })
  })
})
