// A PostgreSQL server of the test's own: made with initdb in a temporary folder, reached by a Unix socket in it, run by a user without privileges (the
// server refuses root), and gone afterwards.
import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { has } from './programs.ts'

/** A server that runs. */
export interface PostgresServer extends Disposable {
  /** What `pg` connects with. */
  readonly settings: { readonly host: string; readonly user: string; readonly database: string }
}

/** Folder of the server's programs: in the path, or where Debian has them. */
function programs(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : []
  const folder = versions.map(version => join(debian, version, 'bin')).find(path => existsSync(join(path, 'initdb')))
  return folder ?? (has('initdb') && has('pg_ctl') ? '' : undefined)
}

/** Undefined when there is a server to be started. */
export const postgresMissing: string | undefined = programs() === undefined ? 'postgresql' : undefined

const idOf = (flag: '-u' | '-g') => Number(execFileSync('id', [flag, 'nobody']).toString())

/** Whom the server runs as when the test runs as root. */
function owner(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  return { uid: idOf('-u'), gid: idOf('-g') }
}

/** Starts a server; everything durable, as a server of users is. */
export function startPostgres(): PostgresServer {
  const bin = programs()
  if (bin === undefined) throw new Error('postgresql is missing')
  const folder = mkdtempSync(join(tmpdir(), 'ottla-pg-'))
  const as = owner()
  if (as !== undefined) chownSync(folder, as.uid, as.gid)
  const data = join(folder, 'data')
  const run = (name: string, words: readonly string[]) =>
    execFileSync(join(bin, name), words, { cwd: folder, stdio: 'ignore', env: { ...process.env, HOME: folder, LC_ALL: 'C' }, ...as })
  run('initdb', ['-D', data, '-U', 'tester', '-A', 'trust', '-E', 'UTF8', '--no-sync'])
  run('pg_ctl', ['-D', data, '-w', '-l', join(folder, 'log'), '-o', `-k ${folder} -c listen_addresses=''`, 'start'])
  return {
    settings: { host: folder, user: 'tester', database: 'postgres' },
    [Symbol.dispose]() {
      run('pg_ctl', ['-D', data, '-w', '-m', 'immediate', 'stop'])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
