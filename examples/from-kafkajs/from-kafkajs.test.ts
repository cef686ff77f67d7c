// Both programs differ in their imports alone, and do the same.
import { readFileSync } from 'node:fs'
import { startKafka } from '@ottla/testing'
import { expect, test } from 'vitest'
import { run } from '../running.ts'

const source = (name: string): string[] =>
  readFileSync(new URL(name, import.meta.url), 'utf8')
    .split('\n')
    .slice(1)

test('the import is all that changes', () => {
  const before = source('before.ts')
  expect(source('after.ts')).toEqual(before.map(line => line.replace("'kafkajs'", "'@ottla/client'")))
  expect(before.filter(line => line.includes("'kafkajs'"))).toHaveLength(2)
})

test('the same program does the same', async () => {
  await using kafka = await startKafka()
  const [before, after] = await Promise.all(
    ['before', 'after'].map(name =>
      run(`from-kafkajs/${name}`, { env: { KAFKA_BROKERS: kafka.bootstrap, TOPIC: name, KAFKAJS_NO_PARTITIONER_WARNING: '1' } }),
    ),
  )
  expect(after).toEqual(before)
  expect(after).toContain('refused: INVALID_PARTITIONS, retriable: false')
  expect(after).toContain('kitchen: 19 degrees, 25 messages of sensor-0')
})
