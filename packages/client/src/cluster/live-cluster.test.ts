// The cluster beside scripted brokers: where requests go, what happens when brokers die, move and come back.
import { tracingChannel } from 'node:diagnostics_channel'
import {
  describeClusterApi,
  fetchApi,
  findCoordinatorApi,
  heartbeatApi,
  joinGroupApi,
  leaveGroupApi,
  ManualClock,
  metadataApi,
} from '@ottla/protocol'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually, optionsFor, ScriptedBroker } from '../network/testing.ts'
import type { Cluster } from './cluster.ts'
import type { ClusterOptions } from './create-cluster.ts'
import { createCluster } from './create-cluster.ts'

const asked = { includeClusterAuthorizedOperations: false }
const beat = { groupId: 'g', generationId: 1, memberId: 'm' }
const cluster = { clusterId: 'scripted', controllerId: 1, errorCode: 0, errorMessage: null, throttleTimeMs: 0, brokers: [] }

const about = (key: string, nodeId: number) => ({ key, nodeId, host: 'h', port: 1, errorCode: 0, errorMessage: null })

async function brokers(count: number): Promise<ScriptedBroker[]> {
  const list = await Promise.all(Array.from({ length: count }, () => ScriptedBroker.listening()))
  for (const [index, broker] of list.entries()) {
    onTestFinished(() => broker[Symbol.asyncDispose]())
    broker.nodeId = index + 1
    broker.on(metadataApi, () => ({ ...broker.metadata([]), brokers: list.map(({ nodeId, host, port }) => ({ nodeId, host, port })) }))
    broker.on(describeClusterApi, () => cluster)
    broker.on(heartbeatApi, () => ({ errorCode: 0 }))
  }
  return list
}

function clientOf(broker: ScriptedBroker | readonly ScriptedBroker[], more: Partial<ClusterOptions> = {}): Cluster {
  const list = broker instanceof ScriptedBroker ? [broker] : broker
  const client = createCluster(optionsFor('', { brokers: list.map(({ port }) => `127.0.0.1:${port}`), ...more }))
  onTestFinished(() => client.disconnect())
  return client
}

/** Ends a broker as a crash would, and gives clients time to see it. */
async function kill(broker: ScriptedBroker | undefined): Promise<void> {
  await broker?.[Symbol.asyncDispose]()
  await new Promise(resolve => setTimeout(resolve, 30))
}

const count = (broker: ScriptedBroker | undefined, name: string): number => broker?.asked.filter(one => one === name).length ?? 0

