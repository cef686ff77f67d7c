// Open file handles, bounded: ten thousand partitions must not need ten thousand descriptors. The least recently used handle
// is closed when the bound is reached; a pinned one (an asynchronous operation runs on it) stays open until it is unpinned.

import { dirname } from 'node:path'
import type { Files, OpenFile } from './files.ts'

interface Entry {
  readonly path: string
  readonly file: OpenFile
  pins: number
  /** Used since the last look for idle ones. */
  used: boolean
  /** No longer in the table: closes with the last pin. */
  dropped: boolean
}

/** A handle that stays open until `unpin`. */
export interface PinnedFile {
  readonly file: OpenFile
  unpin(): void
}

/** Handles by path; opened for update on first use. */
export class OpenFiles {
  readonly #files: Files
  readonly #limit: number
  /** In order of use, oldest first. */
  readonly #entries = new Map<string, Entry>()
  /** The same by folder. */
  readonly #folders = new Map<string, Set<Entry>>()
  #lastUsed: Entry | null = null

  constructor(files: Files, limit: number) {
    this.#files = files
    this.#limit = Math.max(1, limit)
  }

  get count(): number {
    return this.#entries.size
  }

  /**
   * The handle of a file, made when missing if `create`. It may be closed by the next call for another file: use it at once.
   * Throws the platform's error, such as ENOENT or EMFILE.
   */
  get(path: string, create = false): OpenFile {
    return this.#entry(path, create).file
  }

  /** As `get`, for asynchronous use. */
  pin(path: string, create = false): PinnedFile {
    const entry = this.#entry(path, create)
    entry.pins++
    let held = true
    return {
      file: entry.file,
      unpin: () => {
        if (!held) return
        held = false
        entry.pins--
        if (entry.pins === 0 && entry.dropped) entry.file.closeSync()
      },
    }
  }

  /** Forgets a file that is about to be renamed, deleted or replaced. */
  drop(path: string): void {
    const entry = this.#entries.get(path)
    if (entry !== undefined) this.#remove(entry)
  }

  /** Forgets every file in a folder. */
  dropFolder(folder: string): void {
    for (const entry of this.#folders.get(folder) ?? []) this.#remove(entry)
  }

  /** Closes what was not used since the call before. */
  closeIdle(): void {
    this.#lastUsed = null
    for (const entry of this.#entries.values()) {
      if (!entry.used && entry.pins === 0) this.#remove(entry)
      entry.used = false
    }
  }

  closeAll(): void {
    for (const entry of this.#entries.values()) this.#remove(entry)
  }

  #entry(path: string, create: boolean): Entry {
    if (this.#lastUsed !== null && this.#lastUsed.path === path) return this.#lastUsed
    let entry = this.#entries.get(path)
    if (entry === undefined) {
      this.#makeRoom()
      entry = { path, file: this.#files.openSync(path, create ? 'create' : 'update'), pins: 0, used: true, dropped: false }
      this.#addToFolder(entry)
    } else {
      this.#entries.delete(path)
      entry.used = true
    }
    this.#entries.set(path, entry)
    this.#lastUsed = entry
    return entry
  }

  #addToFolder(entry: Entry): void {
    const folder = dirname(entry.path)
    const files = this.#folders.get(folder)
    if (files === undefined) this.#folders.set(folder, new Set([entry]))
    else files.add(entry)
  }

  #makeRoom(): void {
    if (this.#entries.size < this.#limit) return
    for (const entry of this.#entries.values()) {
      if (entry.pins > 0) continue
      this.#remove(entry)
      if (this.#entries.size < this.#limit) return
    }
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.path)
    const folder = dirname(entry.path)
    const files = this.#folders.get(folder)
    files?.delete(entry)
    if (files?.size === 0) this.#folders.delete(folder)
    if (this.#lastUsed === entry) this.#lastUsed = null
    entry.dropped = true
    if (entry.pins === 0) entry.file.closeSync()
  }
}
