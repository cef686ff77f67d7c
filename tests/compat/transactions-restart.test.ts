// The broker is killed, again and again, while other people's clients make transactions, Kafka Streams counts words exactly once, and Kafka's
// verifiable producer and consumer look for lost records. OTTLA_COMPAT_KAFKA=1 has Apache Kafka as the broker, OTTLA_COMPAT_LONG=1 kills more often.
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { randomOf, seedOf } from '../durability/load.ts'
import { createTopic } from './group-run.ts'
import { inTurn, unique } from './group-suite.ts'
import { available, kafkaToolsMissing, type Program } from './programs.ts'
import { explained, startTested } from './transaction-broker.ts'
import { programOf, type TransactionClient, transactionClients, wordCount } from './transaction-programs.ts'
import { CopyRun } from './transaction-run.ts'
import { VerifiableConsumer, VerifiableProducer } from './transaction-verifiable.ts'
import { WordCountRun } from './transaction-words.ts'

const kills = process.env.OTTLA_COMPAT_LONG === '1' ? 20 : 2
const streams = { name: 'Kafka Streams', program: wordCount }

beforeAll(() => {
  // Whatever must be built is built before anything is timed.
  for (const client of [...transactionClients, streams]) programOf(client)
})

/** A copy on a broker of its own that is killed. */
async function copy(client: TransactionClient, program: Extract<Program, { command: string }>): Promise<void> {
  const began = Date.now()
  const name = `restart-${client.name.replaceAll(/[^a-z]+/gi, '-')}-${unique}`
  const random = randomOf(seedOf(name))
  await using broker = await startTested()
  await using run = await CopyRun.start({ port: broker.port, program, name, options: { session: '3000' } })
  await explained(broker, async () => {
    for (let killed = 0; killed < kills; killed++) {
      await run.goesOn()
      await sleep(random() * 200)
      await broker.kill()
      await broker.start()
      if (killed % 2 === 0) continue
      // Once more while it loads what it had, and all come back to it.
      await sleep(random() * 50)
      await broker.kill()
      await broker.start()
    }
    await run.goesOn()
    await run.finish()
    expect(await run.differences()).toEqual([])
  })
  const aborts = `${run.aborted.length} aborted by itself, ${run.ended.length} starts again`
  console.log(`${client.name}: ${Date.now() - began} ms, ${run.output.count} records in ${run.committed} transactions, ${aborts}`)
  for (const story of run.ended) console.log(story.slice(-300))
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 60_000; !holds(); await sleep(50)) if (Date.now() > deadline) throw new Error(`${what} did not come`)
}

describe.concurrent('the broker is killed', () => {
  it.for(transactionClients)('under copies of $name', { timeout: 1_800_000 }, (client, { skip }) => {
    const program = programOf(client) ?? skip('not installed')
    return inTurn(() => copy(client, program))
  })

  it('under Kafka Streams, which is killed as well', { timeout: 1_800_000 }, ({ skip }) => {
    const program = programOf(streams) ?? skip('not installed')
    return inTurn(async () => {
      await using broker = await startTested()
      await using run = await WordCountRun.start(program, broker.port, `words-${unique}`)
      for (let killed = 0; killed < kills; killed += 2) {
        await run.kill()
        await run.goesOn()
        await broker.kill()
        await broker.start()
      }
      await run.goesOn()
      await run.finish()
      expect(run.differences()).toEqual([])
      expect(run.ended).toEqual([])
      console.log(`Kafka Streams: ${run.output.count} counts`)
    })
  })

  it("under Kafka's verifiable producer and consumer", { timeout: 1_800_000 }, ({ skip }) => {
    if (!available("Apache Kafka's tools", kafkaToolsMissing)) skip('not installed')
    return inTurn(async () => {
      await using broker = await startTested()
      const random = randomOf(seedOf('verifiable'))
      await createTopic(broker.port, 'verified', 3)
      await using producer = new VerifiableProducer(broker.bootstrap, 'verified', 500)
      await using consumer = new VerifiableConsumer(broker.bootstrap, 'verified', 'verifier')
      for (let killed = 0; killed < kills; killed++) {
        const [acknowledged, given] = [producer.acknowledged.size + 500, consumer.given.size + 500]
        await until(
          `more that is acknowledged and given (${producer.acknowledged.size}, ${consumer.given.size})`,
          () => producer.acknowledged.size > acknowledged && consumer.given.size > given,
        )
        await sleep(random() * 200)
        await broker.kill()
        await broker.start()
      }
      const after = producer.acknowledged.size + 500
      await until('a producer that goes on', () => producer.acknowledged.size > after)
      await producer.stop()
      const lost = () => [...producer.acknowledged].filter(record => !consumer.given.has(record))
      await until('all that was acknowledged', () => lost().length === 0).catch(() => {})
      await consumer.stop()
      expect(lost().slice(0, 10)).toEqual([])
      expect(consumer.counts.commits).toBeGreaterThan(0)
      console.log(
        `verified: ${producer.acknowledged.size} acknowledged, ${producer.refused.size} refused, ${consumer.given.size} given, ${consumer.again.length} again`,
      )
    })
  })
})
