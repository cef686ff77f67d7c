// A disk in memory that behaves like the worst that a real one may do. What is written is in the page cache, and only `datasync` of a file
// and `syncDirectory` of its folder bring it to the device for sure. A testing aid: nothing here is quick.
import type { Random } from '@ottla/protocol'
import type { FileFacts, Files, OpenFile } from './files.ts'
import { MemoryFile } from './memory-file.ts'
import { MemoryFolder, MemoryTree, platformError } from './memory-tree.ts'

/** Names of the operations of Files and OpenFile. */
export type FileOperation = Exclude<keyof Files | keyof OpenFile, 'path' | 'closeSync'>

/** An error to be raised instead of an operation. */
export interface Fault {
  readonly operation: FileOperation
  /** Only for paths that contain this text, or for which this says so; else for all. */
  readonly path?: string | ((path: string) => boolean)
  /** 'EIO', 'ENOSPC', ... */
  readonly code: string
  /** So many operations succeed first. */
  readonly after?: number
  /** So many fail, then none; without it all do. */
  readonly times?: number
  /** For writeSync: so many bytes are written before the error. */
  readonly partialBytes?: number
}

export interface MemoryDiskOptions {
  /** Bytes that fit; more gives ENOSPC, after a part was written. */
  readonly capacity?: number
  /** How long the device takes for an operation that waits for it; by default nothing, but never in the same turn. */
  readonly latency?: () => Promise<void>
  /** Time of changes. */
  readonly now?: () => number
}

const immediately = (): Promise<void> => Promise.resolve()

/** See the top of the file. After `powerLoss` and `crash` this object answers everything with EIO, and what survived is another one. */
export class MemoryDisk implements Files {
  /** Bytes that fit. */
  capacity: number
  /** Called before each operation; may throw, or call `crash` or `powerLoss`, to fail at a chosen moment. */
  beforeOperation: ((operation: FileOperation, path: string) => void) | undefined
  readonly #options: MemoryDiskOptions
  readonly #latency: () => Promise<void>
  readonly #now: () => number
  #tree = new MemoryTree()
  #usedBytes = 0
  #isDead = false
  #operations = 0
  #faults: { fault: Fault; passed: number; raised: number }[] = []

  constructor(options: MemoryDiskOptions = {}) {
    this.#options = options
    this.capacity = options.capacity ?? 2 ** 40
    this.#latency = options.latency ?? immediately
    this.#now = options.now ?? Date.now
  }

  /** Bytes of all files. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** How many operations there were. */
  get operations(): number {
    return this.#operations
  }

  /** Raises an error instead of operations from now on, until the returned function is called. */
  fail(fault: Fault): () => void {
    const entry = { fault, passed: 0, raised: 0 }
    this.#faults.push(entry)
    return () => {
      this.#faults = this.#faults.filter(other => other !== entry)
    }
  }

  /** The process was killed: the page cache survives. */
  crash(): MemoryDisk {
    for (const file of this.#tree.files()) {
      file.cancelFlights()
      file.handles = 0
    }
    return this.#die(this.#tree)
  }

  /** The power failed: what was not flushed is gone, or there in part, as chance will have it. */
  powerLoss(random: Random): MemoryDisk {
    return this.#die(this.#tree.survivor(random))
  }

  /** A disk as it might be after a power loss now; this one goes on. */
  afterPowerLoss(random: Random): MemoryDisk {
    return this.#with(this.#tree.survivor(random))
  }

  /** The content of a file that is on the device for sure, undefined where the file itself is not. */
  durableContent(path: string): Buffer | undefined {
    let folder = this.#tree.root
    const words = path.split('/').filter(word => word !== '')
    const name = words.pop() ?? ''
    for (const word of words) {
      const next = folder.durable.get(word)
      if (!(next instanceof MemoryFolder)) return undefined
      folder = next
    }
    const node = folder.durable.get(name)
    return node instanceof MemoryFile ? Buffer.from(node.durableContent) : undefined
  }

  openSync(path: string, mode: 'read' | 'update' | 'create'): OpenFile {
    this.#begin('openSync', path)
    let node = this.#tree.find(path)
    if (node instanceof MemoryFolder) throw platformError('EISDIR', 'openSync', path)
    if (node === undefined) {
      if (mode !== 'create') throw platformError('ENOENT', 'openSync', path)
      const { folder, name } = this.#tree.parent(path, 'openSync')
      node = new MemoryFile()
      node.modifiedMs = this.#now()
      this.#tree.change({ folder, name, node })
    }
    return this.#handle(node, path, mode !== 'read')
  }

