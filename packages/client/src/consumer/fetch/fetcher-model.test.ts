// Whatever brokers answer and whoever seeks, pauses or takes partitions away: of each position on, every record comes exactly once and in order.
import { ErrorCode } from '@ottla/protocol'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { KafkaJSConnectionClosedError } from '../../errors/index.ts'
import type { FetchedRecords } from '../parts.ts'
import { messagesOf } from './message.ts'
import { type FetcherWorld, fetcherWorld } from './model-brokers-testing.ts'

const PARTITIONS = 4
const codecs = ['none', 'gzip', 'lz4'] as const
const passing = [
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.FENCED_LEADER_EPOCH,
  ErrorCode.UNKNOWN_LEADER_EPOCH,
  ErrorCode.KAFKA_STORAGE_ERROR,
  ErrorCode.UNKNOWN_TOPIC_ID,
]
const sessionErrors = [ErrorCode.FETCH_SESSION_ID_NOT_FOUND, ErrorCode.INVALID_FETCH_SESSION_EPOCH, ErrorCode.UNKNOWN_SERVER_ERROR]

/** What a step does, with what numbers it has. */
const steps = [
  'append',
  'abort',
  'gap',
  'advance',
  'take',
  'give back',
  'seek',
  'pause',
  'resume',
  'remove',
  'add',
  'move',
  'error',
  'refuse',
  'lose',
] as const
const step = fc.record({
  what: fc.constantFrom(...steps, 'append', 'advance', 'take', 'give back', 'advance', 'take', 'give back', 'seek'),
  partition: fc.nat(PARTITIONS - 1),
  number: fc.nat(1000),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

class Run {
  readonly world: FetcherWorld
  /** Offsets of records that readers shall see, by partition. */
  readonly visible: number[][] = Array.from({ length: PARTITIONS }, () => [])
  /** Where reading goes on; undefined where it is not read. */
  readonly next: (number | undefined)[] = Array.from({ length: PARTITIONS }, () => 0)
  readonly inHand: FetchedRecords[] = []
  #producerId = 0

  constructor(latencies: readonly number[]) {
    this.world = fetcherWorld(
      Array.from({ length: PARTITIONS }, (_, partition) => (partition % 2) + 1),
      { maxBytesPerPartition: 300, maxBytes: 700, bufferMemory: 1500 },
    )
    for (const [partition] of this.next.entries()) for (let batch = 0; batch < 8; batch++) this.#append(partition, 6, 'none')
    let turn = 0
    this.world.brokers.latencyMs = () => latencies[turn++ % latencies.length] ?? 1
    this.world.fetcher.add(this.next.map((_, partition) => ({ topic: 't', partition, offset: 0 })))
  }

  log(partition: number) {
    return this.world.brokers.log('t', partition)
  }

  async step({ what, partition, number }: Step): Promise<void> {
    const { cluster, brokers, fetcher } = this.world
    const place = { topic: 't', partition }
    const log = this.log(partition)
    if (what === 'append') this.#append(partition, 1 + (number % 7), codecs[number % 3] ?? 'none')
    else if (what === 'abort') this.#abort(partition)
    else if (what === 'gap') log.highWatermark += 1 + (number % 5)
    else if (what === 'advance') await cluster.clock.advance(number % 15)
    else if (what === 'take') this.take()
    else if (what === 'give back') this.giveBack()
    else if (what === 'seek') this.#seek(partition, number)
    else if (what === 'pause') fetcher.pause([place])
    else if (what === 'resume') fetcher.resume([place])
    else if (what === 'remove') {
      fetcher.remove([place])
      this.next[partition] = undefined
    } else if (what === 'add' && this.next[partition] === undefined) {
      this.next[partition] = this.#someOffset(partition, number)
      fetcher.add([{ ...place, offset: this.next[partition] ?? 0 }])
    } else if (what === 'move') this.#move(partition, number)
    else if (what === 'error') log.answers.push({ errorCode: passing[number % passing.length] ?? 0 })
    else if (what === 'refuse') brokers.refusals.push(sessionErrors[number % sessionErrors.length] ?? 0)
    else if (what === 'lose') brokers.refusals.push(new KafkaJSConnectionClosedError('lost'))
  }

  #append(partition: number, count: number, compression: (typeof codecs)[number]): void {
    const log = this.log(partition)
    for (let index = 0; index < count; index++) this.visible[partition]?.push(log.highWatermark + index)
    log.fill(count, { compression })
  }

  #abort(partition: number): void {
    const log = this.log(partition)
    const producerId = ++this.#producerId
    log.aborted.push({ producerId, firstOffset: log.highWatermark })
    log.fill(2, { isTransactional: true, producerId, producerEpoch: 0, baseSequence: 0 })
    this.#append(partition, 2, 'none')
    log.end(producerId, false)
  }

  #move(partition: number, number: number): void {
    const log = this.log(partition)
    log.leader = 1 + (number % 2)
    log.leaderEpoch++
    const leaders = this.next.map((_, index) => this.log(index))
    this.world.cluster.topic(
      't',
      leaders.map(({ leader }) => leader),
    )
    const facts = this.world.cluster.truth.get('t')
    if (facts === undefined) return
    const partitions = facts.partitions.map((known, index) => ({ ...known, leaderEpoch: leaders[index]?.leaderEpoch ?? 0 }))
    this.world.cluster.truth.set('t', { ...facts, partitions })
    if (number % 3 === 0) this.world.cluster.publish()
  }

  #someOffset(partition: number, number: number): number {
    return number % (this.log(partition).highWatermark + 1)
  }

  #seek(partition: number, number: number): void {
    const offset = this.#someOffset(partition, number)
    const isRead = this.world.fetcher.seek({ topic: 't', partition }, offset)
    expect(isRead).toBe(this.next[partition] !== undefined)
    if (isRead) this.next[partition] = offset
  }

  take(): boolean {
    const { fetcher } = this.world
    let taken: FetchedRecords | undefined
    try {
      taken = fetcher.take()
    } catch (error) {
      // Tries were used up, or an error that no new try would mend.
      expect(error).toMatchObject({ name: expect.stringMatching(/^KafkaJS/) })
      return true
    }
    if (taken === undefined) return false
    const { partition, fetchOffset, nextOffset } = taken
    expect(this.inHand.some(other => other.partition === partition && fetcher.isCurrent(other))).toBe(false)
    expect(fetcher.isCurrent(taken)).toBe(true)
    expect(fetchOffset).toBe(this.next[partition])
    const expected = (this.visible[partition] ?? []).filter(offset => offset >= fetchOffset && offset < nextOffset)
    expect(messagesOf(taken).map(({ offset }) => Number(offset))).toEqual(expected)
    this.next[partition] = nextOffset
    this.inHand.push(taken)
    return true
  }

  giveBack(): void {
    const taken = this.inHand.shift()
    if (taken !== undefined) this.world.fetcher.done(taken)
  }

  /** Everything that is in the way goes, and all is read to its end. */
  async finish(): Promise<void> {
    const { cluster, brokers, fetcher } = this.world
    brokers.refusals = []
    for (const [partition, next] of this.next.entries()) {
      const log = this.log(partition)
      log.answers = []
      if (next === undefined) fetcher.add([{ topic: 't', partition, offset: (this.next[partition] = 0) }])
      // So that there is something after a gap at the end.
      this.#append(partition, 1, 'none')
    }
    fetcher.resume(this.next.map((_, partition) => ({ topic: 't', partition })))
    const isDone = () => this.next.every((next, partition) => next === this.log(partition).highWatermark)
    for (let passed = 0; passed < 600 && !isDone(); passed++) {
      while (this.take());
      while (this.inHand.length > 0) this.giveBack()
      await cluster.clock.advance(passed < 200 ? 10 : 300)
    }
    expect(this.next).toEqual(this.next.map((_, partition) => this.log(partition).highWatermark))
    const closing = fetcher.close()
    await cluster.clock.advance(2000)
    await closing
  }
}

test('every record once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 120 }),
      fc.array(fc.nat(20), { minLength: 1, maxLength: 5 }),
      async (all, latencies) => {
        const run = new Run(latencies)
        for (const one of all) await run.step(one)
        await run.finish()
      },
    ),
    { numRuns: 20 },
  )
})
