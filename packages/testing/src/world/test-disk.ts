// The disk of a broker under test: any `Files`, with a gate in front. The gate makes it full or broken, and knows what goes on, so that an
// advance of the clock can wait for it.
import { type Files, type OpenFile, platformError } from '@ottla/storage'

/** How a disk is: 'full' fails what needs room with ENOSPC, 'failing' everything that reads or writes bytes with EIO. */
export type DiskState = 'well' | 'full' | 'failing'

/** See the top of the file. */
export class TestDisk implements Files {
  state: DiskState = 'well'
  /** Called when an operation fails because of `state`. */
  onFailure: (() => void) | undefined
  readonly #files: Files
  #pending = 0
  #operations = 0

  constructor(files: Files) {
    this.#files = files
  }

  /** Operations that have begun and not ended. */
  get pending(): number {
    return this.#pending
  }

  /** Operations that there were. */
  get operations(): number {
    return this.#operations
  }

  openSync(path: string, mode: 'read' | 'update' | 'create'): OpenFile {
    this.#operations++
    if (mode === 'create' && this.state === 'full' && this.#files.statSync(path) === undefined) this.#fail('ENOSPC', 'open', path)
    return this.#gated(this.#files.openSync(path, mode))
  }

  readFileSync(path: string): Buffer {
    this.#check('read', path)
    return this.#files.readFileSync(path)
  }

  listSync(path: string): string[] {
    return this.#files.listSync(path)
  }

  statSync(path: string): ReturnType<Files['statSync']> {
    return this.#files.statSync(path)
  }

  makeDirectorySync(path: string): void {
    this.#checkWrite('mkdir', path)
    this.#files.makeDirectorySync(path)
  }

  renameSync(source: string, target: string): void {
    this.#check('rename', source)
    this.#files.renameSync(source, target)
  }

  unlinkSync(path: string): void {
    this.#check('unlink', path)
    this.#files.unlinkSync(path)
  }

  unlink(path: string): Promise<void> {
    return this.#wait(() => this.#files.unlink(path), { operation: 'unlink', path })
  }

  removeDirectory(path: string): Promise<void> {
    return this.#wait(() => this.#files.removeDirectory(path), { operation: 'rmdir', path })
  }

  syncDirectory(path: string): Promise<void> {
    return this.#wait(() => this.#files.syncDirectory(path), { operation: 'fsync', path })
  }

  async space(path: string): Promise<{ totalBytes: number; usableBytes: number }> {
    const space = await this.#wait(() => this.#files.space(path), { operation: 'statfs', path })
    return this.state === 'full' ? { ...space, usableBytes: 0 } : space
  }

  #gated(file: OpenFile): OpenFile {
    const { path } = file
    return {
      path,
      readSync: (target, range) => {
        this.#check('read', path)
        return file.readSync(target, range)
      },
      read: (target, range) => this.#wait(() => file.read(target, range), { operation: 'read', path }),
      writeSync: (chunks, position) => {
        this.#checkWrite('write', path)
        file.writeSync(chunks, position)
      },
      truncateSync: length => {
        this.#check('ftruncate', path)
        file.truncateSync(length)
      },
      sizeSync: () => file.sizeSync(),
      datasync: () => this.#wait(() => file.datasync(), { operation: 'fdatasync', path }),
      closeSync: () => file.closeSync(),
    }
  }

  #check(operation: string, path: string): void {
    this.#operations++
    if (this.state === 'failing') this.#fail('EIO', operation, path)
  }

  #checkWrite(operation: string, path: string): void {
    this.#check(operation, path)
    if (this.state === 'full') this.#fail('ENOSPC', operation, path)
  }

  #fail(code: string, operation: string, path: string): never {
    this.onFailure?.()
    throw platformError(code, operation, path)
  }

  async #wait<T>(run: () => Promise<T>, { operation, path }: { operation: string; path: string }): Promise<T> {
    this.#check(operation, path)
    this.#pending++
    try {
      return await run()
    } finally {
      this.#pending--
    }
  }
}
