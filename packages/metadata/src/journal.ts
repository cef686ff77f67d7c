// The files of the local store, all sequences of frames (`frames.ts`):
//
//   wal-<R>       transactions after revision R: a header, then one frame for each group that was flushed together,
//                 [[revision, [[key, value], [key, value, lease], [key] for a deletion, ...]], ...]
//   snapshot-<R>  all entries as of revision R: a header, frames of entries
//                 [[key, value, createRevision, modRevision, version, lease], ...], an end with their number
//
// A log file is only appended to and becomes garbage once a snapshot of a later revision is durable: it was written
// under another name, flushed, renamed, and the folder flushed. What was acknowledged is never written again.
import path from 'node:path'
import { decodeFrames, encodeFrame } from './frames.ts'
import type { Entry, RevisionChange } from './store.ts'
import { StoreError } from './store.ts'
import type { StoreFile, StoreFiles } from './store-files.ts'
import { nextEntry, StoreState } from './store-state.ts'

const FORMAT = 1
const ENTRIES_PER_FRAME = 2000

type StoredEvent = [key: string] | [key: string, value: string] | [key: string, value: string, lease: string]
type StoredRevision = [revision: number, events: StoredEvent[]]
type StoredEntry = [key: string, value: string, createRevision: number, modRevision: number, version: number, lease: string | null]
interface Header {
  readonly ottla: 'wal' | 'snapshot'
  readonly format: number
  readonly revision: number
}

type LogFrame = Header | StoredRevision[]
type SnapshotFrame = Header | StoredEntry[] | { readonly end: number }

const fileName = (kind: Header['ottla'], revision: number): string => `${kind}-${String(revision).padStart(20, '0')}`

/** Where a failed append leaves the store. */
export class AppendError extends Error {
  /** Whether the file is as before, so that the next append may succeed (a full disk). */
  readonly undone: boolean
  constructor(cause: unknown, undone: boolean) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.name = 'AppendError'
    this.undone = undone
  }
}

export interface JournalOptions {
  readonly directory: string
  readonly files: StoreFiles
}

/** The write-ahead log and snapshots of one folder. One append at a time. */
export class Journal {
  /** Bytes of log that the next snapshot would make garbage. */
  logBytes = 0
  snapshotBytes = 0
  readonly #files: StoreFiles
  readonly #directory: string
  #file: StoreFile
  #position: number
  #garbage: string[]

  private constructor(options: JournalOptions, opened: { file: StoreFile; position: number; garbage: string[] }) {
    this.#files = options.files
    this.#directory = options.directory
    this.#file = opened.file
    this.#position = opened.position
    this.#garbage = opened.garbage
  }

  /** Reads what a folder holds into a state and makes the log ready. Throws `corrupt`, or the platform's error. */
  static async open(options: JournalOptions): Promise<{ journal: Journal; state: StoreState; tornBytes: number }> {
    const { directory, files } = options
    files.makeDirectorySync(directory)
    await files.syncDirectory(path.dirname(directory))
    const found = listFiles(options)
    for (const name of found.leftovers) await files.unlink(path.join(directory, name))
    const state = new StoreState()
    let snapshotBytes = 0
    if (found.snapshot !== undefined) snapshotBytes = readSnapshot(options, found.snapshot, state)
    let last: { revision: number; soundBytes: number; bytes: number } | undefined
    let logBytes = 0
    for (const [index, revision] of found.logs.entries()) {
      last = replayLog(options, { revision, isLast: index === found.logs.length - 1 }, state)
      logBytes += last.soundBytes
    }
    const startRevision = last?.revision ?? state.revision
    const file = files.openSync(path.join(directory, fileName('wal', startRevision)), 'create')
    let position = last?.soundBytes ?? 0
    const tornBytes = (last?.bytes ?? 0) - position
    if (tornBytes > 0) file.truncateSync(position)
    if (position === 0) position = writeHeader(file, startRevision)
    if (last === undefined || tornBytes > 0 || last.soundBytes === 0) {
      await file.datasync()
      await files.syncDirectory(directory)
    }
    const garbage = [...found.logs.map(revision => fileName('wal', revision)), fileName('wal', startRevision)]
    const journal = new Journal(options, { file, position, garbage: [...new Set(garbage)] })
    journal.logBytes = logBytes
    journal.snapshotBytes = snapshotBytes
    if (found.snapshot !== undefined) journal.#garbage.push(fileName('snapshot', found.snapshot))
    return { journal, state, tornBytes }
  }