  readFileSync(path: string): Buffer {
    this.#begin('readFileSync', path)
    const node = this.#tree.find(path)
    if (node instanceof MemoryFile) return Buffer.from(node.content)
    throw platformError(node === undefined ? 'ENOENT' : 'EISDIR', 'readFileSync', path)
  }

  listSync(path: string): string[] {
    this.#begin('listSync', path)
    return [...this.#folder(path, 'listSync').entries.keys()]
  }

  statSync(path: string): FileFacts | undefined {
    this.#begin('statSync', path)
    const node = this.#tree.find(path)
    if (node instanceof MemoryFolder) return { size: 4096, modifiedMs: 0, isDirectory: true }
    return node && { size: node.size, modifiedMs: node.modifiedMs, isDirectory: false }
  }

  makeDirectorySync(path: string): void {
    this.#begin('makeDirectorySync', path)
    let above = ''
    for (const word of path.split('/').filter(part => part !== '')) {
      above += `/${word}`
      const node = this.#tree.find(above)
      if (node instanceof MemoryFile) throw platformError('EEXIST', 'makeDirectorySync', path)
      if (node === undefined) this.#tree.change({ ...this.#tree.parent(above, 'makeDirectorySync'), node: new MemoryFolder() })
    }
  }

  renameSync(source: string, target: string): void {
    this.#begin('renameSync', source)
    const from = this.#tree.parent(source, 'renameSync')
    const to = this.#tree.parent(target, 'renameSync')
    const node = from.folder.entries.get(from.name)
    if (node === undefined) throw platformError('ENOENT', 'renameSync', source)
    const replaced = to.folder.entries.get(to.name)
    if (replaced === node) return
    if (replaced instanceof MemoryFolder && !(node instanceof MemoryFolder)) throw platformError('EISDIR', 'renameSync', target)
    if (replaced instanceof MemoryFolder && replaced.entries.size > 0) throw platformError('ENOTEMPTY', 'renameSync', target)
    if (replaced instanceof MemoryFile && node instanceof MemoryFolder) throw platformError('ENOTDIR', 'renameSync', target)
    this.#tree.change({ ...from, node: undefined }, { ...to, node })
    if (replaced instanceof MemoryFile) this.#unlinked(replaced)
  }

  unlinkSync(path: string): void {
    this.#begin('unlinkSync', path)
    this.#unlink(path)
  }

  async unlink(path: string): Promise<void> {
    await this.#wait('unlink', path)
    this.#unlink(path)
  }

  async removeDirectory(path: string): Promise<void> {
    await this.#wait('removeDirectory', path)
    const folder = this.#folder(path, 'removeDirectory')
    this.#empty(folder)
    this.#tree.change({ ...this.#tree.parent(path, 'removeDirectory'), node: undefined })
  }

  async syncDirectory(path: string): Promise<void> {
    this.#begin('syncDirectory', path)
    const flush = this.#tree.beginFlush(this.#folder(path, 'syncDirectory'))
    await this.#latency()
    if (this.#isDead) throw platformError('EIO', 'syncDirectory', path)
    flush.finish()
  }

  async space(path: string): Promise<{ totalBytes: number; usableBytes: number }> {
    await this.#wait('space', path)
    return { totalBytes: this.capacity, usableBytes: Math.max(0, this.capacity - this.#usedBytes) }
  }

  #handle(file: MemoryFile, path: string, mayWrite: boolean): OpenFile {
    file.handles++
    let isOpen = true
    const ensureUsable = (operation: FileOperation, writes = false) => {
      if (!isOpen || (writes && !mayWrite)) throw platformError('EBADF', operation, path)
    }
    const begin = (operation: FileOperation, writes = false) => {
      ensureUsable(operation, writes)
      this.#begin(operation, path)
    }
    const read = (target: Buffer, range: { at: number; length: number; position: number }) => {
      const end = Math.min(range.position + range.length, file.size)
      return end <= range.position ? 0 : file.content.copy(target, range.at, range.position, end)
    }
    return {
      path,
      readSync(target, range) {
        begin('readSync')
        return read(target, range)
      },
      read: async (target, range) => {
        begin('read')
        await this.#latency()
        if (this.#isDead) throw platformError('EIO', 'read', path)
        return read(target, range)
      },
      writeSync: (chunks, position) => {
        ensureUsable('writeSync', true)
        const fault = this.#faultFor('writeSync', path)
        this.#write(file, Buffer.concat(chunks), { position, path, fault })
      },
      truncateSync: length => {
        begin('truncateSync', true)
        this.#usedBytes += length - file.size
        file.truncate(length)
        file.modifiedMs = this.#now()
      },
      sizeSync() {
        begin('sizeSync')
        return file.size
      },
      datasync: async () => {
        ensureUsable('datasync')
        const fault = this.#faultFor('datasync', path)
        const flush = file.beginFlush()
        if (fault !== undefined) {
          // As Linux does: the pages count as clean although the device does not have them.
          flush.lose()
          throw platformError(fault.code, 'datasync', path)
        }
        await this.#latency()
        if (this.#isDead) throw platformError('EIO', 'datasync', path)
        flush.finish()
      },
      closeSync: () => {
        if (!isOpen) return
        isOpen = false
        if (this.#isDead) return
        file.handles--
        if (!file.isLinked && file.handles === 0) this.#usedBytes -= file.size
      },
    }
  }

  #write(file: MemoryFile, bytes: Buffer, how: { position: number; path: string; fault: Fault | undefined }): void {
    const { fault, path, position } = how
    const room = this.capacity - this.#usedBytes + Math.max(0, file.size - position)
    const fitting = bytes.subarray(0, Math.max(0, fault === undefined ? room : Math.min(fault.partialBytes ?? 0, room)))
    if (fitting.length > 0) {
      this.#usedBytes += Math.max(0, position + fitting.length - file.size)
      file.write(fitting, position)
      file.modifiedMs = this.#now()
    }
    if (fault !== undefined) throw platformError(fault.code, 'writeSync', path)
    if (fitting.length < bytes.length) throw platformError('ENOSPC', 'writeSync', path)
  }

  #folder(path: string, operation: FileOperation): MemoryFolder {
    const node = this.#tree.find(path)
    if (node instanceof MemoryFolder) return node
    throw platformError(node === undefined ? 'ENOENT' : 'ENOTDIR', operation, path)
  }

  #unlink(path: string): void {
    const place = this.#tree.parent(path, 'unlink')
    const node = place.folder.entries.get(place.name)
    if (node === undefined) throw platformError('ENOENT', 'unlink', path)
    if (node instanceof MemoryFolder) throw platformError('EISDIR', 'unlink', path)
    this.#tree.change({ ...place, node: undefined })
    this.#unlinked(node)
  }

  #unlinked(file: MemoryFile): void {
    file.isLinked = false
    if (file.handles === 0) this.#usedBytes -= file.size
  }

  #empty(folder: MemoryFolder): void {
    for (const [name, node] of folder.entries) {
      if (node instanceof MemoryFolder) this.#empty(node)
      this.#tree.change({ folder, name, node: undefined })
      if (node instanceof MemoryFile) this.#unlinked(node)
    }
  }

  #begin(operation: FileOperation, path: string): void {
    const fault = this.#faultFor(operation, path)
    if (fault !== undefined) throw platformError(fault.code, operation, path)
  }

