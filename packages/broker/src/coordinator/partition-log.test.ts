// A coordinator's log over a partition on a disk in memory: what commits, what is taken back, and what a full disk does to those who wait.
import { answered, CoordinatorRuntime, type CoordinatorState, recordOf } from '@ottla/coordinator'
import { silentLogger } from '@ottla/metadata'
import { ErrorCode, groupMetadataRecord, KafkaError } from '@ottla/protocol'
import { afterEach, expect, it } from 'vitest'
import { nextTurn, TestReplicas } from '../replica/testing.ts'
import { LedPartitions } from './led-partitions.ts'

const { COORDINATOR_LOAD_IN_PROGRESS, NONE, NOT_COORDINATOR } = ErrorCode
const TOPIC = '__consumer_offsets'

/** Counts what was replayed. */
class Counter implements CoordinatorState {
  records = 0
  unloadedWith = 0

  replay(): void {
    this.records++
  }
  endTransaction(): void {
    this.records++
  }
  loaded(): void {
    this.records += 0
  }
  unloaded(errorCode: number): void {
    this.unloadedWith = errorCode
  }
}

const record = recordOf(groupMetadataRecord, {
  key: { group: 'g' },
  value: { protocolType: '', generation: 0, protocol: null, leader: null, currentStateTimestamp: 0, members: [] },
})

class Bench {
  readonly replicas: TestReplicas
  readonly states: Counter[] = []
  readonly runtime: CoordinatorRuntime<Counter>
  readonly led: LedPartitions
  topicId = ''

  constructor(replicas: TestReplicas) {
    this.replicas = replicas
    const { clock, metadata } = replicas
    const create = (): Counter => {
      const state = new Counter()
      this.states.push(state)
      return state
    }
    this.runtime = new CoordinatorRuntime({ topic: TOPIC, clock, logger: silentLogger, create })
    this.led = new LedPartitions({ topic: TOPIC, metadata, replicas: replicas.replicas, clock }, this.runtime)
  }

  async open(): Promise<void> {
    this.topicId = await this.replicas.createTopic(TOPIC)
    await this.replicas.replicas.applied(0)
    await nextTurn()
    await this.runtime.loaded(0)
    expect(this.runtime.status(0)).toBe('active')
  }

  async write(): Promise<number> {
    try {
      await this.runtime.run(0, () => ({ records: [record], reply: undefined }))
      return NONE
    } catch (error) {
      if (error instanceof KafkaError) return error.code
      throw error
    }
  }

  count(): number | Promise<number> {
    return this.runtime.run(0, state => answered(state.records))
  }

  async close(): Promise<void> {
    this.led.close()
    this.runtime.close()
    await this.replicas.close()
  }
}

let bench: Bench | undefined
afterEach(() => bench?.close())

async function open(): Promise<Bench> {
  bench = new Bench(await TestReplicas.open())
  await bench.open()
  return bench
}

it('answers once what was appended is safe', async () => {
  const { runtime } = await open()
  expect(runtime.status(0)).toBe('active')
  expect(await Promise.all([bench?.write(), bench?.write(), bench?.count()])).toEqual([NONE, NONE, 2])
  expect(bench?.count()).toBe(2)
})

it('takes batches of a transaction and the markers of their ends, again after a new start', async () => {
  const { replicas, runtime, topicId } = await open()
  const producer = { id: 7, epoch: 0 }
  for (let transaction = 0; transaction < 3; transaction++) {
    for (let write = 0; write < 2; write++) await runtime.run(0, () => ({ records: [record], reply: undefined }), { producer })
    await runtime.endTransaction(0, producer, { committed: true, coordinatorEpoch: 1 })
  }
  expect(bench?.count()).toBe(9)
  await replicas.changePartition(topicId, 0, { leader: 1, leaderEpoch: 4 })
  await runtime.loaded(0)
  expect(await bench?.count()).toBe(9)
})

it('goes back to what is on the disk when it is full, once, and goes on when there is room', async () => {
  const { replicas, runtime, states, ...rest } = await open()
  expect(rest.topicId).not.toBe('')
  expect(await bench?.write()).toBe(NONE)
  const heal = replicas.disk.fail({ operation: 'writeSync', path: '.log', code: 'ENOSPC', partialBytes: 40 })
  expect(await Promise.all([bench?.write(), bench?.write()])).toEqual([NOT_COORDINATOR, NOT_COORDINATOR])
  expect(states[0]?.unloadedWith).toBe(NOT_COORDINATOR)
  expect(await bench?.write()).toBe(COORDINATOR_LOAD_IN_PROGRESS)
  await runtime.loaded(0)
  expect(bench?.count()).toBe(1)
  for (let attempt = 0; attempt < 3; attempt++) expect(await bench?.write()).toBe(NOT_COORDINATOR)
  expect([states.length, bench?.count()]).toEqual([2, 1])
  heal()
  expect(await Promise.all([bench?.write(), bench?.write()])).toEqual([NONE, NONE])
  expect([states.length, bench?.count()]).toEqual([2, 3])
})

it('fails for good when the device does', async () => {
  const { replicas, runtime } = await open()
  replicas.disk.fail({ operation: 'writeSync', path: '.log', code: 'EIO' })
  expect(await bench?.write()).toBe(NOT_COORDINATOR)
  await runtime.loaded(0)
  expect(runtime.status(0)).toBe('failed')
  expect(await bench?.write()).toBe(NOT_COORDINATOR)
})

it('follows who leads', async () => {
  const { replicas, runtime, states, topicId } = await open()
  const written = bench?.write()
  await replicas.changePartition(topicId, 0, { leader: 1, leaderEpoch: 4 })
  expect([NONE, NOT_COORDINATOR]).toContain(await written)
  await runtime.loaded(0)
  expect(await bench?.count()).toBe(1)
  await replicas.changePartition(topicId, 0, { leader: 2, leaderEpoch: 5 })
  expect(runtime.status(0)).toBeUndefined()
  expect(states.at(-1)?.unloadedWith).toBe(NOT_COORDINATOR)
  await replicas.changePartition(topicId, 0, { leader: 1, leaderEpoch: 6 })
  await runtime.loaded(0)
  expect(await bench?.count()).toBe(1)
  await replicas.deleteTopic(TOPIC, topicId)
  expect(runtime.status(0)).toBeUndefined()
})
