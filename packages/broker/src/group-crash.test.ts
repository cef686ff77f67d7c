// A broker ends at every single operation of the disk while groups commit offsets, by a kill and by losses of power: what was acknowledged
// is there after the start, and nothing that nobody asked for. In between come checkpoints, which rename and sync files of their own.
import { createTopicsApi, ErrorCode, findCoordinatorApi, offsetCommitApi, offsetFetchApi } from '@ottla/protocol'
import type { MemoryDisk } from '@ottla/storage'
import { expect, it } from 'vitest'
import { SimulatedBroker } from './broker-simulation.ts'

const TOPIC = 't'
const GROUPS = ['a', 'b', 'c', 'd']
const PARTITIONS = [0, 1]
const ROUNDS = 3
const ROUND_MS = 20_000

/** One group's offsets: all partitions are committed together. */
interface Committed {
  readonly group: string
  acknowledged: number
  /** Asked for and not answered, or answered with an error. */
  readonly unknown: Set<number>
}

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

async function commit(broker: SimulatedBroker, committed: Committed, offset: number): Promise<void> {
  committed.unknown.add(offset)
  const answer = await broker.ask(offsetCommitApi, 8, {
    groupId: committed.group,
    memberId: '',
    topics: [
      {
        name: TOPIC,
        partitions: PARTITIONS.map(partitionIndex => ({ partitionIndex, committedOffset: offset, committedMetadata: `at ${offset}` })),
      },
    ],
  })
  const codes = answer?.topics[0]?.partitions.map(({ errorCode }) => errorCode) ?? []
  if (codes.length !== PARTITIONS.length || codes.some(code => code !== ErrorCode.NONE)) return
  committed.acknowledged = offset
  committed.unknown.delete(offset)
}

/** The offsets of a group, once its coordinator has loaded them. */
async function offsetsOf(broker: SimulatedBroker, group: string): Promise<number[]> {
  for (let asked = 0; asked < 500; asked++) {
    await broker.ask(findCoordinatorApi, 4, { keyType: 0, coordinatorKeys: [group] })
    const topics = [{ name: TOPIC, partitionIndexes: PARTITIONS }]
    const answer = await broker.ask(offsetFetchApi, 8, { groups: [{ groupId: group, topics }], requireStable: true })
    const found = answer?.groups[0]
    if (found?.errorCode === ErrorCode.NONE) return found.topics[0]?.partitions.map(({ committedOffset }) => committedOffset) ?? []
    broker.clock.advance(10)
    await turn()
  }
  throw new Error(`the coordinator of ${group} does not come`)
}

/** All groups commit at once, round after round; a round that gets no answers any more is the last. */
async function commitRounds(broker: SimulatedBroker, all: readonly Committed[], isOver: () => boolean): Promise<void> {
  for (let round = 1; round <= ROUNDS && !isOver(); round++) {
    const answered = new Set<Committed>()
    for (const committed of all) void commit(broker, committed, committed.acknowledged + 1).finally(() => answered.add(committed))
    for (let waited = 0; answered.size < all.length && waited < 200; waited++) await turn()
    broker.clock.advance(ROUND_MS)
    for (let waited = 0; waited < 5; waited++) await turn()
  }
}

/** One life that ends at its n-th operation, and the next one. False when it came to the end without so many. */
async function endsAt(n: number, { ending, seed }: { ending: 'kill' | 'power loss'; seed: number }): Promise<boolean> {
  const broker = await SimulatedBroker.start(seed)
  const topic = { name: TOPIC, numPartitions: PARTITIONS.length, replicationFactor: 1, assignments: [], configs: [] }
  await broker.ask(createTopicsApi, 7, { topics: [topic], timeoutMs: 1000 })
  const all = GROUPS.map((group): Committed => ({ group, acknowledged: -1, unknown: new Set() }))
  for (const { group } of all) expect(await offsetsOf(broker, group)).toEqual([-1, -1])

  const { disk } = broker
  let operations = 0
  let survivor: MemoryDisk | undefined
  disk.beforeOperation = () => {
    if (operations++ === n) survivor = ending === 'kill' ? disk.crash() : disk.powerLoss(broker.random)
  }
  await commitRounds(broker, all, () => survivor !== undefined)
  disk.beforeOperation = undefined
  const reached = survivor !== undefined
  broker.disk = survivor ?? broker.disk
  await broker.restart('kill')

  for (const { group, acknowledged, unknown } of all) {
    const found = await offsetsOf(broker, group)
    const [first = -2] = found
    // The records of a commit are one batch: all of it is there or nothing.
    expect(found, `${ending} at operation ${n}: group ${group}, acknowledged ${acknowledged}`).toEqual([first, first])
    if (first !== acknowledged) expect([...unknown], `${ending} at operation ${n}: group ${group} has ${first}`).toContain(first)
  }
  for (const committed of all) {
    await commit(broker, committed, 1000)
    expect(await offsetsOf(broker, committed.group), `${ending} at operation ${n}: a commit afterwards`).toEqual([1000, 1000])
  }
  await broker.close()
  return reached
}

it.for([
  { ending: 'kill', seed: 1 },
  { ending: 'power loss', seed: 1 },
] as const)('loses no acknowledged commit, whichever operation is the last ($ending, seed $seed)', { timeout: 300_000 }, async how => {
  let n = 0
  while (await endsAt(n, how)) n++
  // Writes and flushes of the groups' partitions, round after round.
  expect(n).toBeGreaterThan(2 * ROUNDS)
})
