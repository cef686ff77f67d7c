// Handlers by chance, failures by chance, rebalances, pauses and crashes by chance: nothing is committed that was not handled, nothing is left
// out, and order is kept where it was promised.
import { type Random, seededRandom } from '@ottla/protocol'
import { expect, test } from 'vitest'
import { FakeWorld } from '../consumer-testing.ts'
import type { EachMessagePayload } from '../types.ts'

const partitions = 3
const recordsPerPartition = 60

class Scenario {
  readonly world = new FakeWorld({ partitions, batchSize: 8, rebalanceTimeout: 1_000, stopTimeout: 1_000 })
  readonly random: Random
  readonly finished = new Set<string>()
  readonly wrong: string[] = []
  readonly #inHand = new Set<string>()
  readonly #lastOfKey = new Map<string, number>()
  readonly #order: 'key' | 'partition' | 'none'
  #rebalancing = Promise.resolve()
  #checkedCommits = 0

  constructor(seed: number, order: 'key' | 'partition' | 'none') {
    this.random = seededRandom(seed)
    this.#order = order
  }

  async start(): Promise<void> {
    await this.world.consumer.subscribe({ topic: 't', fromBeginning: true })
    await this.world.consumer.run({ concurrency: 4, order: this.#order, eachMessage: payload => this.#handle(payload) })
  }

  async #handle({ partition, message, signal }: EachMessagePayload): Promise<void> {
    const group = this.#order === 'key' ? `${partition}/${message.key?.toString()}` : String(partition)
    if (this.#order !== 'none' && this.#inHand.has(group)) this.wrong.push(`two of ${group} at once`)
    this.#inHand.add(group)
    const durationMs = Math.floor(this.random.next() ** 3 * 50)
    await new Promise<void>(resolve => void this.world.clock.after(durationMs, resolve))
    this.#inHand.delete(group)
    if (this.random.next() < 0.05) throw new Error('by chance')
    const place = `${partition}/${message.offset}`
    const isAgain = this.finished.has(place)
    if (!signal.aborted) this.finished.add(place)
    const offset = Number(message.offset)
    if (!isAgain && this.#order !== 'none' && (this.#lastOfKey.get(group) ?? -1) > offset) this.wrong.push(`${place} after ${group}`)
    this.#lastOfKey.set(group, Math.max(offset, this.#lastOfKey.get(group) ?? -1))
  }

  /** Something happens. */
  act(): void {
    const dice = this.random.next()
    const partition = Math.floor(this.random.next() * partitions)
    if (dice < 0.1) this.#rebalance()
    else if (dice < 0.2 && this.world.consumer.assignment().length > 0) this.world.consumer.pause([{ topic: 't', partitions: [partition] }])
    else if (dice < 0.4 && this.world.consumer.assignment().length > 0) this.world.consumer.resume([{ topic: 't' }])
  }

  /** Some partitions go, and come back a little later. */
  #rebalance(): void {
    const { membership } = this.world
    const facts = membership.facts
    if (facts === null || membership.hasLeft) return
    const some = [0, 1, 2].filter(() => this.random.next() < 0.5).map(partition => ({ topic: 't', partition }))
    this.#rebalancing = this.#rebalancing.then(async () => {
      if (membership.hasLeft) return
      if (this.random.next() < 0.3) await membership.listener.lost(some)
      else await membership.listener.revoked(some)
      await new Promise<void>(resolve => void this.world.clock.after(5, resolve))
      if (!membership.hasLeft) await membership.listener.assigned(some, facts)
    })
  }

  checkCommits(): void {
    const { commits } = this.world
    for (const commit of commits.slice(this.#checkedCommits)) {
      for (const at of commit.split(' ')) {
        const [, partition, next] = /^t-(\d+)@(\d+)$/.exec(at) ?? []
        for (let offset = 0; offset < Number(next); offset++) {
          if (!this.finished.has(`${partition}/${offset}`)) this.wrong.push(`${at} was committed before ${partition}/${offset} was handled`)
        }
      }
    }
    this.#checkedCommits = commits.length
  }
}

test.each(['key', 'partition', 'none'] as const)('nothing is left out, nothing is committed too early (order %s)', async order => {
  for (let seed = 1; seed <= 12; seed++) {
    const scenario = new Scenario(seed * 7919, order)
    const { world, random } = scenario
    await scenario.start()
    for (let written = 0; written < recordsPerPartition; written += 6) {
      for (let partition = 0; partition < partitions; partition++) {
        const values = Array.from({ length: 6 }, (_, index) => `k${Math.floor(random.next() * 5)}:${written + index}`)
        world.append(values, partition)
      }
      for (let step = 0; step < 10; step++) {
        scenario.act()
        await world.clock.advance(Math.floor(random.next() * 40))
        scenario.checkCommits()
      }
    }
    const isOver = () =>
      scenario.finished.size === partitions * recordsPerPartition &&
      [...world.stored.values()].every(offset => offset === recordsPerPartition)
    for (let step = 0; step < 400 && !isOver(); step++) {
      if (world.consumer.assignment().length > 0) world.consumer.resume([{ topic: 't' }])
      await world.clock.advance(100)
      scenario.checkCommits()
    }
    await world.clock.advance(2_000)
    scenario.checkCommits()
    expect([seed, scenario.wrong, scenario.finished.size, [...world.stored.values()]]).toEqual([
      seed,
      [],
      partitions * recordsPerPartition,
      Array.from({ length: partitions }, () => recordsPerPartition),
    ])
  }
})
