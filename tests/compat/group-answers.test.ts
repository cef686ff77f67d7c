// The same requests about groups that Apache Kafka 4.3.1 was asked, and the same answers: error codes, messages, states, members. What Kafka
// says is recorded; `RECORD_FROM=kafka` starts one and records it anew, `RECORD_FROM=port` asks one that runs on this machine.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startKafka } from '../load/kafka.ts'
import { type BrokerProcess, startBroker } from './broker.ts'
import { play, prepare, scenarios, settings } from './group-answers/index.ts'
import { known } from './group-answers/known-differences.ts'
import { read, write } from './group-answers/recording.ts'
import type { Answer } from './group-answers/talk.ts'

async function record(from: string): Promise<void> {
  await using kafka = from === 'kafka' ? await startKafka(settings) : undefined
  const port = kafka?.port ?? Number(from)
  await prepare(port)
  const said: Record<string, Answer[]> = {}
  for (const name of Object.keys(scenarios)) said[name] = await play(port, name)
  write(said)
}

let broker: BrokerProcess
beforeAll(async () => {
  const from = process.env.RECORD_FROM
  if (from !== undefined) await record(from)
  broker = await startBroker(settings)
  await prepare(broker.port)
})
afterAll(() => broker?.[Symbol.asyncDispose]())

describe('answers about groups are those of Apache Kafka', () => {
  it.each(Object.keys(scenarios))('%s', async name => {
    const expected = read(name)
    const actual = await play(broker.port, name)
    expect(actual.map(({ request }) => request)).toEqual(expected.map(({ request }) => request))
    const differs = ({ request }: Answer) => known.some(difference => difference.request.test(`${name} / ${request}`))
    expect(actual.filter(answer => !differs(answer))).toEqual(expected.filter(answer => !differs(answer)))
  })
})
