// Transactional producers, some of them zombies, over coordinators that come and go and markers that fail: whatever happens, all partitions of a
// transaction learn of the same outcome, and it is the one that the producer was told.

import { ErrorCode, KafkaError, seededRandom } from '@ottla/protocol'
import { describe, expect, it } from 'vitest'
import { SimulatedClient, type ClientWorld, type Told } from './simulation-client.ts'
import { ChancyMarkers, type SimulatedPartition, sleep } from './simulation-world.ts'
import { mayFollow, type TransactionStateName } from './states.ts'
import { TestCoordinator } from './testing.ts'
import { readTransaction } from './transaction.ts'

const seeds = Array.from(
  { length: 15 * Number(process.env.SIMULATION_TIMES) },
  (_, index) => index + 1 + 1000 * Number(process.env.FUZZ_SEED),
)

/** Outcomes of what each transaction wrote, by its tag. */
const outcomesOf = (partitions: readonly SimulatedPartition[]): Map<string, Set<string>> => {
  const outcomes = new Map<string, Set<string>>()
  for (const { entries } of partitions)
    for (const [index, entry] of entries.entries()) {
      if (entry.kind !== 'data') continue
      const end = entries.slice(index).find(other => other.kind === 'marker' && other.producerId === entry.producerId)
      const outcome = end?.kind === 'marker' ? (end.committed ? 'committed' : 'aborted') : 'open'
      outcomes.set(entry.tag, (outcomes.get(entry.tag) ?? new Set()).add(outcome))
    }
  return outcomes
}

/** What contradicts a client. */
const contradictions = (told: readonly Told[], outcomes: ReadonlyMap<string, ReadonlySet<string>>): string[] =>
  told.flatMap(({ tag, committed, answer }) => {
    const [outcome] = outcomes.get(tag) ?? []
    if (outcome === undefined || answer === 'unknown') return []
    const expected = answer === 'done' && committed ? 'committed' : 'aborted'
    return outcome === expected ? [] : [`${tag} was told ${answer} of a ${committed ? 'commit' : 'abort'}, and is ${outcome}`]
  })

/** Steps in the log that are not allowed. */
const wrongSteps = (coordinator: TestCoordinator): string[] => {
  const states = new Map<string, TransactionStateName>()
  return coordinator.log.records().flatMap(record => {
    const transaction = readTransaction(record)?.transaction
    if (transaction === undefined || transaction === null) return []
    const { transactionalId, state } = transaction
    const from = states.get(transactionalId) ?? 'Empty'
    states.set(transactionalId, state)
    return mayFollow(from, state) ? [] : [`${transactionalId} from ${from} to ${state}`]
  })
}

const simulate = async (seed: number): Promise<{ readonly told: number; readonly epochs: number }> => {
  const random = seededRandom(seed)
  const coordinator = new TestCoordinator()
  const { clock, log } = coordinator
  const markers = new ChancyMarkers(clock, random)
  coordinator.useMarkers(markers)
  coordinator.nextProducerId = idsOf(random, clock)
  await coordinator.restart()
  const world: ClientWorld = { coordinator, partitions: markers.partitions, random, told: [], newestEpochs: new Map(), violations: [] }
  const clients = { running: 0 }
  const failures: unknown[] = []
  const lives = Array.from({ length: 6 }, (_, index) => {
    const as = { transactionalId: `id ${index % 3}`, version: random.next() < 0.5 ? 4 : 5 }
    clients.running++
    return new SimulatedClient(world, `client ${index}`, as).run(3).then(
      () => clients.running--,
      (error: unknown) => {
        failures.push(error)
        clients.running--
      },
    )
  })
  const disturb = async (): Promise<void> => {
    while (clients.running > 0) {
      await sleep(clock, random.next() * 4000)
      const chance = random.next()
      if (chance < 0.3) await coordinator.restart()
      else if (chance < 0.6) await disturbLog(coordinator, random.next())
    }
  }
  const disturbances = disturb()
  while (clients.running > 0) await turn(coordinator)
  await Promise.all([...lives, turnsUntil(coordinator, disturbances)])
  markers.isCalm = true
  log.holds = false
  log.commit()
  await turnsFor(coordinator, 120_000)
  const outcomes = outcomesOf(markers.partitions)
  expect(failures).toEqual([])
  expect(world.violations).toEqual([])
  expect([...outcomes].filter(([, kinds]) => kinds.size !== 1 || kinds.has('open'))).toEqual([])
  expect(contradictions(world.told, outcomes)).toEqual([])
  expect(wrongSteps(coordinator)).toEqual([])
  expect(coordinator.state.open.count).toBe(0)
  expect(coordinator.lines.filter(({ level }) => level === 'error')).toEqual([])
  coordinator.close()
  return { told: world.told.filter(({ answer }) => answer === 'done').length, epochs: coordinator.leaderEpoch }
}

/** Producer ids, some of which take their time. */
const idsOf = (random: { next(): number }, clock: TestCoordinator['clock']): (() => number | Promise<number>) => {
  let next = 1
  return () => {
    const id = next++
    return random.next() < 0.5 ? id : sleep(clock, 200).then(() => id)
  }
}

/** What is appended waits for a while, and is committed then or taken back. */
const disturbLog = async ({ log, clock }: TestCoordinator, chance: number): Promise<void> => {
  log.holds = true
  await sleep(clock, 2000 * chance)
  log.holds = false
  if (chance < 0.5) log.fail(new KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS))
  else log.commit()
}

const turn = async ({ clock }: TestCoordinator): Promise<void> => {
  await new Promise(resolve => setImmediate(resolve))
  const { nextAtMs } = clock
  if (nextAtMs !== null) clock.advance(Math.max(0, nextAtMs - clock.monotonic()))
}

const turnsFor = async (coordinator: TestCoordinator, durationMs: number): Promise<void> => {
  const end = coordinator.clock.monotonic() + durationMs
  while (coordinator.clock.monotonic() < end) await turn(coordinator)
}

const turnsUntil = async (coordinator: TestCoordinator, done: Promise<unknown>): Promise<void> => {
  const states = { isDone: false }
  const note = done.then(() => (states.isDone = true))
  while (!states.isDone) await turn(coordinator)
  await note
}

describe('transactions in the simulation', () => {
  it('have one outcome, the one that was told', async () => {
    let told = 0
    let epochs = 0
    for (const seed of seeds) {
      try {
        const summary = await simulate(seed)
        told += summary.told
        epochs += summary.epochs
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
      }
    }
    expect(told).toBeGreaterThan(seeds.length)
    expect(epochs).toBeGreaterThan(seeds.length * 2)
  })
})
