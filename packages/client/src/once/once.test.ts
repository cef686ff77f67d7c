// What a message is known by, and what PostgreSQL is told; the store itself is tested beside a server (tests/compat/once-postgres.test.ts).
import { describe, expect, test } from 'vitest'
import type { EachMessagePayload } from '../consumer/types.ts'
import type { OnceMark } from './once.ts'
import { markOf, once } from './once.ts'
import type { PostgresClient } from './postgres.ts'
import { onceTable, postgresOnce } from './postgres.ts'

const payload = (headers: Record<string, Buffer> = {}): EachMessagePayload & { groupId: string } => ({
  topic: 't',
  partition: 2,
  message: { key: null, value: null, timestamp: '1700000000000', attributes: 0, offset: '7', headers },
  heartbeat: async () => undefined,
  pause: () => () => undefined,
  signal: new AbortController().signal,
  groupId: 'g',
})
const mark = markOf(payload())

test('a message is known by the place where it was first read', () => {
  expect(mark).toEqual({ group: 'g', topic: 't', partition: 2, offset: '7', id: 't/2/7/1700000000000' })
  const replayed = markOf(payload({ 'ottla_replay-origin': Buffer.from('t/0/1/5') }), { group: 'other' })
  expect(replayed).toMatchObject({ group: 'other', offset: '7', id: 't/0/1/5' })
  expect(markOf(payload(), { messageId: () => 'order-1' }).id).toBe('order-1')
  for (const written of ['', 't/0/1', 'no mark', `${'t'.repeat(250)}/0/1/5`, 't/0/1/5/6', 't/0/1/x'])
    expect(markOf(payload({ 'ottla_replay-origin': Buffer.from(written) })).id).toBe('t/2/7/1700000000000')
  for (const id of ['', 'a\0', 'ä'.repeat(513)]) expect(() => markOf(payload(), { messageId: () => id })).toThrow('Invalid message id "')
  const { groupId: _, ...withoutGroup } = payload()
  expect(() => markOf(withoutGroup)).toThrow('once needs the name of a group')
})

test('what was handled before is passed over, and told', async () => {
  const marks = new Set<string>()
  const skipped: OnceMark[] = []
  const handled: string[] = []
  const store = {
    once: async ({ id }: OnceMark, work: (transaction: string) => Promise<void>) => {
      if (marks.has(id)) return false
      await work('transaction')
      marks.add(id)
      return true
    },
  }
  const handler = once(store, { skipped: of => void skipped.push(of) })(async ({ message }: EachMessagePayload, transaction) => {
    handled.push(`${message.offset} in ${transaction}`)
  })
  await handler(payload())
  await handler(payload())
  expect([handled, skipped]).toEqual([['7 in transaction'], [mark]])
})

/** A client that answers by the first word of what it is asked. */
function fakePool(answers: Record<string, { rowCount?: number; command?: string } | Error> = {}) {
  const asked: string[] = []
  const released: (Error | boolean | undefined)[] = []
  const client: PostgresClient = {
    query: async text => {
      const [word = ''] = text.split(' ')
      asked.push(word)
      const answer = answers[word] ?? {}
      if (answer instanceof Error) throw answer
      return { rowCount: answer.rowCount ?? 1, command: answer.command ?? word }
    },
    release: error => void released.push(error),
    on: () => undefined,
    off: () => undefined,
  }
  return { pool: { connect: async () => client }, asked, released }
}

describe('PostgreSQL', () => {
  test('mark, work and commit are one transaction', async () => {
    const { pool, asked, released } = fakePool()
    expect(await postgresOnce(pool).once(mark, async client => void (await client.query('UPDATE x')))).toBe(true)
    expect([asked, released]).toEqual([['BEGIN', 'INSERT', 'UPDATE', 'COMMIT'], [undefined]])
  })

  test('a mark that is there ends it', async () => {
    const { pool, asked } = fakePool({ INSERT: { rowCount: 0 } })
    expect(await postgresOnce(pool).once(mark, () => Promise.reject(new Error('called')))).toBe(false)
    expect(asked).toEqual(['BEGIN', 'INSERT', 'COMMIT'])
  })

  test('a commit that rolls back is an error', async () => {
    const { pool, asked } = fakePool({ COMMIT: { command: 'ROLLBACK' } })
    await expect(postgresOnce(pool).once(mark, async () => undefined)).rejects.toThrow('was rolled back')
    expect(asked).toEqual(['BEGIN', 'INSERT', 'COMMIT', 'ROLLBACK'])
  })

  test('a client that cannot roll back does not go back to the pool', async () => {
    const gone = new Error('gone')
    const { pool, released } = fakePool({ ROLLBACK: gone })
    await expect(postgresOnce(pool).once(mark, () => Promise.reject(new Error('handler')))).rejects.toThrow('handler')
    expect(released).toEqual([gone])
  })

  test('old marks are deleted some at a time, and the client is given back', async () => {
    const counts = [10_000, 10_000, 5]
    const released: unknown[] = []
    const client: PostgresClient = {
      query: async text => ({ rowCount: counts.shift() ?? 0, command: text.split(' ')[0] ?? '' }),
      release: error => void released.push(error),
      on: () => undefined,
      off: () => undefined,
    }
    expect(await postgresOnce({ connect: async () => client }).forget(new Date())).toBe(20_005)
    expect([counts, released]).toEqual([[], [undefined]])
  })

  test('a connection that breaks while marks are deleted is an error of the call, not of the process', async () => {
    const gone = new Error('gone')
    const listeners = new Set<(error: Error) => void>()
    const released: unknown[] = []
    const client: PostgresClient = {
      query: async () => {
        expect(listeners.size).toBe(1)
        for (const listener of listeners) listener(gone)
        throw gone
      },
      release: error => void released.push(error),
      on: (_event, listener) => listeners.add(listener),
      off: (_event, listener) => listeners.delete(listener),
    }
    await expect(postgresOnce({ connect: async () => client }).forget(new Date())).rejects.toBe(gone)
    expect([released, listeners.size]).toEqual([[gone], 0])
  })

  test('statements name the table as it is', () => {
    expect(onceTable({ table: 'app.marks' })).toMatch(/^CREATE TABLE IF NOT EXISTS "app"\."marks" \([^]*ON "app"\."marks" \(handled_at\)$/)
    expect(onceTable({ by: 'offset' })).toContain('next_offset bigint NOT NULL')
    for (const table of ['a b', 'x"; DROP', '', '1a', 'a.b.c'])
      expect(() => postgresOnce(fakePool().pool, { table })).toThrow('Invalid table name')
  })
})
