// `once` with PostgreSQL, for pools of `pg` (or anything of their shape; nothing is imported from it). Marks are rows of a table that the program makes:
//
//     await pool.query(onceTable())
//
// By `message` (the default) each message has a row, and the order of messages does not matter: what retry topics, replays and key-ordered
// concurrency need. Old rows are deleted with `forget`. By `offset` each partition has one row, the offset after the last handled message: the table
// does not grow, but messages of a partition have to be handled one after the other, never out of retry topics, and a topic that is
// deleted and made anew needs its rows deleted.
import { KafkaJSNonRetriableError } from '../errors/index.ts'
import type { OnceMark, OnceStore } from './once.ts'

/** What is used of a client of `pg`. */
export interface PostgresClient {
  query(text: string, values?: unknown[]): Promise<{ rowCount: number | null; command: string }>
  release(error?: Error | boolean): void
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
}

/** What is used of a pool of `pg`. */
export interface PostgresPool<Client extends PostgresClient = PostgresClient> {
  connect(): Promise<Client>
}

/** The client that a pool gives; the pools of `pg` can also be called with a callback. */
export type ClientOf<Pool extends PostgresPool> = Pool extends { connect: { (): Promise<infer Client>; (...rest: never[]): void } }
  ? Client & PostgresClient
  : PostgresClient

/** How marks are kept. */
export interface PostgresOnceOptions {
  /** Name of the table, or `schema.table`: `ottla_once`. */
  table?: string
  by?: 'message' | 'offset'
}

/** A store that can forget. */
export interface PostgresOnceStore<Client> extends OnceStore<Client> {
  /** Deletes the marks of messages that were handled before this time, which must be longer ago than any message may be delivered again. Resolves with how many. */
  forget(before: Date): Promise<number>
}

const longestName = 63
/** What is forgotten in one transaction: a long one would keep others from being cleaned up. */
const rowsPerDelete = 10_000

const isPlain = (part: string): boolean => part.length <= longestName && /^[A-Za-z_][A-Za-z0-9_]*$/.test(part)

/** A name as SQL takes it, quoted; it must be a plain one. */
function quoted(table: string): string {
  const parts = table.split('.')
  if (parts.length > 2 || !parts.every(isPlain)) throw new KafkaJSNonRetriableError(`Invalid table name ${table}`)
  return parts.map(part => `"${part}"`).join('.')
}

/** The statement that makes the table, if it is not there. */
export function onceTable({ table = 'ottla_once', by = 'message' }: PostgresOnceOptions = {}): string {
  const name = quoted(table)
  if (by === 'offset') {
    return `CREATE TABLE IF NOT EXISTS ${name} (
  consumer_group text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  next_offset bigint NOT NULL,
  handled_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer_group, topic, partition)
)`
  }
  const index = quoted(`${(table.split('.').at(-1) ?? table).slice(0, longestName - 11)}_handled_at`)
  return `CREATE TABLE IF NOT EXISTS ${name} (
  consumer_group text NOT NULL,
  message_id text NOT NULL,
  handled_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer_group, message_id)
);
CREATE INDEX IF NOT EXISTS ${index} ON ${name} (handled_at)`
}

/** Writes the mark; no row is written when it is there. Whoever comes second waits here until the first has committed or rolled back. */
function writing(name: string, by: 'message' | 'offset'): (mark: OnceMark) => [text: string, values: unknown[]] {
  if (by === 'message') {
    const text = `INSERT INTO ${name} (consumer_group, message_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`
    return ({ group, id }) => [text, [group, id]]
  }
  const text = `INSERT INTO ${name} AS kept (consumer_group, topic, partition, next_offset) VALUES ($1, $2, $3, $4)
ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET next_offset = EXCLUDED.next_offset, handled_at = now() WHERE kept.next_offset < EXCLUDED.next_offset`
  return ({ group, topic, partition, offset }) => [text, [group, topic, partition, String(BigInt(offset) + 1n)]]
}

/**
 * Marks of handled messages in PostgreSQL; the handler is given the client whose transaction it is. Each message in hand has a client of the pool: one that
 * takes another out of the same pool may wait for ever when all are taken.
 */
export function postgresOnce<Pool extends PostgresPool>(pool: Pool, options?: PostgresOnceOptions): PostgresOnceStore<ClientOf<Pool>>
export function postgresOnce(
  pool: PostgresPool,
  { table = 'ottla_once', by = 'message' }: PostgresOnceOptions = {},
): PostgresOnceStore<PostgresClient> {
  const name = quoted(table)
  const write = writing(name, by)
  const deleting = `DELETE FROM ${name} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${name} WHERE handled_at < $1 LIMIT ${rowsPerDelete}))`
  return {
    once: (mark, work) =>
      inTransaction(pool, async client => {
        const { rowCount } = await client.query(...write(mark))
        if (rowCount === 0) return false
        await work(client)
        return true
      }),
    forget: before =>
      lent(pool, async client => {
        let forgotten = 0
        for (;;) {
          const { rowCount } = await client.query(deleting, [before])
          forgotten += rowCount ?? 0
          if ((rowCount ?? 0) < rowsPerDelete) return forgotten
        }
      }),
  }
}

/** Commits what `work` did, or rolls it back. A client whose transaction cannot be ended does not go back to the pool. */
const inTransaction = (pool: PostgresPool, work: (client: PostgresClient) => Promise<boolean>): Promise<boolean> =>
  lent(pool, async (client, broke) => {
    try {
      await client.query('BEGIN')
      const done = await work(client)
      const { command } = await client.query('COMMIT')
      // A statement failed, and the handler did not say so: PostgreSQL rolls back then, and answers that.
      if (command === 'ROLLBACK') throw new Error('The transaction was rolled back, since one of its statements had failed')
      return done
    } catch (error) {
      await client.query('ROLLBACK').catch((failed: unknown) => broke(failed instanceof Error ? failed : new Error(String(failed))))
      throw error
    }
  })

/**
 * Lends a client of the pool; one that broke does not go back. A connection that breaks is also an event of the client, which would end the process if nobody
 * listened.
 */
async function lent<T>(pool: PostgresPool, work: (client: PostgresClient, broke: (error: Error) => void) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  const broke = (error: Error): void => {
    broken = error
  }
  client.on('error', broke)
  try {
    return await work(client, broke)
  } finally {
    client.off('error', broke)
    client.release(broken)
  }
}
