// A disk in memory that is quick and forgets nothing while its process lives: for brokers inside tests. (`MemoryDisk` is the one that loses
// what was not flushed; it keeps every byte twice for that.)
import { posix } from 'node:path'
import type { FileFacts, Files, OpenFile } from './files.ts'
import { platformError } from './memory-tree.ts'

/** One file: its bytes with room to grow. */
class Content {
  size = 0
  modifiedMs = 0
  handles = 0
  isLinked = true
  bytes: Buffer = Buffer.alloc(0)

  resize(size: number): void {
    if (size > this.bytes.length) {
      const larger = Buffer.alloc(Math.max(size, this.bytes.length * 2, 512))
      this.bytes.copy(larger, 0, 0, this.size)
      this.bytes = larger
    } else if (size < this.size) {
      this.bytes.fill(0, size, this.size)
    }
    this.size = size
  }
}

type Folder = Map<string, Content | Folder>
type Node = Content | Folder

/** Files of a process; `capacityBytes` bounds what all of them hold, beyond it writes fail with ENOSPC. */
export class VolatileFiles implements Files {
  capacityBytes: number
  readonly #root: Folder = new Map()
  readonly #now: () => number
  #usedBytes = 0

  constructor(options: { readonly capacityBytes?: number; readonly now?: () => number } = {}) {
    this.capacityBytes = options.capacityBytes ?? 512 * 1024 * 1024
    this.#now = options.now ?? Date.now
  }

