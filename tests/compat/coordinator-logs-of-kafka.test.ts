// Ottla on the files that Apache Kafka 4.3.1 wrote: the same groups, offsets, transactions, producers and records, and it goes on with them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ErrorCode } from '@ottla/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BrokerProcess, startBroker } from './broker.ts'
import { answersOf, loaded, type Topic, topicsOf } from './kafka-loads-our-logs/answers.ts'
import { expirySettings, type Filled, fillTheRest, fillWhatExpires, settings } from './kafka-loads-our-logs/fill.ts'
import { produce } from './kafka-loads-our-logs/fill-topics.ts'
import { TransactionalProducer } from './kafka-loads-our-logs/fill-transactions.ts'
import { kafkaMissing, startKafka } from './kafka-loads-our-logs/kafka-broker.ts'
import { adoptPartitions } from './kafka-loads-our-logs/ottla-place.ts'
import { available } from './programs.ts'
import { Wire } from './wire.ts'

const there = available("Apache Kafka's logs", kafkaMissing())

describe.runIf(there)('Ottla', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-logs-'))
  let topics: readonly Topic[]
  let theirs: Record<string, unknown>
  let filled: Filled
  let broker: BrokerProcess

  beforeAll(async () => {
    {
      await using kafka = await startKafka({ settings: { ...settings, ...expirySettings } })
      await fillWhatExpires(kafka.port)
      await kafka.restart(settings)
      filled = await fillTheRest(kafka.port)
      await using wire = await Wire.connect(kafka.port)
      topics = await topicsOf(wire)
      theirs = await answersOf(wire, topics)
      await kafka.stop()
      const still = topics.map(topic => ({ ...topic, configs: { ...topic.configs, 'min.cleanable.dirty.ratio': '1' } }))
      await adoptPartitions(folder, { data: kafka.data, topics: still })
    }
    broker = await startBroker(settings, { folder })
  })
  afterAll(() => broker?.[Symbol.asyncDispose]())
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('loads what a broker left', async () => {
    await using wire = await Wire.connect(broker.port)
    await loaded(wire, topics)
    const ours = await answersOf(wire, topics)
    for (const [what, answer] of Object.entries(theirs)) expect.soft(ours[what], what).toEqual(answer)
    expect(Object.keys(theirs).length).toBeGreaterThan(80)
    expect(broker.output()).not.toMatch(/WARN|ERROR|FATAL/)
  })

  it('goes on with it', async () => {
    await using wire = await Wire.connect(broker.port)
    const { members, open, idempotent } = filled
    for (const member of members.classic) expect(await member.heartbeat(wire), member.groupId).toBe(ErrorCode.NONE)
    for (const member of members.consumer) await member.heartbeat(wire)
    const { place, baseSequence, baseOffset, records } = idempotent.last
    const again = { producerId: idempotent.producerId, producerEpoch: idempotent.producerEpoch, baseSequence, records }
    expect(await produce(wire, place, again)).toBe(baseOffset)
    for (const producer of open) await TransactionalProducer.over(wire, producer).end(true)
  })
})