describe('destinations', () => {
  it('uses the next bootstrap broker when one is dead', async () => {
    const list = await brokers(2)
    for (const dead of list) {
      const client = clientOf([await ScriptedBroker.listening().then(async broker => (await kill(broker), broker)), dead])
      await client.connect()
      expect([...client.image.nodes.keys()]).toEqual([1, 2])
    }
  })

  it('sends to nodes by id, to the controller, and to any in turns', async () => {
    const list = await brokers(3)
    const client = clientOf(list)
    await client.connect()
    for (const { nodeId } of list) expect((await client.request(nodeId, describeClusterApi, asked)).nodeId).toBe(nodeId)
    expect((await client.request('controller', describeClusterApi, asked)).nodeId).toBe(client.image.controllerId)
    const ids = new Set<number>()
    for (let turn = 0; turn < 3; turn++) ids.add((await client.request('any', describeClusterApi, asked)).nodeId)
    expect(ids.size).toBe(3)
    expect(list.every(broker => broker.connections === 1)).toBe(true)
    await expect(client.request(9, describeClusterApi, asked)).rejects.toMatchObject({ name: 'KafkaJSBrokerNotFound', retriable: true })
  })

  it('asks any broker but one that owes an answer', async () => {
    const list = await brokers(3)
    const [hanging] = list
    const client = clientOf(list)
    await client.connect()
    for (const { nodeId } of list) await client.request(nodeId, describeClusterApi, asked)
    hanging?.on(describeClusterApi, () => null)
    client.request(1, describeClusterApi, asked).catch(() => undefined)
    await eventually(() => count(hanging, 'DescribeCluster') === 2)
    for (let turn = 0; turn < 6; turn++) expect((await client.request('any', describeClusterApi, asked)).nodeId).not.toBe(1)
  })

  it('finds coordinators in every version of the question, and forgets them when their node is lost', async () => {
    for (const version of [0, 1, 2, 3, 4, 6]) {
      const [broker] = await brokers(1)
      if (broker === undefined) return
      broker.limit(findCoordinatorApi, 0, version)
      broker.on(findCoordinatorApi, ({ request }) => {
        const found = { errorCode: 0, errorMessage: null, nodeId: 1, host: '127.0.0.1', port: broker.port }
        if (version < 4) return found
        return { coordinators: request.coordinatorKeys.map(key => ({ key, ...found })) }
      })
      const client = clientOf(broker)
      const ids = await Promise.all([client.coordinatorOf({ group: 'g' }), client.coordinatorOf({ group: 'g' })])
      expect(ids).toEqual([1, 1])
      expect((await client.request({ group: 'g' }, heartbeatApi, beat)).nodeId).toBe(1)
      expect(count(broker, 'FindCoordinator')).toBe(1)
      broker.hangUp()
      await eventually(() => !client.isConnected())
      await client.request({ group: 'g' }, heartbeatApi, beat)
      expect(count(broker, 'FindCoordinator')).toBe(2)
      client.forgetCoordinator({ group: 'g' })
      await client.coordinatorOf({ group: 'g' })
      expect(count(broker, 'FindCoordinator')).toBe(3)
    }
  })

  it('rejects with what the broker says of a coordinator', async () => {
    const [broker] = await brokers(1)
    broker?.on(findCoordinatorApi, ({ request }) => ({
      coordinators: request.coordinatorKeys.map(key => ({ key, nodeId: -1, host: '', port: -1, errorCode: 15, errorMessage: null })),
    }))
    const client = clientOf(broker ?? [])
    await expect(client.coordinatorOf({ transaction: 't' })).rejects.toMatchObject({
      type: 'GROUP_COORDINATOR_NOT_AVAILABLE',
      retriable: true,
    })
  })

  it('looks again where the answer about a coordinator names no broker or another group', async () => {
    const [broker] = await brokers(1)
    for (const coordinators of [[], [about('other', 1)], [about('g', -1)]]) {
      broker?.on(findCoordinatorApi, () => ({ coordinators }))
      const client = clientOf(broker ?? [])
      await expect(client.coordinatorOf({ group: 'g' })).rejects.toMatchObject({
        type: 'GROUP_COORDINATOR_NOT_AVAILABLE',
        retriable: true,
      })
      expect([...client.image.nodes.keys()]).toEqual([])
    }
  })

  it('closes bootstrap connections and those to former addresses once they serve nobody', async () => {
    const [broker] = await brokers(1)
    const client = clientOf([], { brokers: [`localhost:${broker?.port}`] })
    await client.connect()
    await client.request(1, describeClusterApi, asked)
    await eventually(() => broker?.connections === 1)
    await client.request(1, describeClusterApi, asked)
    const [other] = await brokers(1)
    broker?.on(metadataApi, () => other?.metadata([]) ?? null)
    await client.refresh()
    await client.request(1, describeClusterApi, asked)
    await eventually(() => broker?.connections === 0 && other?.connections === 1)
  })

  it('closes a connection to a former address whose last answer comes late', async () => {
    const [broker] = await brokers(1)
    const [other] = await brokers(1)
    const clock = new ManualClock()
    const client = clientOf(broker ?? [], { clock })
    await client.connect()
    const gate = new EventTarget()
    broker?.on(heartbeatApi, async () => {
      await new Promise(resolve => gate.addEventListener('open', resolve))
      return { errorCode: 0 }
    })
    const late = client.request(1, heartbeatApi, beat)
    await eventually(() => count(broker, 'Heartbeat') === 1)
    broker?.on(metadataApi, () => other?.metadata([]) ?? null)
    await client.refresh()
    clock.advance(10)
    gate.dispatchEvent(new Event('open'))
    await late
    clock.advance(1000)
    await eventually(() => broker?.connections === 0)
    expect(client.isConnected()).toBe(false)
  })

  it('tells a coordinator that a member leaves though its joining still waits there', async () => {
    const [broker] = await brokers(1)
    const found = { errorCode: 0, errorMessage: null, nodeId: 1, host: '127.0.0.1', port: broker?.port ?? 0 }
    broker?.on(findCoordinatorApi, () => ({ coordinators: [{ key: 'g', ...found }] }))
    broker?.on(joinGroupApi, () => new Promise(() => undefined))
    broker?.on(leaveGroupApi, () => ({ errorCode: 0, members: [] }))
    const client = clientOf(broker ?? [])
    const body = { groupId: 'g', sessionTimeoutMs: 1, rebalanceTimeoutMs: 1, memberId: 'm', protocolType: 'consumer', protocols: [] }
    const joining = client.request({ group: 'g' }, joinGroupApi, body)
    joining.catch(() => undefined)
    await eventually(() => count(broker, 'JoinGroup') === 1)
    await client.request({ group: 'g' }, leaveGroupApi, { groupId: 'g', memberId: '', members: [{ memberId: 'm' }] }, { timeoutMs: 1000 })
  })

  it('keeps nobody waiting behind a fetch that waits for records', async () => {
    const [broker] = await brokers(1)
    broker?.on(fetchApi, () => null)
    const client = clientOf(broker ?? [])
    await client.connect()
    const fetching = client.request(1, fetchApi, { maxWaitMs: 10_000, minBytes: 1, topics: [] })
    fetching.catch(() => undefined)
    await client.request(1, describeClusterApi, asked)
    expect(broker?.connections).toBe(2)
    await client.disconnect()
    await expect(fetching).rejects.toMatchObject({ name: 'KafkaJSConnectionClosedError' })
  })
})

