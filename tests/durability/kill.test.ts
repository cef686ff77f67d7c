// kill -9 under load, again and again: with log.flush.mode=ack every acknowledged record is there after the restart, at the offset that
// was acknowledged, in order, and nothing is there that was not sent. KILLS sets how often (30 by default).
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startBroker } from '../compat/broker.ts'
import { createTopic, expectNothingLost, histories, produce, randomOf, seedOf } from './load.ts'

const kills = Number(process.env.KILLS ?? 30)
const partitions = 6
const topic = 'kill'

it(`loses nothing acknowledged over ${kills} kills`, { timeout: 600_000 }, async () => {
  const random = randomOf(seedOf('kill -9'))
  await using broker = await startBroker({ 'log.flush.mode': 'ack', 'log.segment.bytes': '1048576' })
  await createTopic(broker, topic, partitions)
  const all = histories(partitions)
  for (let kill = 0; kill < kills; kill++) {
    const load = all.map(history => produce(broker, history, { topic, random, goesOn: () => true }))
    await sleep(100 + random() * 300)
    await broker.kill()
    await Promise.all(load)
    await broker.start()
  }
  const total = await expectNothingLost(broker, topic, all)
  for (const { acknowledged } of all) expect(acknowledged.size).toBeGreaterThan(kills)
  console.log(`${kills} kills, ${total} acknowledged records, none lost`)
})
