import { metadataApi } from '@ottla/protocol'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ManualClock, eventually, optionsFor, ScriptedBroker } from '../network/testing.ts'
import type { Cluster } from './cluster.ts'
import type { ClusterOptions } from './create-cluster.ts'
import { createCluster } from './create-cluster.ts'

async function started(more: Partial<ClusterOptions> = {}): Promise<{ broker: ScriptedBroker; client: Cluster }> {
  const broker = await ScriptedBroker.listening()
  broker.topics = ['a', 'b', 'c']
  const client = createCluster(optionsFor(broker, more))
  onTestFinished(async () => {
    await client.disconnect()
    await broker[Symbol.asyncDispose]()
  })
  await client.connect()
  broker.asked.length = 0
  return { broker, client }
}

describe('metadata', () => {
  it.each([0, 1, 3, 4, 8, 9, 12, 13])('is read in version %i', async version => {
    const broker = await ScriptedBroker.listening()
    broker.topics = ['a', 'b']
    broker.limit(metadataApi, 0, version)
    const client = createCluster(optionsFor(broker))
    onTestFinished(async () => {
      await client.disconnect()
      await broker[Symbol.asyncDispose]()
    })
    await client.connect()
    expect((await client.topics(['a'])).get('a')?.partitions).toMatchObject([
      { partition: 0, leader: 1, leaderEpoch: version < 7 ? -1 : 1 },
    ])
    expect([...(await client.refresh('all')).topics.keys()].toSorted()).toEqual(['a', 'b'])
    await client.refresh()
    expect([...client.image.topics.keys()]).toEqual(['a'])
    expect(client.leaderOf('a', 0)).toBe(1)
    expect(client.leaderOf('a', 1)).toBeUndefined()
    await expect(client.topics(['a', 'none'])).rejects.toMatchObject({ type: 'UNKNOWN_TOPIC_OR_PARTITION', topic: 'none' })
  })

  it('asks once for all who ask at once, and not for what is known', async () => {
    const { broker, client } = await started()
    await Promise.all([client.topics(['a']), client.topics(['b']), client.topics(['a', 'c'])])
    expect(broker.asked).toEqual(['Metadata'])
    await client.topics(['a', 'b', 'c'])
    await Promise.all([client.refresh(), client.refresh(), client.refresh()])
    expect(broker.asked).toEqual(['Metadata', 'Metadata'])
  })

  it('names in an answer that is awaited already are not asked for again, others are', async () => {
    const { broker, client } = await started()
    const gate = new EventTarget()
    const names: string[][] = []
    broker.on(metadataApi, async ({ request }) => {
      const list = request.topics?.map(({ name }) => name ?? '') ?? []
      names.push(list)
      if (names.length === 1) await new Promise(resolve => gate.addEventListener('open', resolve))
      return broker.metadata(list)
    })
    const first = client.topics(['a'])
    await eventually(() => names.length === 1)
    const rest = [client.topics(['a']), client.topics(['b']), client.topics(['c'])]
    gate.dispatchEvent(new Event('open'))
    await Promise.all([first, ...rest])
    expect(names).toEqual([['a'], ['b', 'c']])
  })

  it('may create topics only for those who ask for them', async () => {
    const { broker, client } = await started()
    const creates: boolean[] = []
    broker.on(metadataApi, ({ request }) => {
      creates.push(request.allowAutoTopicCreation)
      return broker.metadata(request.topics?.map(({ name }) => name ?? '') ?? [])
    })
    await client.topics(['a'])
    await client.refresh()
    await client.topics(['b'], { allowAutoTopicCreation: false })
    expect(creates).toEqual([true, false, false])
  })

  it('grows no older than it may', async () => {
    const clock = new ManualClock()
    const { broker, client } = await started({ clock, metadataMaxAge: 1000 })
    const images: number[] = []
    const stop = client.onChange(image => void images.push(image.topics.size))
    await client.topics(['a'])
    clock.pass(1000)
    await eventually(() => broker.asked.length === 2 && images.length === 2)
    stop()
    await client.refresh()
    client.forget(['a'])
    expect(client.image.topics.size).toBe(0)
    expect(images).toEqual([1, 1])
    await client.disconnect()
    expect(clock.timers).toBe(0)
  })

  it('takes a newer leader that an answer told of, with its address, and no older one', async () => {
    const { broker, client } = await started()
    await client.topics(['a'])
    const nodes = [{ nodeId: 2, host: '127.0.0.1', port: broker.port, rack: null }]
    client.learnLeader('a', 0, { leaderId: 2, leaderEpoch: 1 }, nodes)
    expect(client.leaderOf('a', 0)).toBe(1)
    client.learnLeader('a', 0, { leaderId: 2, leaderEpoch: 5 }, nodes)
    expect(client.leaderOf('a', 0)).toBe(2)
    expect((await client.request(2, metadataApi, { topics: [] })).nodeId).toBe(2)
    await client.refresh()
    expect(client.image.topics.get('a')?.partitions[0]).toMatchObject({ leader: 2, leaderEpoch: 5 })
    client.learnLeader('none', 3, { leaderId: 1, leaderEpoch: 9 })
  })

  it('forgets a topic that is gone, and finds it when it is back', async () => {
    const { broker, client } = await started()
    await client.topics(['a'])
    broker.topics = ['b']
    await client.refresh()
    expect(client.image.topics.has('a')).toBe(false)
    broker.topics = ['a']
    await client.refresh()
    expect(client.image.topics.has('a')).toBe(true)
  })

  it('stops waiting with a signal; a listener that throws harms nobody', async () => {
    const { client } = await started()
    client.onChange(() => {
      throw new Error('listener')
    })
    const reason = new Error('enough')
    await expect(client.topics(['a'], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect((await client.topics(['b'])).size).toBe(1)
  })
})
