import { ErrorCode, KafkaError } from '@ottla/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { endRequest, TestCoordinator } from './testing.ts'

let coordinator: TestCoordinator

beforeEach(async () => {
  coordinator = await TestCoordinator.create()
})
afterEach(() => coordinator.close())

const endError = (producer: Parameters<typeof endRequest>[0], apiVersion: number): Promise<string> =>
  coordinator.errorOf(state => state.end(endRequest(producer, true), { apiVersion }))

describe('a transaction that takes longer than its time-out', () => {
  it('is aborted, its producer fenced, and the log says so', async () => {
    const producer = await coordinator.producerIn('Ongoing')
    await coordinator.advance(60_000)
    expect(coordinator.history('transfers').at(-1)).toBe('Ongoing 0')
    await coordinator.advance(10_000)
    expect(coordinator.history('transfers')).toEqual(['Empty 0', 'Ongoing 0', 'PrepareAbort 1', 'CompleteAbort 1'])
    expect(coordinator.markers.written).toMatchObject([{ producerEpoch: 1, committed: false, transactionVersion: 2 }])
    expect(await endError(producer, 5)).toBe('INVALID_TXN_STATE')
    const line = coordinator.lines.find(({ message }) => message.includes('time-out'))
    expect(line).toMatchObject({
      level: 'info',
      fields: {
        transactionalId: 'transfers',
        producerId: 1000,
        producerEpoch: 0,
        timeoutMs: 60_000,
        partitionCount: 2,
        partitions: ['orders-0', 'orders-1'],
      },
    })
    expect(line?.fields).toHaveProperty('ageMs')
  })

  it('is aborted also before transactions version 2', async () => {
    coordinator.settings.transactionVersion = 1
    const producer = await coordinator.producerIn('Ongoing', 4)
    await coordinator.advance(70_100)
    expect(coordinator.history('transfers').slice(-2)).toEqual(['PrepareAbort 1', 'CompleteAbort 1'])
    expect(await endError(producer, 4)).toBe('PRODUCER_FENCED')
    expect(await endError(producer, 1)).toBe('INVALID_PRODUCER_EPOCH')
  })

  it('is left alone where an outside coordinator decides, and where the outcome is decided', async () => {
    await coordinator.begin('outside', { state: 'Ongoing', producerEpoch: 3, timeoutMs: 0x7fffffff, startedAtMs: 1 })
    coordinator.markers.outcome = () => ErrorCode.NOT_LEADER_OR_FOLLOWER
    await coordinator.producerIn('PrepareCommit')
    coordinator.openGate()
    await coordinator.advance(100_000)
    expect(coordinator.history('outside')).toEqual(['Ongoing 3'])
    expect(coordinator.history('transfers').at(-1)).toBe('PrepareCommit 1')
  })

  it('is aborted once there is a producer id for its producer to go on with', async () => {
    await coordinator.begin('worn', { state: 'Ongoing', producerEpoch: 32_766, startedAtMs: 1, partitions: new Map([['a', new Set([0])]]) })
    coordinator.nextProducerId = () => Promise.reject(new KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS))
    await coordinator.advance(70_000)
    expect(coordinator.history('worn')).toEqual(['Ongoing 32766'])
    expect(coordinator.lines.filter(({ level }) => level === 'warn')).not.toEqual([])
    coordinator.nextProducerId = () => Promise.resolve(5000)
    await coordinator.advance(10_100)
    expect(coordinator.history('worn')).toEqual(['Ongoing 32766', 'PrepareAbort 32767', 'CompleteAbort 0'])
    expect(coordinator.logged('worn')).toMatchObject({ producerId: 5000 })
  })

  it('is one of many', async () => {
    for (let index = 0; index < 500; index++) await coordinator.add(await coordinator.producer(`p${index}`), [0])
    expect(coordinator.state.open.count).toBe(500)
    await coordinator.advance(70_100)
    expect(coordinator.state.open.count).toBe(0)
    expect(coordinator.markers.written).toHaveLength(500)
  })
})

describe('a transactional id that nobody uses', () => {
  const hourMs = 3_600_000

  it('is forgotten, and then is a new one', async () => {
    coordinator.settings.transactionalIdExpirationMs = 10 * hourMs
    const producer = await coordinator.producerIn('CompleteCommit')
    await coordinator.begin('open', { state: 'Ongoing', timeoutMs: 0x7fffffff, producerEpoch: 1 })
    await coordinator.advance(9 * hourMs)
    await coordinator.producer('younger')
    expect(coordinator.state.size).toBe(3)
    await coordinator.advance(2 * hourMs)
    expect(coordinator.history('transfers').at(-1)).toBe('forgotten')
    expect(coordinator.state.size).toBe(2)
    expect(await endError(producer, 5)).toBe('INVALID_PRODUCER_ID_MAPPING')
    await coordinator.restart()
    expect(coordinator.state.size).toBe(2)
    const { producerId, producerEpoch } = producer
    expect(await coordinator.init('transfers', { producerId, producerEpoch })).toMatchObject({ producerId: 1002, producerEpoch: 0 })
  })

  it('is one of many, of which a batch takes some', async () => {
    for (let index = 0; index < 2000; index++) await coordinator.producer(`producer-${index}`)
    const batches = coordinator.log.batches.length
    coordinator.settings.transactionalIdExpirationMs = hourMs / 2
    await coordinator.advance(hourMs + 1000)
    expect(coordinator.state.size).toBe(0)
    expect(coordinator.log.batches.length - batches).toBeGreaterThan(2)
    expect(coordinator.log.batches.length - batches).toBeLessThan(10)
  })
})
