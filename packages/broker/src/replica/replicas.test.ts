import { keys } from '@ottla/metadata'
import { ErrorCode } from '@ottla/protocol'
import { MemoryDisk } from '@ottla/storage'
import { afterEach, describe, expect, it } from 'vitest'
import { batchOf, nextTurn, TestReplicas } from './testing.ts'

let test: TestReplicas
afterEach(() => test.close())
const append = { acks: 1, nowMs: 1_700_000_000_000 }

describe('the partitions of a broker', () => {
  it('come, change and go with the metadata', async () => {
    test = await TestReplicas.open()
    const id = await test.createTopic('a', 3)
    const partition = test.partition('a', 2)
    expect(test.replicas.locateById(id, 2)).toBe(partition)
    expect(partition).toMatchObject({ topic: 'a', index: 2, isLeader: true, leaderEpoch: 0, isr: [1] })
    expect(test.replicas.locate('a', 3)).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(test.replicas.locateById(keys.topic('a'), 0)).toBe(ErrorCode.UNKNOWN_TOPIC_ID)
    await test.changePartition(id, 2, { replicas: [2], isr: [2], leader: 2, leaderEpoch: 1 })
    expect(test.replicas.locate('a', 2)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    expect(partition.errorForLeader(-1)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    expect(test.logs.get('a', 2)).toBeUndefined()
    await test.changePartition(id, 2, { leaderEpoch: 2 })
    expect(test.partition('a', 2)).toMatchObject({ isLeader: true, leaderEpoch: 2 })
    await test.deleteTopic('a', id)
    expect(test.replicas.locate('a', 0)).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(test.replicas.locateById(id, 0)).toBe(ErrorCode.UNKNOWN_TOPIC_ID)
    expect([...test.logs.logs]).toEqual([])
  })

  it('are new ones for a topic that was made again', async () => {
    test = await TestReplicas.open()
    const first = await test.createTopic('a')
    await test.partition('a').append(batchOf(['x']), append)
    await test.deleteTopic('a', first)
    const second = await test.createTopic('a')
    expect(second).not.toBe(first)
    expect(test.partition('a').log?.logEndOffset).toBe(0)
    expect(test.replicas.locateById(first, 0)).toBe(ErrorCode.UNKNOWN_TOPIC_ID)
  })

  it('take new settings at once', async () => {
    test = await TestReplicas.open({ flushMode: 'os' })
    await test.createTopic('a')
    await test.createTopic('b')
    const { log } = test.partition('a')
    expect(log?.config).toBe(test.partition('b').log?.config)
    await test.configureTopic('a', { 'max.message.bytes': '100' })
    expect(log?.config.maxMessageBytes).toBe(100)
    expect(() => test.partition('a').append(batchOf(['v'.repeat(100)]), append)).toThrow(/max.message.bytes/)
    await test.partition('b').append(batchOf(['x']), append)
    await nextTurn()
    expect(test.partition('b').log?.flushedOffset).toBe(0)
    test.config = { flushMode: 'ack' }
    test.replicas.refreshConfigs()
    await nextTurn()
    expect(test.partition('b').log?.flushedOffset).toBe(1)
    expect(log?.config.maxMessageBytes).toBe(100)
  })

  it('serve nothing that was not flushed before the start until it is', async () => {
    const disk = new MemoryDisk()
    test = await TestReplicas.open({ flushMode: 'os' }, disk)
    await test.createTopic('a')
    await test.partition('a').append(batchOf(['x', 'y']), append)
    await nextTurn()
    expect(test.partition('a').highWatermark).toBe(2)
    const survived = disk.crash()
    test.replicas.close()
    test = await TestReplicas.open({ flushMode: 'ack' }, survived)
    await test.createTopic('a')
    const partition = test.partition('a')
    expect(partition.highWatermark).toBeLessThanOrEqual(partition.log?.flushedOffset ?? -1)
    await nextTurn()
    expect(partition.highWatermark).toBe(2)
  })

  it('answer KAFKA_STORAGE_ERROR where no directory can take their log', async () => {
    test = await TestReplicas.open()
    const [directory] = test.logs.directories
    if (directory !== undefined) directory.failure = new Error('gone')
    await test.createTopic('a')
    expect(test.partition('a').errorForLeader(-1)).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(() => test.partition('a').append(batchOf(['x']), append)).toThrow()
  })

  it('get the log that a full disk kept from them as soon as there is room', async () => {
    test = await TestReplicas.open()
    const [directory] = test.logs.directories
    if (directory !== undefined) directory.failure = new Error('gone')
    await test.createTopic('a')
    await test.createTopic('b')
    test.clock.advance(5000)
    expect(test.partition('b').log).toBeNull()
    if (directory !== undefined) directory.failure = undefined
    test.clock.advance(1000)
    await nextTurn()
    for (const name of ['a', 'b']) await test.partition(name).append(batchOf(['x']), append)
  })

  it('leave logs alone that the metadata does not know', async () => {
    test = await TestReplicas.open()
    const { config } = test.partition(await test.createTopic('a').then(() => 'a')).log ?? {}
    if (config === undefined) throw new Error('no log')
    const stray = test.logs.getOrCreate({ topic: 'stray', topicId: 'B'.repeat(21) + 'A', partition: 0, config })
    expect(test.replicas.strayLogs()).toEqual([stray])
    await test.createTopic('stray')
    expect(test.partition('stray').errorForLeader(-1)).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(test.logs.get('stray', 0)).toBe(stray)
  })
})
