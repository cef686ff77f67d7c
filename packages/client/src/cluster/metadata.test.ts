import { ManualClock, metadataApi, ZERO_UUID } from '@ottla/protocol'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually, optionsFor, ScriptedBroker } from '../network/testing.ts'
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

  it('asks for topics of interest though somebody else creates one at the same time', async () => {
    const { broker, client } = await started()
    await client.topics(['a'])
    const asked: [names: string[], creates: boolean][] = []
    broker.on(metadataApi, ({ request }) => {
      const names = request.topics?.map(({ name }) => name ?? '') ?? []
      asked.push([names, request.allowAutoTopicCreation])
      return broker.metadata(request.topics === null ? broker.topics : names)
    })
    await Promise.all([client.refresh(), client.topics(['b']), client.topics(['c'], { allowAutoTopicCreation: false })])
    expect(asked).toEqual([
      [['b'], true],
      [['c', 'a', 'b'], false],
    ])
    asked.length = 0
    broker.topics = ['a', 'b', 'c', 'd']
    await Promise.all([client.refresh('all'), client.topics(['d'])])
    expect(asked).toEqual([
      [['d'], true],
      [[], false],
    ])
  })

  it('does not believe a broker that knows of no brokers, nor a topic whose partitions have gaps', async () => {
    const { broker, client } = await started()
    await client.topics(['a'])
    broker.on(metadataApi, () => ({ ...broker.metadata([]), brokers: [] }))
    await expect(client.refresh()).rejects.toMatchObject({ name: 'KafkaJSMetadataNotLoaded', retriable: true })
    expect([client.image.nodes.size, client.leaderOf('a', 0)]).toEqual([1, 1])
    const partition = { errorCode: 0, leaderId: 1, leaderEpoch: 1, replicaNodes: [1], isrNodes: [1] }
    for (const indexes of [[0, 2], [0, 0], [-1, 0], [1]]) {
      const partitions = indexes.map(partitionIndex => ({ ...partition, partitionIndex }))
      broker.on(metadataApi, () => ({ ...broker.metadata([]), topics: [{ errorCode: 0, name: 'b', partitions }] }))
      await expect(client.topics(['b'])).rejects.toMatchObject({ type: 'UNKNOWN_TOPIC_OR_PARTITION', retriable: true })
    }
  })

  it('keeps leader epochs when a broker of an older release answers, not when the topic is another one', async () => {
    const { broker, client } = await started()
    const answer = (topicId: string, leaderId: number, leaderEpoch: number): void => {
      const partition = { errorCode: 0, partitionIndex: 0, leaderId, leaderEpoch, replicaNodes: [1], isrNodes: [1] }
      broker.on(metadataApi, () => ({ ...broker.metadata([]), topics: [{ errorCode: 0, name: 'a', topicId, partitions: [partition] }] }))
    }
    const leaders: (number | undefined)[] = []
    for (const [topicId, leader, epoch] of [
      ['AAAAAAAAAAAAAAAAAAAAAQ', 1, 7],
      [ZERO_UUID, 2, 6],
      ['AAAAAAAAAAAAAAAAAAAAAg', 3, 0],
    ] as const) {
      answer(topicId, leader, epoch)
      if (leaders.length === 0) await client.topics(['a'])
      else await client.refresh()
      leaders.push(client.leaderOf('a', 0))
    }
    expect(leaders).toEqual([1, 1, 3])
  })

  it('grows no older than it may', async () => {
    const clock = new ManualClock()
    const { broker, client } = await started({ clock, metadataMaxAge: 1000 })
    const images: number[] = []
    const stop = client.onChange(image => void images.push(image.topics.size))
    await client.topics(['a'])
    clock.advance(1000)
    await eventually(() => broker.asked.length === 2 && images.length === 2)
    stop()
    await client.refresh()
    client.forget(['a'])
    expect(client.image.topics.size).toBe(0)
    expect(images).toEqual([1, 1])
    await client.disconnect()
    expect(clock.pending).toBe(0)
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
