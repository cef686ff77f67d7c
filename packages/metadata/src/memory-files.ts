// The disk that tests of the local store run on.
import type { StoreFile, StoreFiles } from './store-files.ts'

interface Content {
  /** What a reader sees. */
  seen: Buffer
  /** What a power loss leaves. */
  kept: Buffer
}

const missing = (path: string): Error => Object.assign(new Error(`ENOENT: no such file or directory, '${path}'`), { code: 'ENOENT' })

/**
 * A disk in memory, for tests: what was not flushed is lost (or torn) by `losePower`, and `beforeEach` may make any
 * operation fail or note it. One level of folders is as good as many: names are whole paths.
 */
export class MemoryFiles implements StoreFiles {
  /** Called before each operation that changes something; may throw in its place. */
  beforeEach: (operation: string, path: string) => void = () => {}
  #names = new Map<string, Content>()
  #keptNames = new Map<string, Content>()

  openSync(path: string): StoreFile {
    let content = this.#names.get(path)
    if (!content) {
      this.beforeEach('create', path)
      content = { seen: Buffer.alloc(0), kept: Buffer.alloc(0) }
      this.#names.set(path, content)
    }
    return this.#file(path, content)
  }

  #file(path: string, content: Content): StoreFile {
    return {
      writeSync: (chunks, position) => {
        this.beforeEach('write', path)
        const bytes = Buffer.concat(chunks)
        const seen = Buffer.alloc(Math.max(content.seen.length, position + bytes.length))
        content.seen.copy(seen)
        bytes.copy(seen, position)
        content.seen = seen
      },
      truncateSync: length => {
        this.beforeEach('truncate', path)
        content.seen = Buffer.from(content.seen.subarray(0, length))
      },
      datasync: async () => {
        this.beforeEach('datasync', path)
        await Promise.resolve()
        content.kept = content.seen
      },
      closeSync: () => {},
    }
  }

  readFileSync(path: string): Buffer {
    const content = this.#names.get(path)
    if (!content) throw missing(path)
    return Buffer.from(content.seen)
  }

  /** Replaces a file's bytes, as damage does. */
  overwrite(path: string, bytes: Buffer): void {
    const content = { seen: bytes, kept: bytes }
    this.#names.set(path, content)
    this.#keptNames.set(path, content)
  }

  listSync(folder: string): string[] {
    return [...this.#names.keys()].filter(name => name.startsWith(`${folder}/`)).map(name => name.slice(folder.length + 1))
  }

  makeDirectorySync(): void {
    this.beforeEach('makeDirectory', '')
  }

  renameSync(source: string, target: string): void {
    this.beforeEach('rename', target)
    const content = this.#names.get(source)
    if (!content) throw missing(source)
    this.#names.delete(source)
    this.#names.set(target, content)
  }

  async unlink(path: string): Promise<void> {
    this.beforeEach('unlink', path)
    if (!this.#names.delete(path)) throw missing(path)
  }

  async syncDirectory(folder: string): Promise<void> {
    this.beforeEach('syncDirectory', folder)
    for (const name of this.#keptNames.keys()) if (name.startsWith(`${folder}/`)) this.#keptNames.delete(name)
    for (const [name, content] of this.#names) if (name.startsWith(`${folder}/`)) this.#keptNames.set(name, content)
  }

  /**
   * The disk after a power loss. `tail` decides how many of the bytes that a file has beyond its flushed ones arrived anyway
   * (0 to all of them); names that were not flushed are as `namesArrive` says.
   */
  losePower(tail: (unflushed: number) => number = () => 0, namesArrive = false): MemoryFiles {
    const after = new MemoryFiles()
    for (const [name, { seen, kept }] of namesArrive ? this.#names : this.#keptNames) {
      const more = seen.length > kept.length ? tail(seen.length - kept.length) : 0
      const bytes = more > 0 ? seen.subarray(0, kept.length + more) : kept
      after.overwrite(name, Buffer.from(bytes))
    }
    return after
  }

  /** The disk as a new process finds it after a kill: all that was written is there. */
  afterKill(): MemoryFiles {
    return this.losePower(unflushed => unflushed, true)
  }
}