  /** Writes a group of revisions and flushes it. Throws `AppendError`. */
  async append(revisions: readonly RevisionChange[]): Promise<void> {
    const frame = encodeFrame(revisions.map(toStored))
    try {
      this.#file.writeSync([frame], this.#position)
    } catch (error) {
      throw new AppendError(error, diskIsFull(error) && this.#undo())
    }
    try {
      await this.#file.datasync()
    } catch (error) {
      throw new AppendError(error, false)
    }
    this.#position += frame.length
    this.logBytes += frame.length
  }

  #undo(): boolean {
    try {
      this.#file.truncateSync(this.#position)
      return true
    } catch {
      // The tail stays torn, which only a restart can take away: the caller is told that nothing was undone.
      return false
    }
  }

  /** Begins a new log file after `revision`, so that a snapshot of it makes all older ones garbage. Not during an append. */
  async roll(revision: number): Promise<void> {
    const name = fileName('wal', revision)
    if (this.#garbage.includes(name)) return
    const file = this.#files.openSync(path.join(this.#directory, name), 'create')
    let position: number
    try {
      file.truncateSync(0)
      position = writeHeader(file, revision)
      await file.datasync()
      await this.#files.syncDirectory(this.#directory)
    } catch (error) {
      file.closeSync()
      // A log file that is not whole may only be the last one.
      await this.#files.unlink(path.join(this.#directory, name))
      throw error
    }
    this.#file.closeSync()
    this.#file = file
    this.#position = position
    this.#garbage.push(name)
  }

  /** Writes all entries of a revision at which the log was rolled, then drops the older files. May run beside appends. */
  async writeSnapshot(entries: readonly Entry[], revision: number): Promise<void> {
    const name = fileName('snapshot', revision)
    const temporary = path.join(this.#directory, `${name}.tmp`)
    const file = this.#files.openSync(temporary, 'create')
    const position = await writeEntries(file, entries, revision).catch(async (error: unknown) => {
      // Half a snapshot must not keep the room that the log needs.
      await this.#files.unlink(temporary)
      throw error
    })
    this.#files.renameSync(temporary, path.join(this.#directory, name))
    await this.#files.syncDirectory(this.#directory)
    const kept = fileName('wal', revision)
    const garbage = this.#garbage.filter(other => other !== kept && other !== name)
    this.#garbage = [kept, name]
    this.logBytes = this.#position
    this.snapshotBytes = position
    for (const other of garbage) await this.#files.unlink(path.join(this.#directory, other))
  }

  close(): void {
    this.#file.closeSync()
  }
}

/** Writes a whole snapshot, flushed and closed, and returns its length. */
async function writeEntries(file: StoreFile, entries: readonly Entry[], revision: number): Promise<number> {
  let position = 0
  try {
    file.truncateSync(0)
    const write = (value: unknown): void => {
      const frame = encodeFrame(value)
      file.writeSync([frame], position)
      position += frame.length
    }
    write({ ottla: 'snapshot', format: FORMAT, revision } satisfies Header)
    for (let at = 0; at < entries.length; at += ENTRIES_PER_FRAME) {
      write(entries.slice(at, at + ENTRIES_PER_FRAME).map(toStoredEntry))
      // Waiting for the device here also gives the event loop back between the frames of a big store.
      await file.datasync()
    }
    write({ end: entries.length })
    await file.datasync()
  } finally {
    file.closeSync()
  }
  return position
}

/** Decides whether a snapshot is due: when the log is well beyond what a snapshot would take. */
export const snapshotIsDue = (journal: Journal): boolean => journal.logBytes > Math.max(4 << 20, 2 * journal.snapshotBytes)

const toStored = ({ revision, events }: RevisionChange): StoredRevision => [
  revision,
  events.map(({ key, entry }) => (entry === null ? [key] : entry.lease === null ? [key, entry.value] : [key, entry.value, entry.lease])),
]

const toStoredEntry = (entry: Entry): StoredEntry => [
  entry.key,
  entry.value,
  entry.createRevision,
  entry.modRevision,
  entry.version,
  entry.lease,
]

/** Whether an operation failed for want of room, so that it may succeed later. */
export const diskIsFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')

function writeHeader(file: StoreFile, revision: number): number {
  const frame = encodeFrame({ ottla: 'wal', format: FORMAT, revision } satisfies Header)
  file.writeSync([frame], 0)
  return frame.length
}

/** The newest snapshot, the logs from it on in order, and what a crash or a finished snapshot left behind. */
function listFiles({ directory, files }: JournalOptions): { snapshot: number | undefined; logs: number[]; leftovers: string[] } {
  const found: { kind: string; revision: number; name: string }[] = []
  const leftovers: string[] = []
  for (const name of files.listSync(directory)) {
    const match = /^(wal|snapshot)-(\d{20})(\.tmp)?$/.exec(name)
    if (match?.[3]) leftovers.push(name)
    else if (match) found.push({ kind: match[1]!, revision: Number(match[2]), name })
  }
  found.sort((a, b) => a.revision - b.revision)
  const snapshot = found.findLast(({ kind }) => kind === 'snapshot')?.revision
  const logs: number[] = []
  for (const { kind, revision, name } of found) {
    if (snapshot !== undefined && revision < snapshot) leftovers.push(name)
    else if (kind === 'wal') logs.push(revision)
  }
  const first = logs[0] ?? snapshot
  const wanted = snapshot ?? new StoreState().revision
  if (first !== undefined && first !== wanted) {
    throw new StoreError(
      'corrupt',
      `${path.join(directory, fileName(snapshot === undefined ? 'snapshot' : 'wal', snapshot ?? first))} is missing`,
    )
  }
  if (snapshot !== undefined && logs.length === 0) {
    throw new StoreError('corrupt', `${path.join(directory, fileName('wal', snapshot))} is missing`)
  }
  return { snapshot, logs, leftovers }
}

function checkHeader(body: string | undefined, wanted: { kind: Header['ottla']; revision: number; name: string }): void {
  const { ottla, format, revision }: Partial<Header> = JSON.parse(body ?? '{}')
  if (ottla !== wanted.kind || revision !== wanted.revision)
    throw new StoreError('corrupt', `${wanted.name} does not hold what its name says`)
  if (format !== FORMAT) throw new StoreError('corrupt', `${wanted.name} has format ${format}; this version reads ${FORMAT}`)
}

function readSnapshot({ directory, files }: JournalOptions, revision: number, state: StoreState): number {
  const name = path.join(directory, fileName('snapshot', revision))
  const bytes = files.readFileSync(name)
  const { bodies, soundBytes } = decodeFrames(bytes, name)
  const entries: Entry[] = []
  let end = -1
  for (const body of bodies) {
    const frame: SnapshotFrame = JSON.parse(body)
    if ('end' in frame) end = frame.end
    if (!Array.isArray(frame)) continue
    for (const [key, value, createRevision, modRevision, version, lease] of frame) {
      entries.push({ key, value, createRevision, modRevision, version, lease })
    }
  }
  if (soundBytes !== bytes.length || end !== entries.length) {
    throw new StoreError('corrupt', `${name} is damaged at byte ${soundBytes}`)
  }
  checkHeader(bodies[0], { kind: 'snapshot', revision, name })
  state.load(entries, revision)
  return bytes.length
}

function replayLog({ directory, files }: JournalOptions, log: { revision: number; isLast: boolean }, state: StoreState) {
  const name = path.join(directory, fileName('wal', log.revision))
  const bytes = files.readFileSync(name)
  const { bodies, soundBytes } = decodeFrames(bytes, name)
  if (soundBytes !== bytes.length && !log.isLast)
    throw new StoreError('corrupt', `${name} is damaged at byte ${soundBytes}, and a later log exists`)
  if (state.revision !== log.revision) {
    throw new StoreError('corrupt', `${name} follows revision ${log.revision}, but the files before it end at ${state.revision}`)
  }
  if (bodies.length > 0) checkHeader(bodies[0], { kind: 'wal', revision: log.revision, name })
  for (const body of bodies) {
    const group: LogFrame = JSON.parse(body)
    if (!Array.isArray(group)) continue
    for (const [revision, events] of group) {
      if (revision !== state.revision + 1) throw new StoreError('corrupt', `${name}: revision ${revision} follows ${state.revision}`)
      state.apply([{ revision, events: events.map(event => replayed(event, revision, state)) }])
    }
  }
  return { revision: log.revision, soundBytes, bytes: bytes.length }
}

function replayed([key, value, lease]: StoredEvent, revision: number, state: StoreState) {
  return { key, entry: value === undefined ? null : nextEntry(state.get(key), { key, value, lease: lease ?? null, revision }) }
}
