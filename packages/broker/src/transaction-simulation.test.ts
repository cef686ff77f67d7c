// Random transactions of clients of old and new versions, through stops, kills and power losses: of a transaction readers see all or nothing, in
// every partition and in the offsets of a group, and what its producer was told stays true.
import { createTopicsApi, ErrorCode, offsetFetchApi, seededRandom } from '@ottla/protocol'
import { expect, it } from 'vitest'
import { type Ending, SimulatedBroker } from './broker-simulation.ts'
import { findCoordinator, newClient, oldClient, read, retried, TransactionClient } from './handlers/transaction-client.ts'

const PARTITIONS = 3
const TRANSACTIONS = 25
const TOPIC = 't'
const GROUP = 'billing'

/** A transaction, as its producer remembers it. `unknown`: nobody told how it ended. */
interface Attempt {
  readonly values: Map<number, string[]>
  readonly offset: number | null
  outcome: 'committed' | 'aborted' | 'unknown'
}

class Run {
  readonly #broker: SimulatedBroker
  readonly #random: { next(): number }
  readonly #attempts: Attempt[] = []
  #serial = 0
  readonly journal: string[] = []

  constructor(broker: SimulatedBroker, seed: number) {
    this.#broker = broker
    this.#random = seededRandom(seed + 1)
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit)
  }

  async go(): Promise<void> {
    const topic = {
      name: TOPIC,
      numPartitions: PARTITIONS,
      replicationFactor: 1,
      assignments: [],
      configs: [{ name: 'segment.ms', value: '1000' }],
    }
    await this.#broker.ask(createTopicsApi, 7, { topics: [topic], timeoutMs: 1000 })
    await findCoordinator(this.#broker, GROUP, 0)
    // Both kinds of clients take turns with both ids: an id may go from one to the other.
    let client = await this.#client()
    for (let number = 0; number < TRANSACTIONS; number++) {
      if (this.#below(4) === 0) client = await this.#client()
      if (!(await this.#transaction(client))) client = await this.#client()
    }
    await this.#check()
  }

  async #client(): Promise<TransactionClient> {
    const versions = this.#below(2) === 0 ? newClient : oldClient
    const client = new TransactionClient(this.#broker, `id${this.#below(2)}`, versions)
    expect(await client.init()).toBe(ErrorCode.NONE)
    return client
  }

  /** One transaction, in which the broker may end at any moment. False for a client that cannot go on. */
  async #transaction(client: TransactionClient): Promise<boolean> {
    const attempt: Attempt = { values: new Map(), offset: this.#below(3) === 0 ? ++this.#serial : null, outcome: 'unknown' }
    this.#attempts.push(attempt)
    const commits = this.#below(3) > 0
    this.#broker.clock.advance(this.#below(600))
    const endsAt = this.#below(12)
    let step = 0
    const mayEnd = async (): Promise<void> => {
      if (step++ === endsAt) await this.#end()
    }
    for (let sends = 1 + this.#below(4); sends > 0; sends--) {
      const place = { topic: TOPIC, partition: this.#below(PARTITIONS) }
      if (client.versions === oldClient && !(await this.#ok(() => client.add(place)))) return false
      await mayEnd()
      const values = Array.from({ length: 1 + this.#below(3) }, () => `${this.#serial++}`)
      attempt.values.set(place.partition, [...(attempt.values.get(place.partition) ?? []), ...values])
      if (!(await this.#ok(() => client.produce(place, values)))) return false
      await mayEnd()
    }
    const { offset } = attempt
    if (offset !== null && !(await this.#ok(() => client.commitOffset(GROUP, { topic: TOPIC, partition: 0 }, offset)))) return false
    await mayEnd()
    const ended = this.#ok(() => client.end(commits))
    if (step === endsAt) await this.#end()
    if (!(await ended)) return false
    attempt.outcome = commits ? 'committed' : 'aborted'
    this.journal.push(`${client.transactionalId} ${attempt.outcome} ${JSON.stringify([...attempt.values])} ${offset}`)
    if (this.#below(4) === 0) await this.#end()
    return true
  }

  /** Whether a request succeeds, sent again for as long as that helps; one whose broker ended is lost. */
  async #ok(ask: () => Promise<number>): Promise<boolean> {
    const code = await retried(this.#broker, async () => {
      let isLost = false
      const lost = new Promise<number>(resolve => {
        void this.#ended().then(() => {
          isLost = true
          resolve(-1)
        })
      })
      const asked = await Promise.race([ask(), lost])
      return isLost ? -1 : asked
    })
    if (code !== ErrorCode.NONE) this.journal.push(`error ${code}`)
    return code === ErrorCode.NONE
  }

  #onEnd: (() => void)[] = []
  #ended(): Promise<void> {
    return new Promise(resolve => this.#onEnd.push(resolve))
  }

  async #end(): Promise<void> {
    const ending = (['stop', 'kill', 'power loss'] satisfies Ending[])[this.#below(3)] ?? 'kill'
    this.journal.push(ending)
    await this.#broker.restart(ending)
    for (const resolve of this.#onEnd.splice(0)) resolve()
    await findCoordinator(this.#broker, GROUP, 0)
  }

  async #check(): Promise<void> {
    // What is still open is ended by the next producer of its id.
    for (const id of ['id0', 'id1']) expect(await new TransactionClient(this.#broker, id, newClient).init()).toBe(ErrorCode.NONE)
    for (let turn = 0; turn < 50; turn++) {
      this.#broker.clock.advance(20)
      await new Promise(resolve => setImmediate(resolve))
    }
    const seen: string[][] = []
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const found = await read(this.#broker, { topic: TOPIC, partition })
      expect(found.lastStableOffset).toBe(found.highWatermark)
      seen.push(found.values)
    }
    let expectedOffset = -1
    const expected: string[][] = seen.map(() => [])
    for (const { values, offset, outcome } of this.#attempts) {
      const [[partition, [first = ''] = []] = [0]] = values
      const isSeen = seen[partition]?.includes(first) === true
      if (outcome !== 'unknown') expect(isSeen).toBe(outcome === 'committed')
      if (!isSeen) continue
      for (const [index, added] of values) expected[index]?.push(...added)
      if (offset !== null) expectedOffset = offset
    }
    expect(seen).toEqual(expected)
    const groups = [{ groupId: GROUP, topics: [{ name: TOPIC, partitionIndexes: [0] }] }]
    const code = await retried(this.#broker, async () => {
      const answer = await this.#broker.ask(offsetFetchApi, 9, { groups, requireStable: true })
      const [group] = answer?.groups ?? []
      if (group?.errorCode === ErrorCode.NONE)
        expect(group.topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, committedOffset: expectedOffset })
      return group?.errorCode
    })
    expect(code).toBe(ErrorCode.NONE)
  }
}

const first = Number(process.env.FUZZ_SEED)
const seeds = Array.from({ length: Number(process.env.SIMULATION_TIMES) }, (_, index) => first + index)

it.each(seeds)('keeps transactions whole, seed %i', { timeout: 60_000 }, async seed => {
  const broker = await SimulatedBroker.start(seed)
  const run = new Run(broker, seed)
  try {
    await run.go()
  } catch (error) {
    throw new Error(`FUZZ_SEED=${seed}\n${run.journal.join('\n')}`, { cause: error })
  } finally {
    await broker.close()
  }
})
