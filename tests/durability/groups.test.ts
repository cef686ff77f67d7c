// kill -9 while groups read and commit, again and again: every group goes on where its last acknowledged commit was, never behind it, and
// beyond it only when another commit was under way. A restart is no rebalance: members and generations are known again.
// KILLS sets how often (20 by default).
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startBroker } from '../compat/broker.ts'
import { GroupConsumer } from './group-consumer.ts'
import { createTopic, histories, produce, randomOf, seedOf } from './load.ts'

const kills = Number(process.env.KILLS ?? 20)
const groups = 10
const partitions = 4
const topic = 'read-by-groups'
const always = () => true

it(`loses no acknowledged commit over ${kills} kills`, { timeout: 600_000 }, async () => {
  const random = randomOf(seedOf('groups and kill -9'))
  await using broker = await startBroker({
    'log.flush.mode': 'ack',
    'group.initial.rebalance.delay.ms': '0',
    'offsets.topic.num.partitions': '5',
    // Several segments, so that loading reads more than one.
    'offsets.topic.segment.bytes': '1048576',
  })
  await createTopic(broker, topic, partitions)
  const all = histories(partitions)
  const consumers = Array.from(
    { length: groups },
    (_, i) => new GroupConsumer({ group: `group-${i}`, protocol: i % 2 === 0 ? 'classic' : 'consumer', topic, partitions }),
  )
  for (let kill = 0; kill < kills; kill++) {
    const before = consumers.map(consumer => consumer.commits)
    const load = [
      ...all.map(history => produce(broker, history, { topic, random, goesOn: always, valueBytes: 50 })),
      ...consumers.map(consumer => consumer.run(broker, always)),
    ]
    const ended = Promise.all(load)
    ended.catch(() => {})
    // The kill comes when every group has committed something, and some time after that.
    for (let waited = 0; waited < 30_000 && consumers.some((consumer, i) => consumer.commits < (before[i] ?? 0) + 5); waited += 10)
      await sleep(10)
    await sleep(random() * 300)
    await broker.kill()
    await ended
    await broker.start()
  }
  await Promise.all(consumers.map(consumer => consumer.run(broker, () => false)))
  for (const { wrong, joins, reading } of consumers) {
    expect(wrong.slice(0, 5), `${reading.group} (${reading.protocol}), ${wrong.length} wrong`).toEqual([])
    expect(joins, `${reading.group} (${reading.protocol}) had to join again`).toBe(1)
  }
  const commits = consumers.reduce((sum, consumer) => sum + consumer.commits, 0)
  console.log(`${kills} kills, ${commits} acknowledged commits, none lost`)
})