  /** Bytes of all files. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  openSync(path: string, mode: 'read' | 'update' | 'create'): OpenFile {
    let node = this.#find(path)
    if (node instanceof Map) throw platformError('EISDIR', 'open', path)
    if (node === undefined) {
      if (mode !== 'create') throw platformError('ENOENT', 'open', path)
      const { folder, name } = this.#place(path, 'open')
      node = new Content()
      node.modifiedMs = this.#now()
      folder.set(name, node)
    }
    return this.#handle(node, path, mode !== 'read')
  }

  readFileSync(path: string): Buffer {
    const node = this.#find(path)
    if (node instanceof Content) return Buffer.from(node.bytes.subarray(0, node.size))
    throw platformError(node === undefined ? 'ENOENT' : 'EISDIR', 'open', path)
  }

  listSync(path: string): string[] {
    return [...this.#folder(path, 'scandir').keys()]
  }

  statSync(path: string): FileFacts | undefined {
    const node = this.#find(path)
    if (node instanceof Map) return { size: 4096, modifiedMs: 0, isDirectory: true }
    return node && { size: node.size, modifiedMs: node.modifiedMs, isDirectory: false }
  }

  makeDirectorySync(path: string): void {
    let folder = this.#root
    for (const word of wordsOf(path)) {
      let node = folder.get(word)
      if (node instanceof Content) throw platformError('EEXIST', 'mkdir', path)
      if (node === undefined) folder.set(word, (node = new Map()))
      folder = node
    }
  }

  renameSync(source: string, target: string): void {
    const from = this.#place(source, 'rename')
    const to = this.#place(target, 'rename')
    const node = from.folder.get(from.name)
    if (node === undefined) throw platformError('ENOENT', 'rename', source)
    const replaced = to.folder.get(to.name)
    if (replaced === node) return
    if (replaced instanceof Map && node instanceof Content) throw platformError('EISDIR', 'rename', target)
    if (replaced instanceof Map && replaced.size > 0) throw platformError('ENOTEMPTY', 'rename', target)
    if (replaced instanceof Content && node instanceof Map) throw platformError('ENOTDIR', 'rename', target)
    from.folder.delete(from.name)
    to.folder.set(to.name, node)
    if (replaced instanceof Content) this.#unlinked(replaced)
  }

  unlinkSync(path: string): void {
    const { folder, name } = this.#place(path, 'unlink')
    const node = folder.get(name)
    if (node === undefined) throw platformError('ENOENT', 'unlink', path)
    if (node instanceof Map) throw platformError('EISDIR', 'unlink', path)
    folder.delete(name)
    this.#unlinked(node)
  }

  async unlink(path: string): Promise<void> {
    this.unlinkSync(path)
  }

  async removeDirectory(path: string): Promise<void> {
    const folder = this.#folder(path, 'rmdir')
    this.#empty(folder)
    const place = this.#place(path, 'rmdir')
    place.folder.delete(place.name)
  }

  async syncDirectory(path: string): Promise<void> {
    this.#folder(path, 'fsync')
  }

  async space(): Promise<{ totalBytes: number; usableBytes: number }> {
    return { totalBytes: this.capacityBytes, usableBytes: Math.max(0, this.capacityBytes - this.#usedBytes) }
  }

  #handle(content: Content, path: string, mayWrite: boolean): OpenFile {
    content.handles++
    let isOpen = true
    const use = (operation: string, writes = false): void => {
      if (!isOpen || (writes && !mayWrite)) throw platformError('EBADF', operation, path)
    }
    const readSync: OpenFile['readSync'] = (target, { at, length, position }) => {
      use('read')
      const end = Math.min(position + length, content.size)
      return end <= position ? 0 : content.bytes.copy(target, at, position, end)
    }
    return {
      path,
      readSync,
      read: async (target, range) => readSync(target, range),
      writeSync: (chunks, position) => {
        use('write', true)
        this.#write(content, chunks, { position, path })
      },
      truncateSync: length => {
        use('ftruncate', true)
        this.#usedBytes += length - content.size
        content.resize(length)
        content.modifiedMs = this.#now()
      },
      sizeSync() {
        use('fstat')
        return content.size
      },
      async datasync() {
        use('fdatasync')
      },
      closeSync: () => {
        if (!isOpen) return
        isOpen = false
        content.handles--
        if (!content.isLinked && content.handles === 0) this.#usedBytes -= content.size
      },
    }
  }

  /** Writes what fits; like a real disk it leaves a part behind where not all does. */
  #write(content: Content, chunks: readonly Buffer[], { position, path }: { position: number; path: string }): void {
    let at = position
    for (const chunk of chunks) {
      const more = at + chunk.length - content.size
      const isFull = more > 0 && this.#usedBytes + more > this.capacityBytes
      if (isFull) throw platformError('ENOSPC', 'write', path)
      if (more > 0 && chunk.length > 0) {
        content.resize(at + chunk.length)
        this.#usedBytes += more
      }
      chunk.copy(content.bytes, at)
      at += chunk.length
    }
    content.modifiedMs = this.#now()
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root
    for (const word of wordsOf(path)) {
      if (!(node instanceof Map)) return undefined
      node = node.get(word)
    }
    return node
  }

  #folder(path: string, operation: string): Folder {
    const node = this.#find(path)
    if (node instanceof Map) return node
    throw platformError(node === undefined ? 'ENOENT' : 'ENOTDIR', operation, path)
  }

  #place(path: string, operation: string): { folder: Folder; name: string } {
    const words = wordsOf(path)
    const name = words.pop()
    if (name === undefined) throw platformError('EINVAL', operation, path)
    return { folder: this.#folder(words.join('/'), operation), name }
  }

  #unlinked(content: Content): void {
    content.isLinked = false
    if (content.handles === 0) this.#usedBytes -= content.size
  }

  #empty(folder: Folder): void {
    for (const [name, node] of folder) {
      if (node instanceof Map) this.#empty(node)
      else this.#unlinked(node)
      folder.delete(name)
    }
  }
}

/** Words of a path. Most paths are plain already, and normalizing costs more than all the rest. */
function wordsOf(path: string): string[] {
  const plain = path.includes('\\') || path.includes('/.') || path.includes('//') ? posix.normalize(path.replaceAll('\\', '/')) : path
  return plain.split('/').filter(word => word !== '' && word !== '.')
}
