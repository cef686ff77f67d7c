// Partitioners beside KafkaJS's own, and Java's hash.
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { hashOfKey, legacyMurmur2, type PartitionerArgs, Partitioners } from './partitioners.ts'

const load = createRequire(import.meta.url)
const legacy: (key: Buffer) => number = load('kafkajs/src/producer/partitioners/legacy/murmur2')
const current: (key: Buffer) => number = load('kafkajs/src/producer/partitioners/default/murmur2')

const keys = [
  ...Array.from({ length: 300 }, (_, index) => `key-${index * 7919}`),
  ...Array.from({ length: 40 }, (_, index) => 'ж'.repeat(index)),
  ...Array.from({ length: 40 }, (_, index) => 'a'.repeat(110 + index)),
]

test('keys are hashed as KafkaJS hashes them, by the default and the legacy partitioner', () => {
  for (const key of keys) {
    const bytes = Buffer.from(key)
    expect(hashOfKey(key)).toBe(current(bytes))
    expect(hashOfKey(bytes)).toBe(current(bytes))
    expect(legacyMurmur2(bytes)).toBe(legacy(bytes))
  }
})

const partition = (partitionId: number, leader: number) => ({ partitionErrorCode: 0, partitionId, leader, replicas: [], isr: [] })
const partitionMetadata = [partition(0, 1), partition(1, -1), partition(2, 2)]
const args = (message: PartitionerArgs['message']): PartitionerArgs => ({ topic: 't', partitionMetadata, message })

test('called by themselves they take the partition given, the key, or turns among those with a leader', () => {
  for (const create of [Partitioners.DefaultPartitioner, Partitioners.LegacyPartitioner, Partitioners.JavaCompatiblePartitioner]) {
    const partitioner = create()
    expect(partitioner(args({ value: '', partition: 1, key: 'k' }))).toBe(1)
    expect(partitioner(args({ value: '', key: 'k' }))).toBe(partitioner(args({ value: '', key: Buffer.from('k') })))
    const turns = Array.from({ length: 4 }, () => partitioner(args({ value: '' })))
    expect(turns.toSorted((a, b) => a - b)).toEqual([0, 0, 2, 2])
    expect(turns[0]).toBe(turns[2])
  }
})
