// The program of examples/idempotent-consumer with a PostgreSQL server: killed in the middle, and told to read everything again, it credits each
// deposit once.
import { Pool } from 'pg'
import { startKafka } from '@ottla/testing'
import { describe, expect, it } from 'vitest'
import { Program } from '../../examples/running.ts'
import { postgresMissing, startPostgres } from './postgres.ts'
import { available } from './programs.ts'

const deposits = Array.from({ length: 400 }, (_, index) => ({ account: `account ${index % 5}`, cents: index }))

describe.runIf(available('the idempotent consumer', postgresMissing))('the idempotent consumer', () => {
  it('credits each deposit once', async () => {
    using server = startPostgres()
    await using kafka = await startKafka({ topics: { deposits: 2 } })
    const { host, user, database } = server.settings
    const env = { KAFKA_BROKERS: kafka.bootstrap, PGHOST: host, PGUSER: user, PGDATABASE: database }
    const start = () => new Program('idempotent-consumer/credit-accounts', { env })
    const group = kafka.group('accounts')
    await kafka.topic('deposits').produce(deposits.map(deposit => ({ key: deposit.account, value: JSON.stringify(deposit) })))

    for (const _ of [1, 2]) {
      await using program = start()
      await program.prints(/credited$/)
      expect(await program.end('SIGKILL')).toBe('SIGKILL')
      await kafka.faults.expireSession('accounts')
    }
    {
      await using program = start()
      await group.drained('deposits', { timeoutMs: 60_000 })
      expect(await program.end()).toBe('SIGTERM')
    }
    await using admin = kafka.client().admin()
    await admin.resetOffsets({ groupId: 'accounts', topic: 'deposits', earliest: true })
    await using program = start()
    await group.drained('deposits', { timeoutMs: 60_000 })
    expect(await program.end()).toBe('SIGTERM')
    expect(program.lines).toHaveLength(deposits.length)
    expect(program.lines.every(line => line.endsWith(' was credited before'))).toBe(true)

    const pool = new Pool(server.settings)
    const { rows } = await pool.query<{ id: string; cents: number }>('SELECT id, cents::int AS cents FROM account ORDER BY id')
    await pool.end()
    const sumOf = (id: string): number => deposits.filter(({ account }) => account === id).reduce((sum, { cents }) => sum + cents, 0)
    expect(rows).toEqual([0, 1, 2, 3, 4].map(index => `account ${index}`).map(id => ({ id, cents: sumOf(id) })))
  })
})
