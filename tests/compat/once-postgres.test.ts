// `once` with a PostgreSQL server: the mark and the handler's own rows are committed together or not at all, two at a time wait for each other, and after
// kill -9 between handler and commits every message has had its effect once.
import { type ChildProcess, spawn } from 'node:child_process'
import { once as event } from 'node:events'
import { Pool, type PoolClient } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Kafka } from '../../packages/client/src/kafka.ts'
import { logLevel } from '../../packages/client/src/logger.ts'
import { onceTable, postgresOnce } from '../../packages/client/src/once/postgres.ts'
import { type BrokerProcess, startBroker } from './broker.ts'
import type { PostgresServer } from './postgres.ts'
import { postgresMissing, startPostgres } from './postgres.ts'
import { available } from './programs.ts'

const there = available('once with PostgreSQL', postgresMissing)
const markOf = (offset: number, group = 'g') => ({ group, topic: 't', partition: 0, offset: String(offset), id: `t/0/${offset}/7` })

const write = (value: string) => async (client: PoolClient) => {
  await client.query('INSERT INTO ledger (value) VALUES ($1)', [value])
}

describe.runIf(there)('once with PostgreSQL', () => {
  let server: PostgresServer
  let pool: Pool

  beforeAll(async () => {
    server = startPostgres()
    pool = new Pool({ ...server.settings, max: 8 })
    await pool.query('CREATE TABLE ledger (partition int, message_offset bigint, value text)')
    await pool.query(onceTable())
    await pool.query(onceTable())
    await pool.query(onceTable({ table: 'public.by_offset', by: 'offset' }))
  })
  afterAll(async () => {
    await pool?.end()
    server?.[Symbol.dispose]()
  })

  const ledger = async (): Promise<string[]> => {
    const { rows } = await pool.query<{ value: string }>('SELECT value FROM ledger ORDER BY value')
    return rows.map(({ value }) => value)
  }

  it.each(['message', 'offset'] as const)('handles a message once, by %s', async by => {
    await pool.query('TRUNCATE ledger')
    const store = postgresOnce(pool, { by, table: by === 'message' ? 'ottla_once' : 'public.by_offset' })
    expect(await store.once(markOf(0), write('a'))).toBe(true)
    expect(await store.once(markOf(0), write('again'))).toBe(false)
    expect(await store.once(markOf(0, 'other'), write('b'))).toBe(true)
    expect(await store.once(markOf(9), write('c'))).toBe(true)
    expect(await ledger()).toEqual(['a', 'b', 'c'])
  })

  it.each(['message', 'offset'] as const)('rolls back the mark with the work, by %s', async by => {
    await pool.query('TRUNCATE ledger')
    const store = postgresOnce(pool, { by, table: by === 'message' ? 'ottla_once' : 'public.by_offset' })
    const failing = store.once(markOf(20), async client => {
      await write('lost')(client)
      throw new Error('handler')
    })
    await expect(failing).rejects.toThrow('handler')
    const swallowing = store.once(markOf(20), async client => {
      await write('lost too')(client)
      await client.query('SELECT 1 / 0').catch(() => undefined)
    })
    await expect(swallowing).rejects.toThrow('The transaction was rolled back')
    expect(await store.once(markOf(20), write('kept'))).toBe(true)
    expect(await ledger()).toEqual(['kept'])
    expect(pool.idleCount).toBe(pool.totalCount)
  })

  it.each(['message', 'offset'] as const)('lets one of many at a time do it, by %s', async by => {
    await pool.query('TRUNCATE ledger')
    const store = postgresOnce(pool, { by, table: by === 'message' ? 'ottla_once' : 'public.by_offset' })
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => store.once(markOf(30), write('once'))))
    expect(outcomes.filter(Boolean)).toHaveLength(1)
    expect(await ledger()).toEqual(['once'])
  })

  it('survives a connection that breaks in the middle', async () => {
    await pool.query('TRUNCATE ledger')
    const store = postgresOnce(pool)
    const broken = store.once(markOf(40), async client => {
      await write('lost')(client)
      await pool.query('SELECT pg_terminate_backend($1)', [
        (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid,
      ])
      await new Promise(resolve => setTimeout(resolve, 50))
    })
    await expect(broken).rejects.toThrow()
    expect(await store.once(markOf(40), write('kept'))).toBe(true)
    expect(await ledger()).toEqual(['kept'])
  })

  it('forgets what is old', async () => {
    const store = postgresOnce(pool)
    await pool.query("UPDATE ottla_once SET handled_at = now() - interval '10 days' WHERE message_id = 't/0/40/7'")
    expect(await store.forget(new Date(Date.now() - 86_400_000))).toBe(1)
    expect(await store.once(markOf(40), async () => undefined)).toBe(true)
  })

  it('takes plain table names only', () => {
    for (const table of ['a b', 'a;b', '', 'a.b.c', '"x"', 'x'.repeat(64)])
      expect(() => onceTable({ table })).toThrow(/^Invalid table name/)
  })

  describe('kill -9', () => {
    let broker: BrokerProcess
    const members: ChildProcess[] = []

    beforeAll(async () => {
      broker = await startBroker({ 'group.initial.rebalance.delay.ms': '0', 'group.min.session.timeout.ms': '500' })
    })
    afterAll(async () => {
      for (const member of members) member.kill('SIGKILL')
      await broker?.[Symbol.asyncDispose]()
    })

    const start = (environment: Record<string, string>) => {
      const member = spawn(process.execPath, ['tests/compat/clients/node/once-postgres.mjs'], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, OTTLA_BOOTSTRAP: broker.bootstrap, PGHOST: server.settings.host, ...environment },
      })
      members.push(member)
      let text = ''
      member.stdout.on('data', chunk => (text += String(chunk)))
      return { member, lines: () => text.trim().split('\n') }
    }

    it.each([
      ['before', 'message'],
      ['after', 'message'],
      ['before', 'offset'],
      ['after', 'offset'],
    ])('%s the commit of the database, by %s', async (when, by) => {
      await pool.query('TRUNCATE ledger')
      const environment = { TOPIC: `killed-${when}-${by}`, GROUP: `g-${when}-${by}`, BY: by, WHEN: when }
      const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING })
      await using producer = kafka.producer()
      await producer.connect()
      const values = Array.from({ length: 200 }, (_, value) => String(value).padStart(3, '0'))
      await producer.send({ topic: environment.TOPIC, messages: values.map(value => ({ value })) })
      for (const die of ['050', '120']) {
        const { member } = start({ ...environment, DIE: die })
        const [, signal] = await event(member, 'exit')
        expect(signal).toBe('SIGKILL')
      }
      const last = start(environment)
      await expect.poll(ledger, { timeout: 60_000, interval: 100 }).toEqual(values)
      await expect.poll(() => last.lines().some(line => line.endsWith(' 199')), { timeout: 10_000 }).toBe(true)
      const gone = event(last.member, 'exit')
      last.member.kill('SIGTERM')
      await gone
      expect(await ledger()).toEqual(values)
      if (when === 'after') expect(last.lines().some(line => line.startsWith('skipped'))).toBe(true)
    })
  })
})
