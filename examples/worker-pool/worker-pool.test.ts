// Ended in the middle by SIGTERM, and started again: everything is handled once, and what has one key in its order.
import { startKafka } from '@ottla/testing'
import { expect, test } from 'vitest'
import { Program } from '../running.ts'

const passwords = Array.from({ length: 200 }, (_, index) => ({ key: `user ${index % 20}`, value: String(index).padStart(3, '0') }))

test('nothing is lost or out of order when the program is told to end', async () => {
  await using kafka = await startKafka({ topics: { passwords: 3, hashes: 3 } })
  const start = () => new Program('worker-pool/hash-passwords', { env: { KAFKA_BROKERS: kafka.bootstrap } })
  const [group, hashes] = [kafka.group('hash-passwords'), kafka.topic('hashes')]
  await kafka.topic('passwords').produce(passwords)
  {
    await using program = start()
    await hashes.received(20, { timeoutMs: 30_000 })
    expect(await program.end()).toBe('SIGTERM')
  }
  expect((await group.state()).members).toEqual([])
  const begun = (await hashes.records()).length
  const committed = passwords.length - (await group.lag('passwords'))
  expect(begun).toBeLessThan(passwords.length)
  expect(committed).toBeLessThanOrEqual(begun)

  await using program = start()
  await group.drained('passwords', { timeoutMs: 30_000 })
  expect(await program.end()).toBe('SIGTERM')
  const records = await hashes.records()
  expect(records).toHaveLength(passwords.length)
  for (const key of new Set(passwords.map(password => password.key))) {
    const own = records.filter(record => record.key === key).map(({ value }) => value?.slice(0, 3))
    expect(own).toEqual(passwords.filter(password => password.key === key).map(({ value }) => value))
  }
})
