// Two consumers of a group in processes of their own, one of which is killed (SIGKILL) again and again while records come in: at least once. Each record
// is handled, and at no time is an offset committed whose record, or one before it, was not handled.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Kafka } from '../../packages/client/src/kafka.ts'
import { logLevel } from '../../packages/client/src/logger.ts'
import { startBroker } from './broker.ts'

const topic = 'worked'
const partitions = 4
const kills = 10

/** What has been handled, by partition. */
type Handled = readonly Set<number>[]

/** A consumer that runs. */
class Member {
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>
  handled = 0
  errors = ''

  constructor(environment: Record<string, string>, handled: Handled) {
    const program = new URL('clients/node/client-kill.mjs', import.meta.url).pathname
    const child = spawn(process.execPath, [program], { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    this.#closed = once(child, 'close')
    createInterface({ input: child.stdout }).on('line', line => {
      const [event, partition, offset] = line.split(' ')
      if (event !== 'handled') return
      handled[Number(partition)]?.add(Number(offset))
      this.handled++
    })
    child.stderr.on('data', (text: Buffer) => void (this.errors += text.toString()))
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal)
    await this.#closed
  }
}

async function until(isTrue: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  const end = Date.now() + 30_000
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`Not within 30 s: ${what()}`)
    await sleep(20)
  }
}

describe.each(['classic', 'consumer'] as const)('consumers of protocol %s that are killed', protocol => {
  it('handle every record, and commit none that they did not handle', async () => {
    await using broker = await startBroker({
      'group.initial.rebalance.delay.ms': '0',
      'group.min.session.timeout.ms': '500',
      'group.consumer.min.session.timeout.ms': '500',
      'group.consumer.session.timeout.ms': '1000',
      'group.consumer.min.heartbeat.interval.ms': '100',
      'group.consumer.heartbeat.interval.ms': '100',
    })
    const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING })
    await using admin = kafka.admin()
    await using producer = kafka.producer()
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] })
    await producer.connect()
    const handled = Array.from({ length: partitions }, () => new Set<number>())
    const sent = Array.from({ length: partitions }, () => 0)
    const groupId = `killed-${protocol}`
    const environment = { OTTLA_BOOTSTRAP: broker.bootstrap, TOPIC: topic, GROUP: groupId, PROTOCOL: protocol }

    const send = async (): Promise<void> => {
      const messages = Array.from({ length: 40 }, (_, index) => ({
        partition: index % partitions,
        key: `k${index % 10}`,
        value: 'v',
      }))
      await producer.send({ topic, messages })
      for (const { partition } of messages) sent[partition]! += 1
    }
    /** Committed offsets first: what was handled can only have become more meanwhile. */
    const expectNothingSkipped = async (): Promise<void> => {
      const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
      // What a process wrote before it was killed is read when the pipe is.
      await sleep(20)
      for (const { partition, offset } of offsets?.partitions ?? []) {
        const missing = Array.from({ length: Math.max(0, Number(offset)) }, (_, at) => at).filter(at => !handled[partition]?.has(at))
        expect([partition, offset, missing]).toEqual([partition, offset, []])
      }
    }

    const members = [new Member(environment, handled), new Member(environment, handled)]
    try {
      await send()
      for (let kill = 0; kill < kills; kill++) {
        const victim = members[kill % 2]!
        const before = victim.handled
        for (let round = 0; round < 3; round++) await send()
        // The other one may have handled all there is before this one has its share: more comes until it has something to do.
        await until(
          async () => {
            if (victim.handled > before || kill % 3 === 2) return true
            await send()
            return false
          },
          () => `${victim.handled} handled; ${victim.errors}`,
        )
        await victim.end('SIGKILL')
        await expectNothingSkipped()
        members[kill % 2] = new Member(environment, handled)
      }
      await until(
        () => handled.every((of, partition) => of.size === sent[partition]),
        () => `${handled.map(of => of.size).join()} of ${sent.join()}; ${members.map(({ errors }) => errors).join()}`,
      )
      const stopped = await Promise.all(members.map(async member => member.end('SIGTERM')))
      expect(stopped.length).toBe(2)
      await expectNothingSkipped()
      const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
      expect(offsets?.partitions.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => Number(offset))).toEqual(sent)
      expect(members.map(({ errors }) => errors)).toEqual(['', ''])
    } finally {
      await Promise.all(members.map(member => member.end('SIGKILL')))
    }
  })
})
