import { expect, it } from 'vitest'
import { encodeSubscription } from '../consumer-protocol.ts'
import { testWorld } from '../testing.ts'
import { ClassicGroup } from './classic-group.ts'
import { subscribedTopicsOf } from './consumer-metadata.ts'

it('topics are known of members that say the same, however many, and not of members that name very many', () => {
  const group = new ClassicGroup(testWorld().world, 'g')
  group.protocolName = 'range'
  const add = (memberId: string, first: number): void => {
    const topics = Array.from({ length: 150_000 }, (_, at) => (first + at).toString(36))
    const identity = { memberId, groupInstanceId: null, clientId: '', clientHost: '', protocolType: 'consumer' }
    const protocols = [{ name: 'range', metadata: encodeSubscription(0, { topics }) }]
    group.add(identity, { rebalanceTimeoutMs: 1, sessionTimeoutMs: 1, protocols })
  }
  add('a', 0)
  add('b', 0)
  expect(subscribedTopicsOf(group)?.size).toBe(150_000)
  add('c', 1)
  expect(subscribedTopicsOf(group)).toBeNull()
})