  async #wait(operation: FileOperation, path: string): Promise<void> {
    this.#begin(operation, path)
    await this.#latency()
    if (this.#isDead) throw platformError('EIO', operation, path)
  }

  /** Counts the operation, and says which error is to be raised instead. Throws EIO on a disk that is gone. */
  #faultFor(operation: FileOperation, path: string): Fault | undefined {
    this.#operations++
    if (!this.#isDead) this.beforeOperation?.(operation, path)
    if (this.#isDead) throw platformError('EIO', operation, path)
    for (const entry of this.#faults) {
      const { after = 0, path: where = '', times = Number.POSITIVE_INFINITY, operation: which } = entry.fault
      const matches = which === operation && (typeof where === 'string' ? path.includes(where) : where(path))
      if (!matches || entry.raised >= times || entry.passed++ < after) continue
      entry.raised++
      return entry.fault
    }
    return undefined
  }

  #die(tree: MemoryTree): MemoryDisk {
    if (this.#isDead) throw new Error('this disk is gone already')
    this.#isDead = true
    return this.#with(tree)
  }

  #with(tree: MemoryTree): MemoryDisk {
    const disk = new MemoryDisk(this.#options)
    disk.capacity = this.capacity
    disk.#tree = tree
    disk.#usedBytes = tree.files().reduce((sum, file) => sum + file.size, 0)
    return disk
  }
}
