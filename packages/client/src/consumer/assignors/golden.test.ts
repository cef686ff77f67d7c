// Assignments that Kafka's own assignors made over several rebalances, and bytes of its consumer protocol.
import { describe, expect, it } from 'vitest'
import { assignorVectors, bytesOf, configOf, fromPairs, membersOf, type VectorRound } from './assignor-vectors.ts'
import { encodeAssignment, encodeSubscription, parseAssignment, parseSubscription } from './consumer-protocol.ts'
import { PartitionAssigners } from './index.ts'
import { parsePrevious } from './sticky/user-data.ts'
import { partitionKey } from './topic-partitions.ts'
import type { PartitionAssigner } from './types.ts'

const { assignors, consumerProtocol } = assignorVectors()
const kinds = Object.entries({
  range: PartitionAssigners.range,
  roundrobin: PartitionAssigners.kafkaRoundRobin,
  sticky: PartitionAssigners.sticky,
  'cooperative-sticky': PartitionAssigners.cooperativeSticky,
})

async function assigned(make: PartitionAssigner, round: VectorRound): Promise<Record<string, string[]>> {
  const output = await make(configOf(round.topics, round.replicaRacks)).assign({ members: membersOf(round), topics: [] })
  return Object.fromEntries(
    output.map(({ memberId, memberAssignment }) => [memberId, parseAssignment(memberAssignment).partitions.map(partitionKey).toSorted()]),
  )
}

/**
 * Where the first member subscribes nothing, Kafka's sticky assignors take all members to subscribe what the second one does, and give partitions to the first
 * that it does not want. Here it gets none.
 */
const givesUnsubscribed = ({ members, assignment }: VectorRound): boolean =>
  members.some(({ id, topics }) => assignment[id]?.some(([topic]) => !topics.includes(topic)))

const readable = (userData: Buffer | null): unknown => {
  const { partitions, generationId } = parsePrevious(userData)
  return { partitions: partitions.map(partitionKey).toSorted(), generationId }
}

const expected = ({ assignment }: VectorRound): Record<string, string[]> =>
  Object.fromEntries(Object.entries(assignment).map(([id, pairs]) => [id, fromPairs(pairs).map(partitionKey).toSorted()]))

describe('assignments of Kafka', () => {
  it.each(kinds)('%s', async (name, make) => {
    const rounds = assignors[name]?.flat() ?? []
    expect(rounds.length).toBeGreaterThan(100)
    for (const [index, round] of rounds.entries()) {
      if (!givesUnsubscribed(round)) expect(await assigned(make, round), `round ${index}`).toEqual(expected(round))
    }
  })

  it('the sticky assigner tells what it took as Kafka does', () => {
    for (const scenario of assignors['sticky'] ?? []) {
      for (const { members } of scenario) {
        for (const { topics, owned, generation, userDataHex } of members) {
          const assigner = PartitionAssigners.sticky(configOf({}))
          if (generation !== -1) assigner.onAssignment?.({ partitions: fromPairs(owned), generationId: generation })
          const { metadata } = assigner.protocol({ topics: [...topics] })
          // The order of topics is that of a HashMap.
          const [own, kafkas] = [parseSubscription(metadata).userData, bytesOf(userDataHex)]
          expect(own?.length).toBe(kafkas?.length)
          expect(readable(own)).toEqual(readable(kafkas))
        }
      }
    }
  })
})

describe('the consumer protocol', () => {
  it('writes and reads subscriptions as Kafka does', () => {
    for (const { version, topics, userDataHex, owned, generation, rack, hex } of consumerProtocol.subscriptions) {
      const subscription = {
        topics,
        userData: bytesOf(userDataHex),
        ownedPartitions: fromPairs(owned),
        generationId: generation,
        rackId: rack,
      }
      expect(encodeSubscription(version, subscription).toString('hex')).toBe(hex)
      const read = parseSubscription(Buffer.from(hex, 'hex'))
      expect(read).toMatchObject({ version, topics: topics.toSorted(), userData: bytesOf(userDataHex) })
      expect(read.generationId).toBe(version >= 2 ? generation : undefined)
    }
  })

  it('writes and reads assignments as Kafka does', () => {
    for (const { version, partitions, userDataHex, hex } of consumerProtocol.assignments) {
      expect(parseAssignment(Buffer.from(hex, 'hex')).partitions.map(partitionKey).toSorted()).toEqual(
        fromPairs(partitions).map(partitionKey).toSorted(),
      )
      expect(encodeAssignment(version, fromPairs(partitions), bytesOf(userDataHex)).length).toBe(hex.length / 2)
    }
  })
})