describe('brokers that die', () => {
  it('connects again to a broker that comes back, at another address too', async () => {
    const [broker] = await brokers(1)
    const client = clientOf(broker ?? [])
    await client.connect()
    await kill(broker)
    await expect(client.request(1, describeClusterApi, asked)).rejects.toMatchObject({ retriable: true })
    const [other] = await brokers(1)
    // The bootstrap address is served again, by a broker that says where node 1 is now.
    const bootstrap = new ScriptedBroker()
    onTestFinished(() => bootstrap[Symbol.asyncDispose]())
    await bootstrap.listen(broker?.port ?? 0)
    bootstrap.on(metadataApi, () => other?.metadata([]) ?? null)
    await eventually(() => client.image.nodes.get(1)?.port === other?.port)
    await client.request(1, describeClusterApi, asked)
    expect(count(other, 'DescribeCluster')).toBe(1)
  })

  it('goes on with those that are left, and with bootstrap brokers when none of the known ones is', async () => {
    const list = await brokers(3)
    const [first, second, third] = list
    if (first === undefined || second === undefined || third === undefined) return
    const later = await ScriptedBroker.listening()
    onTestFinished(() => later[Symbol.asyncDispose]())
    later.on(describeClusterApi, () => cluster)
    const bootstrap = [`127.0.0.1:${first.port}`]
    const client = clientOf([], { brokers: () => bootstrap })
    await client.connect()
    await client.request(2, describeClusterApi, asked)
    await kill(first)
    await client.request('any', describeClusterApi, asked)
    bootstrap.push(`127.0.0.1:${later.port}`)
    await kill(second)
    await kill(third)
    await eventually(() => !client.isConnected())
    await client.request('any', describeClusterApi, asked)
    expect(count(later, 'DescribeCluster')).toBe(1)
  })

  it('ends what waits when it is disconnected, and can be connected again', async () => {
    const [broker] = await brokers(1)
    broker?.on(heartbeatApi, () => null)
    const client = clientOf(broker ?? [])
    await client.connect()
    const waiting = [client.request(1, heartbeatApi, beat), client.request('any', heartbeatApi, beat)].map(async one => {
      await expect(one).rejects.toMatchObject({ name: 'KafkaJSConnectionClosedError' })
    })
    await eventually(() => count(broker, 'Heartbeat') === 2)
    await client.disconnect()
    await Promise.all(waiting)
    expect(client.isConnected()).toBe(false)
    await expect(client.request(1, heartbeatApi, beat)).rejects.toMatchObject({ name: 'KafkaJSConnectionClosedError' })
    await client.connect()
    await client.request(1, describeClusterApi, asked)
  })

  it('stays up to date when it was connected again before the end of the attempt before', async () => {
    const [broker] = await brokers(1)
    const clock = new ManualClock()
    const client = clientOf(broker ?? [], { clock, metadataMaxAge: 1000, retry: { retries: 1, initialRetryTime: 20 } })
    broker?.on(metadataApi, () => null)
    const former = client.connect()
    former.catch(() => undefined)
    await eventually(() => count(broker, 'Metadata') === 1)
    broker?.on(metadataApi, () => broker.metadata([]))
    await client.disconnect()
    const attempt = client.connect()
    await expect(former).rejects.toThrow()
    expect(client.connect()).toBe(attempt)
    clock.advance(50)
    await attempt
    clock.advance(1000)
    await eventually(() => count(broker, 'Metadata') === 3)
  })

  it('ends an attempt to connect when it is disconnected', async () => {
    const broker = await ScriptedBroker.listening()
    await kill(broker)
    const client = clientOf(broker, { retry: { retries: 100 } })
    const connecting = client.connect()
    connecting.catch(() => undefined)
    await new Promise(resolve => setTimeout(resolve, 50))
    await client.disconnect()
    await expect(connecting).rejects.toThrow(/disconnected|refused/i)
  })
})

it('tells tracing of requests where somebody subscribes', async () => {
  const [broker] = await brokers(1)
  const client = clientOf(broker ?? [])
  await client.connect()
  const seen: string[] = []
  const channel = tracingChannel('ottla:client:request')
  const subscribers = {
    start: (message: object) => void seen.push(`start ${'apiName' in message ? String(message.apiName) : ''}`),
    end: () => undefined,
    asyncStart: () => undefined,
    asyncEnd: (message: object) => void seen.push('result' in message ? 'result' : 'nothing'),
    error: () => void seen.push('error'),
  }
  channel.subscribe(subscribers)
  await client.request(1, describeClusterApi, asked)
  channel.unsubscribe(subscribers)
  await client.request(1, describeClusterApi, asked)
  expect(seen).toEqual(['start DescribeCluster', 'result'])
})
