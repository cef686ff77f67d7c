// Clients that must not notice that the broker's wall clock jumps: a member of a group with KafkaJS, a member of a consumer group (KIP-848)
// that beats when told to, and an idempotent producer. Each has a clock of its own that is right.
import { randomUUID } from 'node:crypto'
import { BatchBuilder, consumerGroupHeartbeatApi, ErrorCode, initProducerIdApi, produceApi } from '@ottla/protocol'
import { type Consumer, Kafka, logLevel } from 'kafkajs'
import { expect } from 'vitest'
import type { BrokerProcess } from '../compat/broker.ts'
import { Wire } from '../compat/wire.ts'
import { stored } from './load.ts'

/** The only member of a classic group. */
export class KafkaJsMember implements AsyncDisposable {
  readonly #consumer: Consumer
  /** What a member that loses nothing does not see. */
  readonly wrong: string[] = []
  records = 0

  private constructor(consumer: Consumer) {
    this.#consumer = consumer
  }

  /** Resolves when it has its partitions. */
  static async join(broker: BrokerProcess, topic: string): Promise<KafkaJsMember> {
    const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING })
    const consumer = kafka.consumer({ groupId: 'kafkajs', sessionTimeout: 6000, heartbeatInterval: 500, maxWaitTimeInMs: 100 })
    const member = new KafkaJsMember(consumer)
    const { CRASH, GROUP_JOIN, REBALANCING } = consumer.events
    const joined = new Promise<void>(resolve => consumer.on(GROUP_JOIN, () => resolve()))
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({ autoCommitInterval: 200, eachMessage: async () => void member.records++ })
    await joined
    for (const event of [CRASH, GROUP_JOIN, REBALANCING])
      consumer.on(event, ({ type, payload }) => member.wrong.push(`${type} ${JSON.stringify(payload)}`))
    return member
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#consumer.disconnect()
  }
}

/** A member of a consumer group that takes what it is given. */
export class HeartbeatMember implements AsyncDisposable {
  readonly #wire: Wire
  readonly #identity: { readonly groupId: string; readonly memberId: string }
  #epoch = 0
  #owned: { topicId: string; partitions: number[] }[] = []
  #hasLeft = false

  private constructor(wire: Wire, groupId: string) {
    this.#wire = wire
    this.#identity = { groupId, memberId: randomUUID() }
  }

  static async join(broker: BrokerProcess, topic: string, groupId: string): Promise<HeartbeatMember> {
    const member = new HeartbeatMember(await Wire.connect(broker.port), groupId)
    // The first to come may have to wait for the topic of committed offsets.
    for (const deadline = Date.now() + 20_000; ; ) {
      const error = await member.#ask({ rebalanceTimeoutMs: 30_000, subscribedTopicNames: [topic] })
      if (error === ErrorCode.NONE) return member
      if (Date.now() > deadline) throw new Error(`a member cannot join, error ${error}`)
    }
  }

  get partitions(): number[] {
    return this.#owned.flatMap(({ partitions }) => partitions)
  }

  /** One heartbeat, which must be taken. */
  async beat(): Promise<void> {
    expect(await this.#ask({}), 'a heartbeat').toBe(ErrorCode.NONE)
  }

  async leave(): Promise<void> {
    this.#hasLeft = true
    this.#epoch = -1
    await this.#ask({})
  }

  async #ask(more: { rebalanceTimeoutMs?: number; subscribedTopicNames?: string[] }): Promise<number> {
    const memberEpoch = this.#epoch
    const answer = await this.#wire.ask(consumerGroupHeartbeatApi, 1, {
      ...this.#identity,
      memberEpoch,
      topicPartitions: this.#owned,
      rebalanceTimeoutMs: -1,
      ...more,
    })
    if (answer.errorCode === ErrorCode.NONE && memberEpoch >= 0) {
      this.#epoch = answer.memberEpoch
      if (answer.assignment !== null) this.#owned = answer.assignment.topicPartitions
    }
    return answer.errorCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasLeft) await this.leave().catch(() => undefined)
    await this.#wire[Symbol.asyncDispose]()
  }
}

/** One idempotent producer of one partition. */
export class IdempotentProducer {
  readonly #broker: BrokerProcess
  readonly #place: { readonly topic: string; readonly partition: number }
  readonly #producerId: number
  sequence = 0

  private constructor(broker: BrokerProcess, place: { topic: string; partition: number }, producerId: number) {
    this.#broker = broker
    this.#place = place
    this.#producerId = producerId
  }

  static async start(broker: BrokerProcess, topic: string, partition: number): Promise<IdempotentProducer> {
    await using wire = await Wire.connect(broker.port)
    const answer = await wire.ask(initProducerIdApi, 4, { transactionalId: null, transactionTimeoutMs: 60_000 })
    expect(answer.errorCode).toBe(ErrorCode.NONE)
    return new IdempotentProducer(broker, { topic, partition }, answer.producerId)
  }

  /** Sends batch after batch, each twice: the second must be known to the broker. */
  async run(goesOn: () => boolean): Promise<void> {
    await using wire = await Wire.connect(this.#broker.port)
    while (goesOn()) {
      const builder = new BatchBuilder({ producerId: this.#producerId, producerEpoch: 0, baseSequence: this.sequence })
      for (let at = 0; at < 5; at++)
        builder.append({ timestamp: Date.now(), key: null, value: Buffer.from(`${this.sequence + at}`), headers: [] })
      const { bytes } = builder.build()
      for (const time of ['first', 'second']) {
        const topicData = [{ name: this.#place.topic, partitionData: [{ index: this.#place.partition, records: Buffer.from(bytes) }] }]
        const answer = await wire.ask(produceApi, 9, { transactionalId: null, acks: -1, timeoutMs: 5000, topicData })
        const result = answer.responses[0]?.partitionResponses[0]
        expect([result?.errorCode, result?.baseOffset], `sent the ${time} time`).toEqual([ErrorCode.NONE, this.sequence])
      }
      this.sequence += 5
    }
  }

  async expectStoredOnce(): Promise<void> {
    const found = await stored(this.#broker, this.#place.topic, this.#place.partition)
    expect([...found.keys()]).toEqual(Array.from({ length: this.sequence }, (_, at) => `${at}`))
  }
}
