// One broker at a time may use a log directory. The file `.lock` names the process that holds it: its id and when it started, so that
// a lock left by a process that is gone (its id may have been given to another one since) is taken over. Locks of this process are
// also kept in memory, for several brokers in one process.

import { readFileSync } from 'node:fs'
import { readIfPresent } from './atomic-file.ts'
import type { Files } from './files.ts'
import { codeOf } from './platform-error.ts'

/** Name of the lock file, as in Kafka. */
export const LOCK_FILE = '.lock'

/** Who holds a lock. */
export interface LockHolder {
  readonly pid: number
  /** Something that differs between two processes of one id; empty where the system does not tell. */
  readonly startedAt: string
}

/** The directory is in use. */
export class DirectoryLockedError extends Error {
  readonly path: string
  readonly holder: LockHolder

  constructor(path: string, holder: LockHolder) {
    super(`${path} is in use by the broker with process id ${holder.pid}; stop it, or give this broker other log.dirs`)
    this.name = 'DirectoryLockedError'
    this.path = path
    this.holder = holder
  }
}

/** What Linux tells of a process, from its state on (proc_pid_stat(5)); empty where it does not. */
const factsOf = (pid: number): string[] => {
  try {
    const facts = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return facts.slice(facts.lastIndexOf(')') + 2).split(' ')
  } catch (error) {
    if (codeOf(error) === '') throw error
    return []
  }
}

/** When a process started; empty where the system does not tell. */
const startOf = (facts: readonly string[]): string => facts[19] ?? ''

/** A process that has ended but whose parent has not asked for its exit code, which in containers may be for ever. */
const hasEnded = (facts: readonly string[]): boolean => facts[0] === 'Z' || facts[0] === 'X'

const isAlive = (holder: LockHolder): boolean => {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
  }
  const facts = factsOf(holder.pid)
  return !hasEnded(facts) && (holder.startedAt === '' || startOf(facts) === holder.startedAt)
}

const LINE = /^(?<pid>[1-9]\d{0,9}) (?<startedAt>\d*)\n$/

/** Undefined for a file that was not written to its end: then its process is gone. */
const parse = (content: Buffer): LockHolder | undefined => {
  const groups = LINE.exec(content.toString('latin1', 0, 64))?.groups
  return groups?.pid === undefined ? undefined : { pid: Number(groups.pid), startedAt: groups.startedAt ?? '' }
}

const heldHere = new Map<Files, Set<string>>()

/** Takes the lock of a log directory; the returned function gives it back. Throws DirectoryLockedError or the platform's error. */
export const lockDirectory = (files: Files, directory: string): (() => void) => {
  const path = `${directory}/${LOCK_FILE}`
  const held = heldHere.get(files) ?? new Set<string>()
  heldHere.set(files, held)
  const self: LockHolder = { pid: process.pid, startedAt: startOf(factsOf(process.pid)) }
  if (held.has(directory)) throw new DirectoryLockedError(directory, self)
  const holder = parse(readIfPresent(files, path) ?? Buffer.alloc(0))
  if (holder !== undefined && holder.pid !== self.pid && isAlive(holder)) throw new DirectoryLockedError(directory, holder)
  const file = files.openSync(path, 'create')
  try {
    file.truncateSync(0)
    file.writeSync([Buffer.from(`${self.pid} ${self.startedAt}\n`)], 0)
  } finally {
    file.closeSync()
  }
  held.add(directory)
  return () => {
    if (!held.delete(directory)) return
    if (held.size === 0) heldHere.delete(files)
    if (files.statSync(path) !== undefined) files.unlinkSync(path)
  }
}
